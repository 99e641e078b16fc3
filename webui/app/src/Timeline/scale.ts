/** How an axis of time is divided, and how instants become pixels. All instants are Unix milliseconds. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

const [second, minute, hour, day] = [1_000, 60_000, 3_600_000, 86_400_000];

/** The lengths of time that can be looked at; undefined is everything kept. */
export const zooms = [
  { key: '15m', title: '15 min', length: 15 * minute },
  { key: '1h', title: '1 h', length: hour },
  { key: '6h', title: '6 h', length: 6 * hour },
  { key: '24h', title: '24 h', length: day },
  { key: '7d', title: '7 d', length: 7 * day },
  { key: 'all', title: 'Everything', length: undefined },
] as const;

export type Zoom = (typeof zooms)[number]['key'];

/** How wide a line of time will be, about: all of the page but its gutters. To measure it before it is painted takes a layout more. */
export function usualWidth(): number {
  return innerWidth - (innerWidth > 720 ? 50 : 26);
}

export function toPixels(range: Range, width: number, instant: number): number {
  return ((instant - range.from) / (range.to - range.from)) * width;
}

export function toInstant(range: Range, width: number, x: number): number {
  return range.from + (Math.max(0, Math.min(width, x)) / width) * (range.to - range.from);
}

/** The range to show: it ends now where that shows the instant, else it has the instant in its middle. */
export function rangeOf(zoom: Zoom, at: number | undefined, now: number, oldest: number): Range {
  const length = zooms.find(({ key }) => key === zoom)!.length ?? Math.max(minute, now - oldest);
  if (at === undefined || at >= now - length) return { from: now - length, to: now };
  return { from: at - length / 2, to: at + length / 2 };
}

/** The range that still shows an instant without moving more than it must: while it is in view, not at all. */
export function keepInView(range: Range, at: number): Range {
  const length = range.to - range.from;
  if (at >= range.from && at <= range.to) return range;
  return { from: at - length / 2, to: at + length / 2 };
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

/** Seconds that one point of a series stands for, so that there is about one for every other pixel; 0 is one a snapshot. */
export function seriesStep(range: Range, width: number): number {
  const wanted = (range.to - range.from) / second / Math.max(50, width / 2);
  if (wanted < 2) return 0;
  return steps.find((step) => step >= wanted) ?? Math.ceil(wanted / 604_800) * 604_800;
}

export interface Tick {
  readonly at: number;
  readonly text: string;
}

const lengths = [second, 5 * second, 15 * second, 30 * second, minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour];
const two = (n: number) => String(n).padStart(2, '0');

/** Round instants of local time, at least so many pixels apart, with what to write under them. */
export function ticks(range: Range, width: number, apart = 90): Tick[] {
  const least = ((range.to - range.from) / width) * apart;
  const length = lengths.find((one) => one >= least);
  const found: Tick[] = [];
  const t = new Date(range.from);
  t.setMilliseconds(0);
  if (length === undefined) {
    // Days, which are not all of one length.
    const days = [1, 2, 7, 14, 28, 91, 182, 364].find((n) => n * day >= least) ?? Math.ceil(least / day);
    t.setHours(0, 0, 0, 0);
    while (t.getTime() <= range.to) {
      if (t.getTime() >= range.from) found.push({ at: t.getTime(), text: `${two(t.getMonth() + 1)}-${two(t.getDate())}` });
      t.setDate(t.getDate() + days);
    }
    return found;
  }
  // Counted from midnight of the clock on the wall, whatever its distance from UTC.
  t.setHours(0, 0, 0, 0);
  const midnight = t.getTime();
  for (let at = midnight + Math.ceil((range.from - midnight) / length) * length; at <= range.to; at += length) {
    const on = new Date(at);
    const clock = `${two(on.getHours())}:${two(on.getMinutes())}`;
    const isDay = on.getHours() === 0 && on.getMinutes() === 0 && on.getSeconds() === 0;
    found.push({ at, text: isDay ? `${two(on.getMonth() + 1)}-${two(on.getDate())}` : length < minute ? `${clock}:${two(on.getSeconds())}` : clock });
  }
  return found;
}
