import { describe, expect, test } from 'vitest';
import { lifeStep, withGaps } from './prepare';

describe('withGaps', () => {
  test('puts a point without values into every gap', () => {
    const lines = withGaps({ host: 'x', step: 0, times: [0, 10, 20, 100, 110], values: { cpu: { avg: [1, 2, null, 4, 5] } } });
    expect(lines.times).toEqual([0, 10, 20, 60, 100, 110]);
    expect(lines.values['cpu']).toEqual({ avg: [1, 2, null, null, 4, 5], min: [1, 2, null, null, 4, 5], max: [1, 2, null, null, 4, 5] });
  });
  test('keeps the peaks of a step', () => {
    const { values } = withGaps({ host: 'x', step: 60, times: [0, 60], values: { cpu: { avg: [5, 6], min: [0, 1], max: [90, 7] } } });
    expect(values['cpu']).toEqual({ avg: [5, 6], min: [0, 1], max: [90, 7] });
  });
  test('of nothing is nothing', () => expect(withGaps({ host: 'x', step: 0, times: [], values: {} })).toEqual({ times: [], values: {} }));
});

test('a step is for lives that have more snapshots than pixels', () => {
  expect([600, 3600, 86_400, 30 * 86_400].map((seconds) => lifeStep(seconds, 350))).toEqual([0, 0, 300, 7440]);
});
