import type { Series } from '../api/client';
import { toPixels, type Range } from './scale';

type Values = readonly (number | null)[];

/** A run of points without a gap, as indices: first, and one after the last. */
export type Run = readonly [first: number, end: number];

const few = 8; // points

/**
 * The longest time between two points that is not a gap, in milliseconds: three times what is
 * usual, and never less than a step and a half. Few points say little of what is usual: then the
 * interval of snapshots counts, in seconds, where it is known to be shorter.
 */
export function gapLimit(times: readonly number[], step: number, interval = Infinity): number {
  const apart = times.slice(1).map((time, i) => time - times[i]!);
  apart.sort((a, b) => a - b);
  const median = apart[apart.length >> 1] ?? Math.min(interval, 20);
  const usual = apart.length < few ? Math.min(median, interval) : median;
  return Math.max(step * 1.5, usual * 3) * 1000;
}

/** Where a line can be drawn: a missing value and a gap in time end a run. */
export function runs(times: readonly number[], values: Values, limit: number): Run[] {
  const found: [number, number][] = [];
  for (let i = 0; i < times.length; i++) {
    if (typeof values[i] !== 'number') continue;
    const last = found.at(-1);
    if (last && last[1] === i && (times[i]! - times[i - 1]!) * 1000 <= limit) last[1] = i + 1;
    else found.push([i, i + 1]);
  }
  return found;
}

export interface Box {
  readonly range: Range;
  readonly width: number;
  readonly height: number;
  /** The value at the top; the bottom is 0. */
  readonly top: number;
}

const round = (n: number) => Math.round(n * 10) / 10;

/** A line through values, as an SVG path. A point alone is a dash that can be seen. */
export function line(times: readonly number[], values: Values, limit: number, box: Box): string {
  const { x, y } = scales(box);
  return runs(times, values, limit)
    .map(([first, end]) => {
      if (end - first === 1) return `M${round(x(times[first]!) - 1)} ${y(values[first]!)}h2`;
      let path = '';
      for (let i = first; i < end; i++) path += `${i === first ? 'M' : 'L'}${round(x(times[i]!))} ${y(values[i]!)}`;
      return path;
    })
    .join('');
}

/** The area below values, or between two lots of them. */
export function area(times: readonly number[], upper: Values, lower: Values | undefined, limit: number, box: Box): string {
  const { x, y } = scales(box);
  return runs(times, upper, limit)
    .map(([first, end]) => {
      const alone = end - first === 1 ? 1 : 0;
      let path = `M${round(x(times[first]!) - alone)} ${y(lower?.[first] ?? 0)}`;
      for (let i = first; i < end; i++) path += `L${round(x(times[i]!) + (alone && i === first ? -alone : 0))} ${y(upper[i]!)}`;
      if (alone) path += `h${2 * alone}`;
      for (let i = end - 1; i >= first; i--) path += `L${round(x(times[i]!) + (i === end - 1 ? alone : 0))} ${y(lower?.[i] ?? 0)}`;
      return `${path}Z`;
    })
    .join('');
}

function scales({ range, width, height, top }: Box) {
  return {
    x: (seconds: number) => toPixels(range, width, seconds * 1000),
    y: (value: number) => round(height - (Math.max(0, Math.min(top, value)) / top) * height),
  };
}

/** The parts of a range in which there is no snapshot. */
export function gaps(times: readonly number[], limit: number, range: Range): Range[] {
  const found: Range[] = [];
  const inside = times.map((time) => time * 1000);
  const edges = [range.from, ...inside, range.to];
  for (let i = 1; i < edges.length; i++) {
    if (edges[i]! - edges[i - 1]! > limit) found.push({ from: edges[i - 1]!, to: edges[i]! });
  }
  return found;
}

/** What happened in one pixel's width, or in two or three. */
export interface Events {
  readonly x: number;
  readonly starts: number;
  readonly ends: number;
}

/** Adds starts and ends up over so many pixels each, as ticks that touch tell nothing. */
export function events(series: Series, range: Range, width: number, pixels = 3): Events[] {
  const found = new Map<number, { starts: number; ends: number }>();
  const [starts, ends] = [series.values['starts'], series.values['ends']];
  series.times.forEach((time, i) => {
    const x = Math.floor(toPixels(range, width, time * 1000) / pixels) * pixels;
    if (x < 0 || x > width) return;
    // An average of a step: what all of its snapshots had together is not told, its peak is.
    const started = starts?.max?.[i] ?? starts?.avg[i] ?? 0;
    const ended = ends?.max?.[i] ?? ends?.avg[i] ?? 0;
    if (!started && !ended) return;
    const at = found.get(x) ?? { starts: 0, ends: 0 };
    found.set(x, { starts: at.starts + started, ends: at.ends + ended });
  });
  return [...found].map(([x, sums]) => ({ x, ...sums }));
}

/** The point nearest to an instant, unless it is further away than a gap. */
export function nearest(times: readonly number[], instant: number, limit: number): number | undefined {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! * 1000 < instant) low = middle + 1;
    else high = middle;
  }
  const apart = (i: number) => (i < 0 || i >= times.length ? Infinity : Math.abs(times[i]! * 1000 - instant));
  const best = apart(low - 1) < apart(low) ? low - 1 : low;
  return apart(best) <= limit ? best : undefined;
}
