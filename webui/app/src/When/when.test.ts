import { describe, expect, test } from 'vitest';
import { boundsOf, fromField, parseWhen, rangeSeconds, toField, whenParams, type When } from './when';

const now: When = { kind: 'now' };

describe('an address says when, and comes back', () => {
  test.each<[string, When]>([
    ['', now],
    ['at=2026-11-22T02:12:00Z', { kind: 'at', at: '2026-11-22T02:12:00Z' }],
    ['range=6h', { kind: 'last', range: '6h' }],
    ['from=1000&to=2000', { kind: 'between', from: '1000', to: '2000' }],
    ['from=1000', { kind: 'between', from: '1000', to: '' }],
    ['range=nonsense', now],
  ])('%s', (text, want) => {
    const got = parseWhen(new URLSearchParams(text), now);
    expect(got).toEqual(want);
    if (!text.includes('nonsense')) expect(new URLSearchParams(Object.entries(whenParams(got)).filter((pair): pair is [string, string] => !!pair[1])).toString()).toBe(new URLSearchParams(text).toString());
  });
});

test.each([['15m', 900], ['1.5h', 5400], ['2w', 1_209_600], ['0h', undefined], ['5', undefined], ['-1h', undefined], ['1h ', undefined]])('rangeSeconds(%s)', (text, want) =>
  expect(rangeSeconds(text)).toBe(want));

test('bounds of a range end now', () => {
  const end = Date.parse('2026-11-22T20:00:00Z');
  expect(boundsOf({ kind: 'last', range: '1h' }, end)).toMatchObject({ from: '2026-11-22T19:00:00.000Z', to: '2026-11-22T20:00:00.000Z' });
});

test('fields are in local time', () => {
  expect(toField('2026-11-22T20:15:04.5Z')).toBe('2026-11-22T21:15:04');
  expect(toField('1000000000')).toBe('2001-09-09T03:46:40');
  expect(toField('yesterday')).toBe('');
  expect(fromField('2026-11-22T21:15:04')).toBe('2026-11-22T20:15:04Z');
  expect(fromField('')).toBeUndefined();
});
