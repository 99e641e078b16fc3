import type { Tree, TreeRow } from '../api/client';
import { grow, processId, type Ended, type Forest, type ProcessId } from './forest';

/** How long an ended process stays to be seen, in milliseconds. */
export const endedStays = 10_000;

/** A host as it was watched so far: its newest tree, and what changed on the way to it. */
export interface Watch {
  readonly tree: Tree;
  /** Of the rows of the tree. */
  readonly ids: readonly ProcessId[];
  readonly fresh: ReadonlySet<ProcessId>;
  readonly ended: readonly Ended[];
  readonly forest: Forest;
}

/** How many processes a tree has, of which it may be only the top. */
export const countOf = (tree: Tree) => tree.processes ?? tree.rows.length;

/**
 * Takes in an answer of the server. The same snapshot again changes nothing but what is stale. Where
 * the tree does not follow the one before, as after a leap in time, what differs did not happen now.
 */
export function observe(before: Watch | undefined, tree: Tree, now: number, follows = true): Watch {
  if (before?.tree.processes !== undefined) before = undefined; // a top tells of what is not in it neither that it is new nor that it ended
  if (before && before.tree.host === tree.host && before.tree.id === tree.id) return expire({ ...before, tree: { ...tree, rows: before.tree.rows } }, now);

  const { ids, stays, added } = recognize(before, tree.rows);
  if (!before || !follows || before.tree.host !== tree.host) {
    const fresh = startedSince(tree, ids);
    return { tree, ids, fresh, ended: [], forest: grow(tree, fresh, [], ids) };
  }
  const fresh = new Set(added);
  const ended = before.ended.filter((gone) => gone.until > now && !fresh.has(gone.id));
  before.ids.forEach((id, i) => {
    if (stays[i]) return;
    const node = before.forest.byId.get(id)!;
    ended.push({ id, row: node.row, parent: node.parent?.id, until: now + endedStays });
  });
  return { tree, ids, fresh, ended, forest: grow(tree, fresh, ended, ids) };
}

/** How many rows may have gone in one place until it is looked up where the next one stood. */
const near = 3;

/**
 * The ids of rows, which rows of before are among them, and the ids of those that were not there. Most rows
 * of a host stand where they stood; to make an id anew for each of 10,000 takes longer than all else here.
 */
function recognize(before: Watch | undefined, rows: readonly TreeRow[]): { ids: ProcessId[]; stays: Uint8Array; added: ProcessId[] } {
  const old = before?.tree.rows ?? [];
  const stays = new Uint8Array(old.length);
  const added: ProcessId[] = [];
  let next = 0;
  const ids = rows.map((row) => {
    for (let i = next; i < Math.min(next + near, old.length); i++) {
      const was = old[i]!;
      if (was !== row && (was.pid !== row.pid || was.start_time !== row.start_time)) continue;
      stays[i] = 1;
      next = i + 1;
      return before!.ids[i]!;
    }
    const id = processId(row);
    const at = before?.forest.byId.get(id)?.index ?? old.length;
    if (at < old.length) {
      stays[at] = 1;
      next = at + 1;
    } else added.push(id);
    return id;
  });
  return { ids, stays, added };
}

/** Lets go of the ended processes whose time is over. */
export function expire(watch: Watch, now: number): Watch {
  const ended = watch.ended.filter((gone) => gone.until > now);
  if (ended.length === watch.ended.length) return watch;
  return { ...watch, ended, forest: grow(watch.tree, watch.fresh, ended, watch.ids) };
}

/** When expire will next have something to do; undefined when nothing has ended. */
export function nextExpiry(watch: Watch): number | undefined {
  return watch.ended.length === 0 ? undefined : Math.min(...watch.ended.map((gone) => gone.until));
}

function startedSince(tree: Tree, ids: readonly ProcessId[]): Set<ProcessId> {
  const { rows, previous } = tree;
  if (previous === undefined) return new Set();
  const [since, second] = [Date.parse(previous), previous.slice(0, 'YYYY-MM-DDThh:mm:ss'.length)];
  // All are UTC, so that most are older by their text already.
  return new Set(ids.filter((_, i) => (rows[i]!.start_time ?? '') >= second && Date.parse(rows[i]!.start_time!) > since));
}
