import type { Range } from '../Timeline/scale';

export type End = 'a' | 'b';

const least = 5 * 60_000; // ms on either side

const edge = 0.04; // of the length, for the grip of the later end

/**
 * The time to show around two ends: half as much again on either side, and little of what is still
 * to come. What was shown stays while both ends are well within it.
 */
export function windowOf(ends: Range, now: number, shown?: Range): Range {
  const length = ends.to - ends.from;
  if (shown && ends.from >= shown.from && ends.to <= shown.to && length * 8 >= shown.to - shown.from) return shown;
  const aside = Math.max(least, length / 2);
  return { from: ends.from - aside, to: Math.max(ends.to + length * edge, Math.min(ends.to + aside, now)) };
}

/** Two instants as texts, the earlier one first. One that is not given stands where it is. */
export function inOrder(a: string, b: string): [a: string, b: string] {
  return a !== '' && b !== '' && Date.parse(a) > Date.parse(b) ? [b, a] : [a, b];
}

/** Lengths of time to compare over. */
export const lengths = [
  { title: '5 min', length: 5 * 60_000 },
  { title: '1 h', length: 3_600_000 },
  { title: '6 h', length: 6 * 3_600_000 },
  { title: '24 h', length: 86_400_000 },
  { title: '7 d', length: 7 * 86_400_000 },
] as const;

/** A snapshot that stands for an instant is far from it when it is older than this. */
export const far = 120_000; // ms
