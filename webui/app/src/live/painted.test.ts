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

test('where the browser tells of its first paint, that is waited for', () => {
  vi.useFakeTimers();
  let tell = (_: { getEntriesByName: (name: string) => object[] }) => {};
  const disconnect = vi.fn();
  class Observer {
    static supportedEntryTypes = ['paint'];
    constructor(told: (list: object, observer: Observer) => void) {
      tell = (list) => told(list, this);
    }
    observe() {}
    disconnect = disconnect;
  }
  vi.stubGlobal('PerformanceObserver', Observer);
  vi.stubGlobal('performance', { getEntriesByName: () => [] });
  const done = vi.fn();
  paint(() => whenPainted(done));
  vi.advanceTimersByTime(900);
  tell({ getEntriesByName: () => [] }); // a background, without text
  expect(done).not.toHaveBeenCalled();
  tell({ getEntriesByName: (name) => (name === 'first-contentful-paint' ? [{}] : []) });
  expect(done).toHaveBeenCalledTimes(1);
  expect(disconnect).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2000);
  expect(done).toHaveBeenCalledTimes(1);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('of a page that had been painted before, the next paint is waited for', () => {
  vi.useFakeTimers();
  class Observer {
    static supportedEntryTypes = ['paint'];
    observe() {
      throw new Error('waits for a paint that has been');
    }
  }
  vi.stubGlobal('PerformanceObserver', Observer);
  vi.stubGlobal('performance', { getEntriesByName: () => [{}] });
  const done = vi.fn();
  paint(() => whenPainted(done));
  expect(done).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(done).toHaveBeenCalledTimes(1);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
