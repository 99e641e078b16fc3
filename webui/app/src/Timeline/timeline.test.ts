import { describe, expect, test } from 'vitest';
import type { Series } from '../api/client';
import { area, events, gapLimit, gaps, line, nearest, runs } from './paths';
import { keepInView, rangeOf, seriesStep, ticks, toInstant, toPixels } from './scale';

const at = (text: string) => Date.parse(text);
const hour = 3_600_000;
const now = at('2026-11-22T20:15:00Z');

describe('the range', () => {
  test('ends now where that shows the instant', () => {
    expect(rangeOf('1h', undefined, now, 0)).toEqual({ from: now - hour, to: now });
    expect(rangeOf('1h', now - 60_000, now, 0)).toEqual({ from: now - hour, to: now });
  });
  test('else has the instant in its middle', () => {
    expect(rangeOf('1h', now - 5 * hour, now, 0)).toEqual({ from: now - 5.5 * hour, to: now - 4.5 * hour });
  });
  test('of everything begins with the oldest', () => expect(rangeOf('all', undefined, now, now - 9 * hour).from).toBe(now - 9 * hour));
  test('moves only when the instant leaves it', () => {
    const range = { from: now - hour, to: now };
    expect(keepInView(range, now - 1)).toBe(range);
    expect(keepInView(range, now - 2 * hour)).toEqual({ from: now - 2.5 * hour, to: now - 1.5 * hour });
  });
  test('pixels and instants go over into one another', () => {
    const range = { from: now - hour, to: now };
    for (const x of [0, 1, 700, 1400]) expect(toPixels(range, 1400, toInstant(range, 1400, x))).toBeCloseTo(x);
    expect(toInstant(range, 1400, 5000)).toBe(now);
  });
  test.each([[0.25, 1400, 0], [1, 1400, 10], [24 * 7, 1400, 900], [24 * 7, 390, 3600]])('of %d h over %d px has a step that fits', (hours, width, want) => {
    const step = seriesStep({ from: now - hours * hour, to: now }, width);
    expect(step).toBe(want);
    if (step) expect((hours * 3600) / step).toBeLessThanOrEqual(width / 2 + 1);
  });
});

describe('ticks', () => {
  test('are round in local time, and not too close', () => {
    // Berlin is an hour ahead of UTC.
    expect(ticks({ from: at('2026-11-22T19:50:00Z'), to: at('2026-11-22T20:50:00Z') }, 600).map(({ text }) => text)).toEqual(['20:50', '21:00', '21:10', '21:20', '21:30', '21:40', '21:50']);
    expect(ticks({ from: at('2026-11-22T22:00:00Z'), to: at('2026-11-23T01:00:00Z') }, 400).map(({ text }) => text)).toEqual(['23:00', '11-23', '01:00', '02:00']);
  });
  test('of days pass the change of summer time', () => {
    const days = ticks({ from: at('2026-10-23T10:00:00Z'), to: at('2026-10-27T10:00:00Z') }, 400);
    expect(days.map(({ text }) => text)).toEqual(['10-24', '10-25', '10-26', '10-27']);
    expect(days.every((tick) => new Date(tick.at).getHours() === 0)).toBe(true);
  });
});

describe('a line', () => {
  const times = [0, 10, 20, 60, 70]; // seconds
  const box = { range: { from: 0, to: 100_000 }, width: 100, height: 10, top: 100 };
  test('breaks where a value is missing and where there was no snapshot', () => {
    const limit = gapLimit(times, 0);
    expect(limit).toBe(30_000);
    expect(runs(times, [1, 2, 3, 4, 5], limit)).toEqual([[0, 3], [3, 5]]);
    expect(runs(times, [1, null, 3, 4, 5], limit)).toEqual([[0, 1], [2, 3], [3, 5]]);
    expect(line(times, [0, 50, 100, 100, 0], limit, box)).toBe('M0 10L10 5L20 0M60 0L70 10');
  });
  test('shows a point alone', () => expect(line([50], [50], 1, box)).toBe('M49 5h2'));
  test('an area goes down to 0, or to the other values', () => {
    expect(area([0, 10], [50, 100], undefined, 1e9, box)).toBe('M0 10L0 5L10 0L10 10L0 10Z');
    expect(area([0, 10], [50, 100], [20, 30], 1e9, box)).toBe('M0 8L0 5L10 0L10 7L0 8Z');
  });
  test('what is above the top stays in the box', () => expect(line([0, 10], [500, -3], 1e9, box)).toBe('M0 0L10 10'));
  test('gaps are told, also at the ends', () => {
    expect(gaps(times, 30_000, { from: -50_000, to: 80_000 })).toEqual([{ from: -50_000, to: 0 }, { from: 20_000, to: 60_000 }]);
    expect(gaps([], 1000, { from: 0, to: 5000 })).toEqual([{ from: 0, to: 5000 }]);
  });
  test('the nearest point, if it is near', () => {
    expect([1000, 14_000, 16_000, 69_000].map((instant) => nearest(times, instant, 15_000))).toEqual([0, 1, 2, 4]);
    expect(nearest(times, 40_000, 15_000)).toBeUndefined();
    expect(nearest([], 0, 1e9)).toBeUndefined();
  });
  test('starts and ends of neighbouring pixels come together', () => {
    const series: Series = { host: 'x', step: 0, times, values: { starts: { avg: [1, null, 2, 0, 0] }, ends: { avg: [0, 0, 0, 0, 4] } } };
    expect(events(series, box.range, 100, 30)).toEqual([{ x: 0, starts: 3, ends: 0 }, { x: 60, starts: 0, ends: 4 }]);
  });
});

test('what is a gap among few points follows from the interval of snapshots', () => {
  const minutes = (...at: number[]) => at.map((minute) => minute * 60);
  expect(gapLimit(minutes(0, 15, 55), 120)).toBe(3 * 40 * 60_000);
  expect(gapLimit(minutes(0, 15, 55), 120, 10)).toBe(180_000);
  expect(gapLimit(minutes(0, 5, 10), 0, 300)).toBe(900_000);
  expect(gapLimit(minutes(0, 5, 10), 0, 3600), 'an interval over a gap').toBe(900_000);
  expect(gapLimit(minutes(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), 0, 15), 'many points speak for themselves').toBe(180_000);
  expect(gapLimit(minutes(0), 0)).toBe(60_000);
});
