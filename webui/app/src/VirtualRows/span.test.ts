import { describe, expect, test } from 'vitest';
import { spanInView } from './span';

const height = 28;

describe('spanInView', () => {
  test('draws everything of a short list', () => {
    expect(spanInView(3, height, 0, 600)).toEqual({ first: 0, end: 3, before: 0, total: 3 * height });
  });
  test('of an empty one, nothing', () => {
    expect(spanInView(0, height, 0, 600)).toEqual({ first: 0, end: 0, before: 0, total: 0 });
  });
  test('covers the view, and little more, wherever it is', () => {
    const [count, view] = [10_000, 600];
    for (let scrolled = 0; scrolled <= count * height - view; scrolled += 333) {
      const { first, end, before, total } = spanInView(count, height, scrolled, view);
      expect(first * height).toBeLessThanOrEqual(scrolled);
      expect(Math.min(count, end) * height).toBeGreaterThanOrEqual(Math.min(scrolled + view, total));
      expect(end - first).toBeLessThan(60);
      expect(before).toBe(first * height);
    }
  });
  test('without a margin draws what is in view, up to the end of a run', () => {
    expect(spanInView(100, height, 10 * height, 6 * height, false)).toEqual({ first: 8, end: 16, before: 8 * height, total: 100 * height });
  });
  test('a list that shrank under the reader shows its end', () => {
    expect(spanInView(30, height, 9000, 280).end).toBe(30);
    expect(spanInView(30, height, 9000, 280).first).toBeLessThan(30);
  });
});
