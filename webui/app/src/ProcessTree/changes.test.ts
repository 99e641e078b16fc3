import { describe, expect, test } from 'vitest';
import { treeOf, type Given } from '../../test/build';
import { endedStays, expire, nextExpiry, observe, type Watch } from './changes';

const given: Given[] = [{ pid: 1 }, { pid: 2, under: 1 }, { pid: 3, under: 2 }, { pid: 4 }];
const first = treeOf(given, { id: 'a' });
const without = (pids: number[], more: Given[] = []) => treeOf([...given.filter(({ pid }) => !pids.includes(pid)), ...more], { id: 'b' });

/** "pid mark" of each process, with its parent's pid. */
function marks(watch: Watch): string[] {
  return [...watch.forest.byId.values()].map(({ row, mark, parent }) => `${row.pid}${parent ? `<${parent.row.pid}` : ''} ${mark ?? ''}`.trim());
}

describe('observe', () => {
  test('marks nothing at first sight', () => {
    expect(marks(observe(undefined, first, 0))).toEqual(['1', '2<1', '3<2', '4']);
  });
  test('at first sight, marks what started after the snapshot before', () => {
    const tree = treeOf(given, { previous: '2026-11-22T20:00:03Z' });
    expect(marks(observe(undefined, tree, 0))).toEqual(['1', '2<1', '3<2', '4 new']);
  });
  test('of what started in the second of the snapshot before, marks what started after it', () => {
    const tree = treeOf([...given, { pid: 5, start_time: '2026-11-22T20:00:03.25Z' }, { pid: 6, start_time: '2026-11-22T20:00:03.3Z' }], { previous: '2026-11-22T20:00:03.25Z' });
    expect(marks(observe(undefined, tree, 0)).filter((mark) => mark.endsWith('new'))).toEqual(['4 new', '6 new']);
  });
  test('marks what is new', () => {
    const watch = observe(observe(undefined, first, 0), without([], [{ pid: 5, under: 1 }]), 0);
    expect(marks(watch)).toEqual(['1', '2<1', '3<2', '4', '5<1 new']);
  });
  test('keeps what has ended under its parent', () => {
    expect(marks(observe(observe(undefined, first, 0), without([3]), 0))).toEqual(['1', '2<1', '4', '3<2 ended']);
  });
  test('keeps an ended branch together', () => {
    expect(marks(observe(observe(undefined, first, 0), without([2, 3]), 0))).toEqual(['1', '4', '2<1 ended', '3<2 ended']);
  });
  test('the same snapshot again keeps the marks', () => {
    const changed = observe(observe(undefined, first, 0), without([3], [{ pid: 5 }]), 0);
    const again = observe(changed, { ...without([3], [{ pid: 5 }]), stale: true }, 1000);
    expect(marks(again)).toEqual(marks(changed));
    expect(again.forest).toBe(changed.forest);
    expect(again.tree.stale).toBe(true);
  });
  test('the next snapshot takes the green away', () => {
    const changed = observe(observe(undefined, first, 0), without([], [{ pid: 5 }]), 0);
    const next = observe(changed, { ...without([], [{ pid: 5 }]), id: 'c' }, 1000);
    expect(marks(next)).toEqual(['1', '2<1', '3<2', '4', '5']);
  });
  test('a reused pid is a new process, and the old one has ended', () => {
    const reused = without([4], [{ pid: 4, start_time: '2026-11-22T21:00:00Z' }]);
    expect(marks(observe(observe(undefined, first, 0), reused, 0))).toEqual(['1', '2<1', '3<2', '4 new', '4 ended']);
  });
  test('what comes back is no more ended', () => {
    const gone = observe(observe(undefined, first, 0), without([4]), 0);
    expect(marks(observe(gone, { ...first, id: 'c' }, 1000))).toEqual(['1', '2<1', '3<2', '4 new']);
  });
  test('another host begins anew', () => {
    expect(marks(observe(observe(undefined, first, 0), treeOf([{ pid: 9 }], { id: 'b', host: 'other' }), 0))).toEqual(['9']);
  });
});

describe('expire', () => {
  const gone = observe(observe(undefined, first, 0), without([3]), 5000);
  test('ended processes stay ten seconds', () => {
    expect(nextExpiry(gone)).toBe(5000 + endedStays);
    expect(expire(gone, 5000 + endedStays - 1)).toBe(gone);
    expect(marks(expire(gone, 5000 + endedStays))).toEqual(['1', '2<1', '4']);
    expect(nextExpiry(expire(gone, 5000 + endedStays))).toBeUndefined();
  });
  test('also through further snapshots', () => {
    const next = observe(gone, { ...without([3]), id: 'c' }, 5000 + endedStays - 1);
    expect(marks(next)).toContain('3<2 ended');
    expect(marks(observe(next, { ...without([3]), id: 'd' }, 5000 + endedStays))).not.toContain('3<2 ended');
  });
});
