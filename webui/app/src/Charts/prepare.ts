import type { Series } from '../api/client';
import { gapLimit } from '../Timeline/paths';

export interface Lines {
  /** Unix seconds. */
  readonly times: readonly number[];
  /** For each metric its average, and its least and most where they are known. */
  readonly values: Readonly<Record<string, { avg: readonly (number | null)[]; min: readonly (number | null)[]; max: readonly (number | null)[] }>>;
}

/**
 * Series for charts that share one axis: where there was no snapshot stands a point without values,
 * so that no line crosses the gap.
 */
export function withGaps(series: Series): Lines {
  const limit = gapLimit(series.times, series.step) / 1000;
  const times: number[] = [];
  const from: (number | undefined)[] = [];
  series.times.forEach((time, i) => {
    const before = series.times[i - 1];
    if (before !== undefined && time - before > limit) {
      times.push((before + time) / 2);
      from.push(undefined);
    }
    times.push(time);
    from.push(i);
  });
  const spread = (values: readonly (number | null)[]) => from.map((i) => (i === undefined ? null : values[i] ?? null));
  const values = Object.fromEntries(
    Object.entries(series.values).map(([metric, { avg, min, max }]) => [metric, { avg: spread(avg), min: spread(min ?? avg), max: spread(max ?? avg) }]),
  );
  return { times, values };
}

/** The step for a life of so many seconds over so many pixels: 0 while every snapshot has its place. */
export function lifeStep(seconds: number, width: number): number {
  const wanted = seconds / Math.max(50, width);
  return wanted < 15 ? 0 : Math.ceil(wanted / 60) * 60;
}
