import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Lines } from './prepare';

export interface Chart {
  readonly metric: string;
  readonly colour: string;
  /** Writes a value on the axis. */
  readonly text: (value: number) => string;
  /** Whether values are bytes, whose round figures are powers of two. */
  readonly bytes?: boolean;
}

export interface Drawn {
  /** Draws the instant that the page shows, in Unix seconds; undefined draws none. */
  mark(instant: number | undefined): void;
  resize(width: number): void;
  destroy(): void;
}

const height = 76;
const powers = Array.from({ length: 50 }, (_, i) => 2 ** i);

/** Draws one chart below another into places of their own, with one crosshair over all. */
export function draw(places: readonly HTMLElement[], charts: readonly Chart[], lines: Lines, range: [number, number], onpoint: (index: number | undefined) => void): Drawn {
  const style = getComputedStyle(places[0]!);
  const colour = (name: string) => resolved(places[0]!, style.getPropertyValue(name).trim());
  const [line, quiet, accent] = [colour('--line'), colour('--text-3'), colour('--accent')];
  const crosshair = uPlot.sync(`process-${Math.random()}`);
  let marked: number | undefined;
  const plots = charts.map((chart, i) => {
    const stroke = colour(chart.colour);
    const { avg, min, max } = lines.values[chart.metric]!;
    const options: uPlot.Options = {
      width: places[i]!.clientWidth || 320,
      height,
      legend: { show: false },
      padding: [6, 14, i === charts.length - 1 ? 0 : 8, 0],
      cursor: { sync: { key: crosshair.key }, drag: { x: false, y: false }, y: false, points: { size: 5 } },
      scales: { x: { time: true, range }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : chart.bytes ? 1024 : 1] } },
      axes: [
        { show: i === charts.length - 1, stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 20, font: '11px system-ui', space: 70, values: timeTexts },
        { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 58, font: '11px system-ui', space: 24, values: (_, splits) => splits.map(chart.text), ...(chart.bytes ? { incrs: powers } : {}) },
      ],
      series: [
        {},
        { stroke: 'transparent', width: 0, points: { show: false } },
        { stroke: 'transparent', width: 0, points: { show: false } },
        { stroke, width: 1.25, points: { show: (_u, _s, first, last) => last - first < 2, size: 3 } },
      ],
      bands: [{ series: [1, 2], fill: faint(stroke) }],
      hooks: {
        draw: [(plot) => {
          if (marked === undefined || marked < range[0] || marked > range[1]) return;
          const x = Math.round(plot.valToPos(marked, 'x', true));
          plot.ctx.fillStyle = accent;
          plot.ctx.fillRect(x, plot.bbox.top, Math.max(1, devicePixelRatio), plot.bbox.height);
        }],
        setCursor: [(plot) => onpoint(plot.cursor.idx ?? undefined)],
      },
    };
    const plot = new uPlot(options, [lines.times as number[], max as number[], min as number[], avg as number[]], places[i]!);
    crosshair.sub(plot);
    return plot;
  });
  return {
    mark(instant) {
      marked = instant;
      for (const plot of plots) plot.redraw(false);
    },
    resize(width) {
      for (const plot of plots) plot.setSize({ width, height });
    },
    destroy() {
      for (const plot of plots) {
        crosshair.unsub(plot);
        plot.destroy();
      }
    },
  };
}

const two = (n: number) => String(n).padStart(2, '0');

function timeTexts(_: uPlot, splits: number[], __: number, ___: number, apart: number): string[] {
  return splits.map((seconds) => {
    const t = new Date(seconds * 1000);
    if (apart >= 86_400) return `${two(t.getMonth() + 1)}-${two(t.getDate())}`;
    const clock = `${two(t.getHours())}:${two(t.getMinutes())}`;
    return apart < 60 ? `${clock}:${two(t.getSeconds())}` : clock;
  });
}

/** What a colour of the tokens is in the scheme in force; a canvas knows no light-dark(). */
function resolved(place: HTMLElement, value: string): string {
  const probe = place.ownerDocument.createElement('span');
  probe.style.color = value;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function faint(colour: string): string {
  return colour.replace(/^rgb\(([^)]+)\)$/, 'rgba($1, 0.25)');
}
