import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ApiError } from '../api/client';
import { Poll } from './poll.svelte';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const unreachable = () => new ApiError(0, '', 'gone');

function hide(hidden: boolean) {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(hidden);
  document.dispatchEvent(new Event('visibilitychange'));
}

describe('Poll', () => {
  test('asks at once and then at its interval', async () => {
    const load = vi.fn(async () => load.mock.calls.length);
    const stop = new Poll(load, { interval: () => 5000 }).start();
    await vi.advanceTimersByTimeAsync(4999);
    expect(load).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(load).toHaveBeenCalledTimes(2);
    stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(load).toHaveBeenCalledTimes(2);
  });
  test('without an interval only on refresh', async () => {
    const load = vi.fn(async () => 1);
    const poll = new Poll(load, { interval: () => 0 });
    const stop = poll.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(load).toHaveBeenCalledTimes(1);
    await poll.refresh();
    expect(load).toHaveBeenCalledTimes(2);
    stop();
  });
  test('keeps the last answer, and comes back by itself with growing delays', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5); // no jitter
    let up = true;
    const load = vi.fn(async () => {
      if (!up) throw unreachable();
      return 'answer';
    });
    const poll = new Poll(load, { interval: () => 0 });
    const stop = poll.start();
    await vi.advanceTimersByTimeAsync(0);
    up = false;
    await poll.refresh();
    expect([poll.data, poll.error?.message]).toEqual(['answer', 'gone']);
    for (const [i, delay] of [1000, 2000, 4000, 8000, 15_000, 15_000].entries()) {
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(load).toHaveBeenCalledTimes(2 + i);
      await vi.advanceTimersByTimeAsync(1);
      expect(load).toHaveBeenCalledTimes(3 + i);
    }
    up = true;
    await vi.advanceTimersByTimeAsync(15_000);
    expect([poll.data, poll.error]).toEqual(['answer', undefined]);
    stop();
  });
  test('a refusal is not hurried', async () => {
    const load = vi.fn(async () => {
      throw new ApiError(404, '', 'not known');
    });
    const stop = new Poll(load, { interval: () => 5000 }).start();
    await vi.advanceTimersByTimeAsync(4000);
    expect(load).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(load).toHaveBeenCalledTimes(2);
    stop();
  });
  test('asks one at a time', async () => {
    let answer = (_: number) => {};
    const load = vi.fn(() => new Promise<number>((resolve) => (answer = resolve)));
    const poll = new Poll(load, { interval: () => 0 });
    const stop = poll.start();
    void poll.refresh();
    expect([load.mock.calls.length, poll.busy]).toEqual([1, true]);
    answer(1);
    await vi.advanceTimersByTimeAsync(0);
    expect([poll.data, poll.busy]).toEqual([1, false]);
    stop();
  });
  test('rests while nobody looks', async () => {
    const load = vi.fn(async () => 1);
    const stop = new Poll(load, { interval: () => 1000 }).start();
    await vi.advanceTimersByTimeAsync(0);
    hide(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(load).toHaveBeenCalledTimes(1);
    hide(false);
    await vi.advanceTimersByTimeAsync(0);
    expect(load).toHaveBeenCalledTimes(2);
    stop();
  });
  test('an answer after the end changes nothing', async () => {
    let answer = (_: number) => {};
    const poll = new Poll(() => new Promise<number>((resolve) => (answer = resolve)), { interval: () => 0 });
    const stop = poll.start();
    stop();
    answer(1);
    await vi.advanceTimersByTimeAsync(0);
    expect([poll.data, poll.error]).toEqual([undefined, undefined]);
  });
  test('begins anew at once after an end', async () => {
    const answers: ((value: string) => void)[] = [];
    const poll = new Poll(() => new Promise<string>((resolve) => answers.push(resolve)), { interval: () => 0 });
    poll.start()();
    const stop = poll.start();
    answers[1]!('second');
    answers[0]!('first');
    await vi.advanceTimersByTimeAsync(0);
    expect([poll.data, poll.busy]).toEqual(['second', false]);
    stop();
  });
});
