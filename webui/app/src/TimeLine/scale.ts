/** The arithmetic of the time line. Instants and lengths are Unix seconds. */

export interface Span {
  readonly from: number;
  readonly to: number;
}

export const zooms = [
  { key: '15m', title: '15 min', length: 900 },
  { key: '1h', title: '1 h', length: 3600 },
  { key: '6h', title: '6 h', length: 6 * 3600 },
  { key: '24h', title: '24 h', length: 86_400 },
  { key: '7d', title: '7 d', length: 7 * 86_400 },
  { key: 'all', title: 'All', length: Infinity },
] as const;

export type Zoom = (typeof zooms)[number]['key'];
export const usualZoom: Zoom = '1h';

/**
 * What the line shows. Live it ends now; the past stands where it stood before, or comes to the
 * middle. `first` is where what is kept begins.
 */
export function spanOf(zoom: Zoom, at: number | undefined, now: number, first: number, before?: Span): Span {
  const length = Math.min(zooms.find(({ key }) => key === zoom)!.length, Math.max(now - first, 900));
  const live = { from: now - length, to: now };
  if (at === undefined) return live;
  if (before && Math.abs(before.to - before.from - length) < 1 && at >= before.from && at <= before.to) return before;
  if (at >= live.from) return live;
  return { from: at - length / 2, to: at + length / 2 };
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 7 * 86_400];

/** The seconds that one point should stand for, so that points are two pixels apart. */
export function stepFor(span: Span, width: number): number {
  const least = (2 * (span.to - span.from)) / Math.max(width, 100);
  return steps.find((step) => step >= least) ?? steps.at(-1)!;
}

const tickSteps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400, 28 * 86_400];

export interface Tick {
  readonly at: number;
  readonly text: string;
}

/** Round instants in local time, at least 88 pixels apart. */
export function ticksOf(span: Span, width: number): Tick[] {
  const least = ((span.to - span.from) * 88) / Math.max(width, 100);
  const step = tickSteps.find((known) => known >= least) ?? tickSteps.at(-1)!;
  const ticks: Tick[] = [];
  const offset = new Date(span.from * 1000).getTimezoneOffset() * 60;
  for (let at = Math.ceil((span.from - offset) / step) * step + offset; at <= span.to; at += step) ticks.push({ at, text: label(at, step) });
  return ticks;
}

function label(at: number, step: number): string {
  const t = new Date(at * 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  const midnight = t.getHours() === 0 && t.getMinutes() === 0;
  return step >= 86_400 || midnight ? day : `${two(t.getHours())}:${two(t.getMinutes())}`;
}

/**
 * The runs of points without a gap, as [first, end). Points that are much farther apart than they
 * usually are have a gap between them: there was no snapshot.
 */
export function runsOf(times: readonly number[], step: number): [number, number][] {
  const apart = times.slice(1).map((at, i) => at - times[i]!);
  const usual = apart.toSorted((a, b) => a - b)[apart.length >> 1] ?? 0;
  const most = 2.6 * Math.max(step, usual);
  const runs: [number, number][] = [];
  let first = 0;
  apart.forEach((length, i) => {
    if (length <= most) return;
    runs.push([first, i + 1]);
    first = i + 1;
  });
  if (times.length > 0) runs.push([first, times.length]);
  return runs;
}

/** The index of the time that is nearest to an instant; -1 when there is none. */
export function nearest(times: readonly number[], at: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < at) low = middle + 1;
    else high = middle;
  }
  if (low === times.length) return times.length - 1;
  return low > 0 && at - times[low - 1]! < times[low]! - at ? low - 1 : low;
}

type Value = number | null | undefined;
type Place = (value: number) => number;

/** An SVG path through values; where one is missing, or in a gap, it is broken. */
export function linePath(times: readonly number[], values: readonly Value[], runs: readonly [number, number][], x: Place, y: Place): string {
  let path = '';
  for (const stretch of stretches(values, runs)) {
    path += stretch.map((i, n) => `${n === 0 ? 'M' : 'L'}${round(x(times[i]!))} ${round(y(values[i]!))}`).join('');
    if (stretch.length === 1) path += 'h1'; // a point alone is seen too
  }
  return path;
}

/** The same, filled down to a base. */
export function areaPath(times: readonly number[], values: readonly Value[], runs: readonly [number, number][], x: Place, y: Place): string {
  let path = '';
  for (const stretch of stretches(values, runs)) {
    const [begin, end] = [x(times[stretch[0]!]!), Math.max(x(times[stretch.at(-1)!]!), x(times[stretch[0]!]!) + 1)];
    path += `M${round(begin)} ${round(y(0))}`;
    path += stretch.map((i) => `L${round(x(times[i]!))} ${round(y(values[i]!))}`).join('');
    path += `L${round(end)} ${round(y(values[stretch.at(-1)!]!))}L${round(end)} ${round(y(0))}Z`;
  }
  return path;
}

function* stretches(values: readonly Value[], runs: readonly [number, number][]): Generator<number[]> {
  for (const [first, end] of runs) {
    let stretch: number[] = [];
    for (let i = first; i < end; i++) {
      if (typeof values[i] === 'number') stretch.push(i);
      else if (stretch.length > 0) {
        yield stretch;
        stretch = [];
      }
    }
    if (stretch.length > 0) yield stretch;
  }
}

const round = (value: number) => Math.round(value * 10) / 10;

/** An instant as the address and the API have it, to the millisecond. */
export const instantOf = (at: number): string => new Date(Math.round(at * 1000)).toISOString();

/** Unix seconds of an instant, or undefined if it is none. */
export function secondsOf(instant: string | null | undefined): number | undefined {
  if (!instant) return undefined;
  const seconds = /^-?\d+(\.\d+)?$/.test(instant) ? Number(instant) : Date.parse(instant) / 1000;
  return Number.isFinite(seconds) ? seconds : undefined;
}
