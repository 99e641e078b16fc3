import type { Tree, TreeRow } from '../api/client';

/** Names a process over all of a host's history: pid and start time, as pids are reused. */
export type ProcessId = string;

export function processId(process: { pid: number; start_time?: string }): ProcessId {
  return `${process.pid}@${process.start_time ?? ''}`;
}

/** New: not there in the snapshot before. Ended: there in an earlier one, no more in this. */
export type Mark = 'new' | 'ended' | undefined;

export interface Node {
  readonly id: ProcessId;
  readonly row: TreeRow;
  readonly parent: Node | undefined;
  /** In the server's order, then those that ended. */
  readonly children: Node[];
  /** Place in the server's order. */
  readonly index: number;
  readonly depth: number;
  readonly mark: Mark;
}

export interface Forest {
  readonly roots: readonly Node[];
  readonly byId: ReadonlyMap<ProcessId, Node>;
}

/** A process that has ended, as it was last seen. */
export interface Ended {
  readonly id: ProcessId;
  readonly row: TreeRow;
  readonly parent: ProcessId | undefined;
  /** When it is to go from the page, by the browser's clock. */
  readonly until: number;
}

/** Puts the rows of a tree, whose ids may be known already, together with the processes that have ended lately. */
export function grow(
  tree: Tree, fresh: ReadonlySet<ProcessId> = new Set(), ended: readonly Ended[] = [], ids: readonly ProcessId[] = tree.rows.map(processId),
): Forest {
  const roots: Node[] = [];
  const byId = new Map<ProcessId, Node>();
  const add = (id: ProcessId, row: TreeRow, parent: Node | undefined, mark: Mark): Node => {
    const depth = parent ? parent.depth + 1 : 0;
    const node: Node = { id, row, parent, children: [], index: byId.size, depth, mark };
    byId.set(id, node);
    (parent?.children ?? roots).push(node);
    return node;
  };
  const nodes: Node[] = [];
  for (const [i, row] of tree.rows.entries()) {
    const id = ids[i]!;
    // A parent's row comes earlier.
    const parent = row.parent === undefined ? undefined : nodes[row.parent];
    nodes.push(add(id, row, parent, fresh.has(id) ? 'new' : undefined));
  }
  for (const gone of ended) {
    if (byId.has(gone.id)) continue;
    add(gone.id, gone.row, gone.parent === undefined ? undefined : byId.get(gone.parent), 'ended');
  }
  return { roots, byId };
}

/** How many processes are right below one, of which a tree's top may lack some. */
export const childrenOf = (node: Node) => (node.mark === 'ended' ? node.children.length : Math.max(node.children.length, node.row.children));

/** The processes above a node, from its root down. */
export function ancestors(node: Node): Node[] {
  const chain: Node[] = [];
  for (let at = node.parent; at; at = at.parent) chain.unshift(at);
  return chain;
}

/** Every node below one, not itself. */
export function descendants(node: Node): Node[] {
  const found = [...node.children];
  for (let i = 0; i < found.length; i++) {
    for (const child of found[i]!.children) found.push(child);
  }
  return found;
}
