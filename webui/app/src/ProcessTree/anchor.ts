import type { ColumnKey } from './columns';
import type { Line } from './lines';

/** Columns whose figures move by themselves: their order is new with every snapshot. */
const restless: ReadonlySet<ColumnKey> = new Set([
  'cpu', 'tree_cpu', 'memory', 'tree_memory', 'threads', 'handles', 'read', 'write',
] satisfies ColumnKey[]);

/** How far to look for a row that is still there. */
const reach = 100;

/**
 * By how many rows the list moved under the reader who has line `top` uppermost. None where rows
 * are ordered by a column that never rests: there the top of the list is what is looked at.
 */
export function anchorShift(before: readonly Line[], after: readonly Line[], top: number, sort: ColumnKey | undefined): number {
  if (sort && restless.has(sort)) return 0;
  const index = new Map(after.map((line, i) => [line.node.id, i]));
  for (let i = top; i < Math.min(before.length, top + reach); i++) {
    const now = index.get(before[i]!.node.id);
    if (now !== undefined) return now - i;
  }
  return 0;
}
