import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Live, type Subscription } from './live.svelte';

class Socket {
  sent: unknown[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
}

let sockets: Socket[];
let live: Live;
let stop: () => void;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5); // no jitter
  sockets = [];
  live = new Live(() => {
    const socket = new Socket();
    sockets.push(socket);
    return socket as unknown as WebSocket;
  });
  stop = live.start();
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

test('opens for the first subscriber, and says what is wanted', () => {
  expect([live.state, sockets.length]).toEqual(['off', 0]);
  const told: unknown[] = [];
  const leave = live.subscribe(() => ({ subscribe: 'fleet' }), (message) => told.push(message));
  expect([live.state, sockets.length]).toEqual(['connecting', 1]);
  sockets[0]!.onopen!();
  expect([live.state, sockets[0]!.sent]).toEqual(['open', [{ subscribe: 'fleet' }]]);
  sockets[0]!.onmessage!({ data: '{"fleet":{}}' });
  expect(told).toEqual([{ fleet: {} }]);
  leave();
  expect(sockets[0]!.sent.at(-1)).toEqual({ subscribe: 'nothing' });
  sockets[0]!.onmessage!({ data: '{"fleet":{}}' });
  expect(told).toHaveLength(1);
});

test('the next page uses the same connection', () => {
  live.subscribe(() => ({ subscribe: 'fleet' }), () => {});
  sockets[0]!.onopen!();
  live.subscribe(() => ({ subscribe: 'host', host: 'a' }), () => {});
  expect([sockets.length, sockets[0]!.sent.at(-1)]).toEqual([1, { subscribe: 'host', host: 'a' }]);
});

test('comes back with growing delays, and goes on from what the page has', () => {
  let want: Subscription = { subscribe: 'host', host: 'a' };
  live.subscribe(() => want, () => {});
  sockets[0]!.onopen!();
  want = { subscribe: 'host', host: 'a', have: 'a@1' };
  sockets[0]!.onclose!();
  expect(live.state).toBe('lost');
  for (const [i, delay] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
    vi.advanceTimersByTime(delay - 1);
    expect(sockets).toHaveLength(1 + i);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2 + i);
    if (i < 6) sockets.at(-1)!.onclose!();
  }
  expect(live.state).toBe('lost');
  sockets.at(-1)!.onopen!();
  expect([live.state, sockets.at(-1)!.sent]).toEqual(['open', [want]]);
});

test('a silent connection is asked, and left when it does not answer', () => {
  live.subscribe(() => ({ subscribe: 'fleet' }), () => {});
  sockets[0]!.onopen!();
  vi.advanceTimersByTime(60_000);
  expect(sockets[0]!.sent).toHaveLength(2);
  sockets[0]!.onmessage!({ data: '{"fleet":{}}' });
  vi.advanceTimersByTime(60_000 + 14_999);
  expect([live.state, sockets[0]!.sent.length]).toEqual(['open', 3]);
  vi.advanceTimersByTime(1);
  expect([live.state, sockets[0]!.closed]).toEqual(['lost', true]);
});

test('nobody there, nothing is tried', () => {
  live.subscribe(() => ({ subscribe: 'fleet' }), () => {})();
  sockets[0]!.onclose!();
  vi.advanceTimersByTime(120_000);
  expect(sockets).toHaveLength(1);
});

test('tries at once when it is told that the server is back', () => {
  live.retry();
  expect(sockets).toHaveLength(0); // nobody wants anything
  live.subscribe(() => ({ subscribe: 'fleet' }), () => {});
  sockets[0]!.onclose!();
  expect(live.state).toBe('lost');
  live.retry();
  live.retry();
  expect(sockets).toHaveLength(2);
  sockets[1]!.onopen!();
  expect([live.state, sockets[1]!.sent]).toEqual(['open', [{ subscribe: 'fleet' }]]);
});
