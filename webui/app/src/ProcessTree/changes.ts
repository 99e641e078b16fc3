import type { Tree } from '../api/client';
import { grow, processId, type Ended, type Forest, type ProcessId } from './forest';

/** How long an ended process stays to be seen, in milliseconds. */
export const endedStays = 10_000;

/** A host as it was watched so far: its newest tree, and what changed on the way to it. */
export interface Watch {
  readonly tree: Tree;
  readonly fresh: ReadonlySet<ProcessId>;
  readonly ended: readonly Ended[];
  readonly forest: Forest;
}

/** Takes in an answer of the server. The same snapshot again changes nothing but what is stale. */
export function observe(before: Watch | undefined, tree: Tree, now: number): Watch {
  if (!before || before.tree.host !== tree.host) {
    const fresh = startedSince(tree, tree.previous);
    return { tree, fresh, ended: [], forest: grow(tree, fresh) };
  }
  if (before.tree.id === tree.id) return expire({ ...before, tree: { ...tree, rows: before.tree.rows } }, now);

  const ids = tree.rows.map(processId);
  const here = new Set(ids);
  const known = before.forest.byId;
  const fresh = new Set(ids.filter((id) => {
    const node = known.get(id);
    return !node || node.mark === 'ended';
  }));
  const ended = before.ended.filter((gone) => gone.until > now && !here.has(gone.id));
  for (const node of known.values()) {
    if (node.mark === 'ended' || here.has(node.id)) continue;
    ended.push({ id: node.id, row: node.row, parent: node.parent?.id, until: now + endedStays });
  }
  return { tree, fresh, ended, forest: grow(tree, fresh, ended, ids) };
}

/** Lets go of the ended processes whose time is over. */
export function expire(watch: Watch, now: number): Watch {
  const ended = watch.ended.filter((gone) => gone.until > now);
  if (ended.length === watch.ended.length) return watch;
  return { ...watch, ended, forest: grow(watch.tree, watch.fresh, ended) };
}

/** When expire will next have something to do; undefined when nothing has ended. */
export function nextExpiry(watch: Watch): number | undefined {
  return watch.ended.length === 0 ? undefined : Math.min(...watch.ended.map((gone) => gone.until));
}

function startedSince(tree: Tree, previous: string | undefined): Set<ProcessId> {
  if (previous === undefined) return new Set();
  const since = Date.parse(previous);
  // Instants are UTC: those of an earlier second stand before it as text, too. Of 10,000 processes few are left to read.
  const second = previous.slice(0, '2026-11-22T20:15:04'.length);
  const started = tree.rows.filter(({ start_time }) => start_time !== undefined && start_time >= second && Date.parse(start_time) > since);
  return new Set(started.map(processId));
}
