import { describe, expect, test } from 'vitest';
import { formatNamed, mostNamed, parseNamed } from './named';

describe('nodes in an address', () => {
  const ids = [
    '4711@2026-11-22T20:15:00Z', '4294967295@2026-11-22T20:15:00.123456789Z', '4@2026-11-22T20:15:00.0000001Z', '0@1700-01-01T00:00:00Z',
    '7@2199-12-31T23:59:59.999Z', '12@',
  ];
  test.each(ids)('%s comes back', (id) => {
    for (const open of [true, false]) {
      const { opened, closed } = formatNamed([[id, open]]);
      const text = opened ?? closed!;
      expect(new URLSearchParams({ text }).toString(), 'stands in an address as it is').toBe(`text=${text}`);
      expect([...parseNamed(opened ?? null, closed ?? null)]).toEqual([[id, open]]);
    }
  });
  test('are short', () => {
    expect(formatNamed([['4711@2026-11-22T20:15:00.5Z', true], ['12@', true], ['4@2026-11-22T20:15:00Z', false]])).toEqual({ opened: '4711-tox6x0_5.12', closed: '4-tox6x0' });
    expect(formatNamed([])).toEqual({ opened: undefined, closed: undefined });
  });
  test('are bounded, whichever side they are on', () => {
    const many = Array.from({ length: 3 * mostNamed }, (_, i) => [`${i}@2026-11-22T20:15:00.1234567Z`, i % 3 > 0] as const);
    const { opened, closed } = formatNamed(many);
    expect(opened!.length + closed!.length).toBeLessThan(20 * mostNamed);
    expect([...parseNamed(opened!, closed!).keys()].sort()).toEqual(many.slice(0, mostNamed).map(([id]) => id).sort());
    expect(parseNamed(Array(100_000).fill('1-tox6x0').join('.'), null).size).toBe(1);
  });
  test.each(['', '.', 'x', '-1', '1-', '1-!', '1-tox6x0_', '1_5', '1-zzzzzzzzzzz', '1-zzzzzzz_', '99999999999', '1-tox6x0_1234567890', '<img>', '1@2026-11-22T20:15:00Z'])(
    '%j is none', (text) => expect(parseNamed(text, text).size).toBe(0));
  test('what is no identity is left out', () => {
    expect(formatNamed([['evil', true], ['1@yesterday', true], ['1@xxxx-11-22T20:15:00Z', true]])).toEqual({ opened: undefined, closed: undefined });
  });
});
