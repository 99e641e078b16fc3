import { describe, expect, test } from 'vitest';
import { areaPath, instantOf, linePath, nearest, runsOf, secondsOf, spanOf, stepFor, ticksOf } from './scale';

const now = 1_000_000;

describe('spanOf', () => {
  test('live it ends now', () => expect(spanOf('1h', undefined, now, 0)).toEqual({ from: now - 3600, to: now }));
  test('never longer than what is kept, nor too short to see', () => {
    expect(spanOf('all', undefined, now, now - 7200)).toEqual({ from: now - 7200, to: now });
    expect(spanOf('24h', undefined, now, now - 10)).toEqual({ from: now - 900, to: now });
  });
  test('a recent instant leaves it where it is live', () => expect(spanOf('1h', now - 60, now, 0)).toEqual({ from: now - 3600, to: now }));
  test('an old one comes to the middle, and moving within does not move the line', () => {
    const span = spanOf('1h', now - 50_000, now, 0);
    expect(span).toEqual({ from: now - 51_800, to: now - 48_200 });
    expect(spanOf('1h', now - 48_300, now + 5, 0, span)).toBe(span);
    expect(spanOf('1h', now - 48_100, now + 5, 0, span).from).toBe(now - 49_900);
  });
});

describe('stepFor', () => {
  test.each([
    [900, 1300, 2],
    [3600, 1300, 10],
    [86_400, 1300, 300],
    [7 * 86_400, 340, 3600],
    [1e9, 10, 7 * 86_400],
  ])('%d s on %d px', (length, width, want) => expect(stepFor({ from: 0, to: length }, width)).toBe(want));
});

test('ticks stand at round local times', () => {
  // The tests' zone is Berlin's: 21:15 there.
  const from = Date.parse('2026-11-22T20:14:59Z') / 1000;
  expect(ticksOf({ from, to: from + 3600 }, 600).map((tick) => tick.text)).toEqual(['21:20', '21:30', '21:40', '21:50', '22:00', '22:10']);
  expect(ticksOf({ from, to: from + 3 * 86_400 }, 300).map((tick) => tick.text)).toEqual(['11-23', '11-24', '11-25']);
});

describe('runsOf', () => {
  test('jitter is no gap, what is missing is', () => expect(runsOf([0, 15, 29.9, 45.2, 120, 135], 0)).toEqual([[0, 4], [4, 6]]));
  test('a step that is empty now and then is no gap', () => expect(runsOf([0, 10, 30, 40, 60], 10)).toEqual([[0, 5]]));
  test('nothing, and one', () => {
    expect(runsOf([], 10)).toEqual([]);
    expect(runsOf([7], 10)).toEqual([[0, 1]]);
  });
});

describe('nearest', () => {
  const times = [10, 20, 40];
  test.each([[0, 0], [14, 0], [16, 1], [29, 1], [31, 2], [99, 2]])('%d', (at, want) => expect(nearest(times, at)).toBe(want));
  test('of none', () => expect(nearest([], 3)).toBe(-1));
});

describe('paths', () => {
  const same = (v: number) => v;
  test('are broken where a value is missing and where there was no snapshot', () => {
    expect(linePath([0, 1, 2, 3, 4, 50], [1, 2, null, 3, 4, 5], [[0, 5], [5, 6]], same, same)).toBe('M0 1L1 2M3 3L4 4M50 5h1');
  });
  test('areas stand on the base', () => {
    expect(areaPath([0, 1], [5, 6], [[0, 2]], same, (v) => 10 - v)).toBe('M0 10L0 5L1 4L1 4L1 10Z');
  });
});

test('instants', () => {
  expect(instantOf(1_763_842_500.1234)).toBe('2025-11-22T20:15:00.123Z');
  expect([secondsOf('2025-11-22T20:15:00.5Z'), secondsOf('12.5'), secondsOf('soon'), secondsOf(null)]).toEqual([1_763_842_500.5, 12.5, undefined, undefined]);
});
