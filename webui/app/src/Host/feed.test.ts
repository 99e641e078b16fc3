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

describe('the next step', () => {
  const treeEarly = vi.fn();
  /** A feed whose host has a snapshot each minute from 10:01 to 10:03. */
  const stepped = async (offset: number, to: number, then = (_: HostFeed) => {}) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    treeEarly.mockClear();
    const at = (minute: number) => (minute < 1 || minute > 3 ? {} : { timestamp: `10:0${minute}` });
    const [previous, next] = [at(to - 1).timestamp, at(to + 1).timestamp];
    const tree = treeOf([{ pid: 1 }], { ...at(to), ...(previous && { previous }), ...(next && { next }) });
    const feed = new HostFeed('a', { tree: async () => tree, treeEarly } as unknown as Api, {} as Live);
    feed.go('10:02', offset, () => {});
    await new Promise((done) => setImmediate(done));
    then(feed);
    vi.advanceTimersByTime(100);
    return treeEarly.mock.calls.map(([, at, offset]) => [at, offset]);
  };
  test('is asked for in the same direction', async () => {
    expect(await stepped(1, 2)).toEqual([['10:02', 1]]);
    expect(await stepped(-1, 2)).toEqual([['10:02', -1]]);
  });
  test('but not where there is none, nor after a leap, nor when something else is wanted', async () => {
    expect(await stepped(1, 3)).toEqual([]);
    expect(await stepped(-1, 1)).toEqual([]);
    expect(await stepped(0, 2)).toEqual([]);
    expect(await stepped(10, 2)).toEqual([]);
    expect(await stepped(1, 2, (feed) => feed.leave())).toEqual([]);
    expect(await stepped(1, 2, (feed) => feed.go('10:01', 0, () => {}))).toEqual([]);
  });
});

describe('the top of a large tree', () => {
  const top = treeOf([{ pid: 1 }], { processes: 2 });
  /** A feed that follows, once the top has been asked for. */
  function following(): { feed: HostFeed; leave: () => void; arrives: () => Promise<void>; whole: (tree: Tree) => void } {
    let answer = (_: Tree) => {};
    let whole = (_: Tree) => {};
    const api = { treeAt: () => new Promise<Tree>((done) => (answer = done)), tree: () => new Promise<Tree>((done) => (whole = done)) };
    const feed = new HostFeed('a', api as unknown as Api, { subscribe: () => () => {} } as unknown as Live);
    const leave = feed.follow('/top');
    return { feed, leave, arrives: async () => (answer(top), void (await new Promise((done) => setImmediate(done)))), whole: (tree) => whole(tree) };
  }

  test('stands in for the newest tree until that is there', async () => {
    const { feed, arrives, whole } = following();
    await arrives();
    expect([feed.top, feed.newest]).toEqual([top, undefined]);
    whole(named('whole'));
    await new Promise((done) => setImmediate(done));
    expect([feed.top, feed.newest?.id]).toEqual([undefined, 'whole']);
  });
  test('is of no use to who has gone into the past', async () => {
    const { feed, leave, arrives } = following();
    leave();
    await arrives();
    expect(feed.top).toBeUndefined();
  });
});
