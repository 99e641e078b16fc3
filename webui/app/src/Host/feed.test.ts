import { beforeEach, describe, expect, test, vi } from 'vitest';
import { treeOf } from '../../test/build';
import type { Api, Tree } from '../api/client';
import type { Live } from '../live/live.svelte';
import { HostFeed } from './feed.svelte';

interface Asked {
  at: string | undefined;
  signal: AbortSignal;
  held: Tree | undefined;
  answer: (tree: Tree) => Promise<void>;
}

/** A feed, and what it has asked for so far. */
function feed(): { feed: HostFeed; asked: Asked[] } {
  const asked: Asked[] = [];
  const tree = (_: string, at: string | undefined, signal: AbortSignal, _offset: number, held: Tree | undefined) =>
    new Promise<Tree>((resolve) =>
      asked.push({ at, signal, held, answer: async (tree) => (resolve(tree), void (await new Promise((done) => setImmediate(done)))) }));
  return { feed: new HostFeed('a', { tree } as unknown as Api, {} as Live), asked };
}
const named = (id: string) => treeOf([{ pid: 1 }], { id });

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));

describe('a drag through time', () => {
  test('asks for what it comes to last, from what it shows, and for nothing that it has passed', async () => {
    const { feed: one, asked } = feed();
    const arrived = vi.fn();
    for (const at of ['1', '2', '3']) one.go(at, 0, arrived);
    expect(asked.map(({ at }) => at)).toEqual(['1']);
    await asked[0]!.answer(named('first'));
    expect([one.past?.id, arrived.mock.calls.length]).toEqual(['first', 0]);
    expect(asked.map(({ at }) => at)).toEqual(['1', '3']);
    expect([asked[0]!.held, asked[1]!.held?.id]).toEqual([undefined, 'first']);
    await asked[1]!.answer(named('third'));
    expect([one.past?.id, one.busy, arrived.mock.calls.length]).toEqual(['third', false, 1]);
  });
  test('gives up what takes long', async () => {
    const { feed: one, asked } = feed();
    one.go('1', 0, () => {});
    vi.advanceTimersByTime(300);
    one.go('2', 0, () => {});
    expect(asked.map(({ at, signal }) => [at, signal.aborted])).toEqual([['1', true], ['2', false]]);
    await asked[0]!.answer(named('late'));
    expect(one.past).toBeUndefined();
    await asked[1]!.answer(named('second'));
    expect(one.past?.id).toBe('second');
  });
});
