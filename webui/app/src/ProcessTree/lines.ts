import type { Sort } from '../url/route';
import { compareBy, type ColumnKey } from './columns';
import { isOpen, type Expansion } from './expansion';
import type { TreeRow } from '../api/client';
import { match } from './filter';
import { childrenOf, type Forest, type Node } from './forest';

/** A node in its place on the page. */
export interface Line {
  readonly node: Node;
  /** 0 for a root; always 0 in the flat list. */
  readonly depth: number;
  /** 1 for the first of its siblings that are shown, of `siblings`. */
  readonly position: number;
  readonly siblings: number;
  /** Undefined for a node that has nothing below it to show. */
  readonly open: boolean | undefined;
  /** Whether it is here only because of a node below or above it that the filter found. */
  readonly context: boolean;
}

export interface View {
  readonly filter: ((row: TreeRow) => boolean) | undefined;
  /** Show all that is below the nodes that the filter found. */
  readonly below: boolean;
  readonly flat: boolean;
  /** Undefined keeps the server's order: by start time and pid. */
  readonly sort: Sort<ColumnKey> | undefined;
  readonly expansion: Expansion;
  /** What was opened and closed by hand since the filter was typed. */
  readonly filtered: ReadonlyMap<string, boolean>;
}

export interface Lines {
  readonly lines: readonly Line[];
  /** How many processes the filter found; all without one. */
  readonly found: number;
}

/** What of a forest is shown, from top to bottom. */
export function layOut(forest: Forest, view: View): Lines {
  const compare = view.sort && compareBy(view.sort.key, view.sort.descending);
  const ordered = (nodes: readonly Node[]) => (compare ? nodes.toSorted(compare) : nodes);
  if (view.flat) return flatList(forest, view, ordered);

  const matches = view.filter && match(forest, view.filter);
  const lines: Line[] = [];
  // A chain of parents can be thousands deep: no recursion.
  const rest: { line: Line; all: boolean }[] = [];
  const push = (nodes: readonly Node[], depth: number, all: boolean) => {
    const siblings = ordered(nodes);
    for (let i = siblings.length - 1; i >= 0; i--) {
      const node = siblings[i]!;
      const found = matches?.found.has(node) ?? false;
      const byHand = view.filtered.get(node.id);
      const showsAll = all || (found && (view.below || byHand === true));
      const keepsBelow = matches !== undefined && node.children.some((child) => matches.kept.has(child));
      let open: boolean | undefined;
      if (childrenOf(node) > 0) {
        if (!matches) open = isOpen(view.expansion, node);
        else if (found || all || keepsBelow) open = byHand ?? (keepsBelow || view.below);
      }
      rest.push({
        line: { node, depth, position: i + 1, siblings: siblings.length, open, context: matches !== undefined && !found },
        all: showsAll,
      });
    }
  };
  const shown = (nodes: readonly Node[], all: boolean) =>
    matches && !all ? nodes.filter((node) => matches.kept.has(node)) : nodes;

  push(shown(forest.roots, false), 0, false);
  for (let next = rest.pop(); next; next = rest.pop()) {
    lines.push(next.line);
    if (next.line.open) push(shown(next.line.node.children, next.all), next.line.depth + 1, next.all);
  }
  return { lines, found: matches ? matches.found.size : forest.byId.size };
}

function flatList(forest: Forest, view: View, ordered: (nodes: readonly Node[]) => readonly Node[]): Lines {
  const { filter } = view;
  const all = [...forest.byId.values()];
  const nodes = ordered(filter ? all.filter((node) => filter(node.row)) : all);
  const lines = nodes.map((node, i) => ({
    node, depth: 0, position: i + 1, siblings: nodes.length, open: undefined, context: false,
  }));
  return { lines, found: nodes.length };
}

/** Where the line of a process is; -1 when it is not shown. */
export function lineOf(lines: readonly Line[], id: string | undefined): number {
  return id === undefined ? -1 : lines.findIndex((line) => line.node.id === id);
}
