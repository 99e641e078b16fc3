import { describe, expect, test } from 'vitest';
import { treeOf } from '../../test/build';
import type { Tree, TreeDelta } from '../api/client';
import { applyDelta } from './delta';

const tree = treeOf([{ pid: 1 }, { pid: 2, under: 1, cpu: 5 }, { pid: 3, under: 2 }, { pid: 4 }, { pid: 5, under: 4 }]);

/** A delta from the tree above. */
function delta(rows: TreeDelta['rows'], changes: TreeDelta['changes'] = {}, facts: Partial<TreeDelta> = {}): TreeDelta {
  return {
    from: tree.id, id: 'next', host: 'WIN-07', hostname: 'WIN-07', timestamp: '2026-11-22T20:15:05Z', previous: tree.timestamp,
    stale: false, labels: {}, system: { cpu: 7 }, rows, changes, ...facts,
  };
}

const picture = (of: Tree) => of.rows.map((row) => `${row.pid}<${row.parent === undefined ? '' : of.rows[row.parent]!.pid}`);

describe('applyDelta', () => {
  test('the same rows are the same objects, under new facts', () => {
    const next = applyDelta(tree, delta([[0, 5]]));
    expect(next.rows.every((row, i) => row === tree.rows[i])).toBe(true);
    expect([next.id, next.timestamp, next.previous, next.system, 'from' in next, 'changes' in next]).toEqual(
      ['next', '2026-11-22T20:15:05Z', tree.timestamp, { cpu: 7 }, false, false]);
  });
  test('rows that come and go move the parents of those that stay', () => {
    const fresh = { pid: 9, name: 'new', depth: 1, children: 0, descendants: 0 };
    expect(picture(tree)).toEqual(['1<', '2<1', '3<2', '4<', '5<4']);
    expect(picture(applyDelta(tree, delta([[0, 1], fresh, [3, 2]])))).toEqual(['1<', '9<1', '4<', '5<4']);
  });
  test('an orphan becomes a root by its depth', () => {
    const next = applyDelta(tree, delta([[1, 2], [0, 1], [3, 2]], { 0: { depth: 0 }, 1: { depth: 1 } }));
    expect(picture(next)).toEqual(['2<', '3<2', '1<', '4<', '5<4']);
    expect('parent' in next.rows[0]!).toBe(false);
  });
  test('null takes a fact away', () => {
    const next = applyDelta(tree, delta([[0, 5]], { 1: { cpu: null, memory: 3 } }));
    expect('cpu' in next.rows[1]!).toBe(false);
    expect(next.rows[1]!.memory).toBe(3);
    expect(tree.rows[1]!.cpu).toBe(5);
  });
  test.each<[string, TreeDelta]>([
    ['another tree', delta([[0, 5]], {}, { from: 'elsewhere' })],
    ['rows beyond the end', delta([[3, 3]])],
    ['a change of no row', delta([[0, 1]], { 4: { cpu: 1 } })],
    ['a depth without a parent', delta([[2, 1]])],
  ])('%s is refused', (_, wrong) => expect(() => applyDelta(tree, wrong)).toThrow(RangeError));
});
