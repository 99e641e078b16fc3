import { ancestors, descendants, type Forest, type Node, type ProcessId } from './forest';

/** Which nodes are open: those above a depth, but for those that were opened or closed one by one. */
export interface Expansion {
  readonly depth: number;
  readonly changed: ReadonlyMap<ProcessId, boolean>;
}

export const allOpen: Expansion = { depth: Infinity, changed: new Map() };
export const allClosed: Expansion = { depth: 0, changed: new Map() };

/** Beyond so many processes a tree begins with only its roots open. */
const mostOpen = 1000;

/** How a tree of so many processes is first shown. */
export function initialExpansion(processes: number): Expansion {
  return processes <= mostOpen ? allOpen : { depth: 1, changed: new Map() };
}

export function isOpen(expansion: Expansion, node: Node): boolean {
  return expansion.changed.get(node.id) ?? node.depth < expansion.depth;
}

export function setOpen(expansion: Expansion, nodes: readonly Node[], open: boolean): Expansion {
  const changed = new Map(expansion.changed);
  for (const node of nodes) changed.set(node.id, open);
  return { ...expansion, changed };
}

export function openBelow(expansion: Expansion, node: Node): Expansion {
  return setOpen(expansion, [node, ...descendants(node)].filter((at) => at.children.length > 0), true);
}

/** Opens what hides a node. */
export function reveal(expansion: Expansion, node: Node): Expansion {
  const closed = ancestors(node).filter((at) => !isOpen(expansion, at));
  return closed.length === 0 ? expansion : setOpen(expansion, closed, true);
}

/** Forgets processes that are gone, so that watching a host for days does not add up. */
export function prune(expansion: Expansion, forest: Forest): Expansion {
  const changed = new Map([...expansion.changed].filter(([id]) => forest.byId.has(id)));
  return changed.size === expansion.changed.size ? expansion : { ...expansion, changed };
}
