import { describe, expect, test } from 'vitest';
import { inOrder, windowOf } from './ends';

const minute = 60_000;
const range = (from: number, to: number) => ({ from: from * minute, to: to * minute });

describe('windowOf', () => {
  test.each([
    ['half as much on either side', range(100, 200), 1000, undefined, range(50, 250)],
    ['five minutes at the least', range(100, 101), 1000, undefined, range(95, 106)],
    ['little of what is still to come', range(100, 200), 210, undefined, range(50, 210)],
    ['ends ahead of this clock are in it', range(100, 200), 190, undefined, range(50, 204)],
    ['stays while the ends are within it', range(120, 240), 1000, range(50, 250), range(50, 250)],
    ['moves when one leaves it', range(40, 240), 1000, range(50, 250), range(-60, 340)],
    ['closes in on ends that are close together', range(120, 130), 1000, range(50, 250), range(115, 135)],
  ])('%s', (_, ends, now, shown, want) => expect(windowOf(ends, now * minute, shown)).toEqual(want));
});

test.each([
  ['2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z', ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']],
  ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z']],
  ['2026-01-02T00:00:00Z', '', ['2026-01-02T00:00:00Z', '']],
  ['', 'nonsense', ['', 'nonsense']],
])('%s and %s in order', (a, b, want) => expect(inOrder(a, b)).toEqual(want));
