import type { TreeRow } from '../api/client';
import type { Forest, Node } from './forest';

/**
 * Reads a filter: words apart by spaces, all of which must be there. A word is found, without
 * case, in the name, user, command line or a service, or is the beginning of the pid. Undefined when there
 * is no word.
 */
export function parseFilter(text: string): ((row: TreeRow) => boolean) | undefined {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  const tests = words.map((word) => {
    const found = new RegExp(word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'i');
    const isNumber = /^\d+$/.test(word);
    return (row: TreeRow) =>
      found.test(row.name) ||
      (isNumber && String(row.pid).startsWith(word)) ||
      (row.username !== undefined && found.test(row.username)) ||
      (row.cmdline !== undefined && found.test(row.cmdline)) ||
      (row.services?.some((service) => found.test(service)) ?? false);
  });
  return (row) => tests.every((test) => test(row));
}

export interface Matches {
  readonly found: ReadonlySet<Node>;
  /** The found ones and all of their ancestors. */
  readonly kept: ReadonlySet<Node>;
}

export function match(forest: Forest, filter: (row: TreeRow) => boolean): Matches {
  const found = new Set<Node>();
  const kept = new Set<Node>();
  for (const node of forest.byId.values()) {
    if (!filter(node.row)) continue;
    found.add(node);
    for (let at: Node | undefined = node; at && !kept.has(at); at = at.parent) kept.add(at);
  }
  return { found, kept };
}
