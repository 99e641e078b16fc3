import type { Tree, TreeDelta, TreeRow } from '../api/client';

/**
 * The tree that a delta makes of the one it starts from. Rows that did not change are the same
 * objects as before. Throws a RangeError when the delta is not one of this tree.
 */
export function applyDelta(tree: Tree, delta: TreeDelta): Tree {
  if (delta.from !== tree.id) throw new RangeError(`a delta from ${delta.from} is none of ${tree.id}`);
  const { from: _, rows: runs, changes, ...facts } = delta;
  const rows: TreeRow[] = [];
  for (const run of runs) {
    if (!Array.isArray(run)) {
      rows.push(run);
      continue;
    }
    const [first, count] = run as [number, number];
    if (first + count > tree.rows.length) throw new RangeError(`a delta has rows to ${first + count} of ${tree.rows.length}`);
    for (let i = first; i < first + count; i++) rows.push(tree.rows[i]!);
  }
  for (const index in changes) {
    const row = rows[Number(index)];
    if (!row) throw new RangeError(`a delta changes row ${index} of ${rows.length}`);
    const changed: Record<string, unknown> = { ...row };
    const fields = changes[index]!;
    for (const name in fields) {
      if (fields[name] === null) delete changed[name];
      else changed[name] = fields[name];
    }
    rows[Number(index)] = changed as TreeRow;
  }
  return { ...facts, rows: withParents(rows) };
}

/** Gives rows, each after its parent, the index of their parent's row: the last one that is a level up. */
function withParents(rows: TreeRow[]): TreeRow[] {
  const above: number[] = [];
  return rows.map((row, i) => {
    const parent = row.depth === 0 ? undefined : above[row.depth - 1];
    if (row.depth > 0 && parent === undefined) throw new RangeError(`row ${i} has no parent at depth ${row.depth - 1}`);
    above.length = row.depth;
    above.push(i);
    if (row.parent === parent) return row;
    const { parent: _, ...rest } = row;
    return parent === undefined ? rest : { ...rest, parent };
  });
}
