import { expect, test, vi } from 'vitest';
import { paint, whenPainted } from './painted';

test('what waits is done once, when the page is painted; later, at once', () => {
  vi.useFakeTimers();
  const done: string[] = [];
  whenPainted(() => done.push('before'));
  expect(done).toEqual(['before']);
  paint(() => whenPainted(() => done.push('later')));
  whenPainted(() => done.push('after that'));
  expect(done).toEqual(['before']);
  vi.advanceTimersByTime(200);
  expect(done).toEqual(['before', 'later', 'after that']);
  vi.advanceTimersByTime(2000);
  whenPainted(() => done.push('at once'));
  expect(done).toEqual(['before', 'later', 'after that', 'at once']);
  vi.useRealTimers();
});

test('a page that nobody sees is not painted, and does not wait for that', () => {
  vi.useFakeTimers();
  vi.stubGlobal('requestAnimationFrame', () => 0);
  const done = vi.fn();
  paint(() => whenPainted(done));
  vi.advanceTimersByTime(900);
  expect(done).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(done).toHaveBeenCalledTimes(1);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
