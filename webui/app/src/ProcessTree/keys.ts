import type { Line } from './lines';

/** What a key asks of the tree. */
export type Move =
  | { do: 'select'; index: number }
  | { do: 'open' | 'close' | 'openBelow' | 'details'; index: number };

/**
 * The W3C treegrid pattern, with rows as what is selected.
 * https://www.w3.org/WAI/ARIA/apg/patterns/treegrid/
 *
 * `at` is the selected line, -1 for none; `page` is how many lines are in view. Undefined for a
 * key that means nothing here.
 */
export function keyMove(key: string, lines: readonly Line[], at: number, page: number): Move | undefined {
  const last = lines.length - 1;
  if (last < 0) return undefined;
  const select = (index: number): Move => ({ do: 'select', index: Math.max(0, Math.min(last, index)) });
  const line = lines[at];
  switch (key) {
    case 'ArrowDown':
      return select(at + 1);
    case 'ArrowUp':
      return select(line ? at - 1 : last);
    case 'Home':
      return select(0);
    case 'End':
      return select(last);
    case 'PageDown':
      return select(at + page);
    case 'PageUp':
      return select(at - page);
  }
  if (!line) return undefined;
  switch (key) {
    case 'ArrowRight':
      if (line.open === false) return { do: 'open', index: at };
      return line.open ? select(at + 1) : undefined;
    case 'ArrowLeft': {
      if (line.open) return { do: 'close', index: at };
      const parent = line.node.parent;
      const index = line.depth === 0 || !parent ? -1 : lines.findLastIndex((above, i) => i < at && above.node === parent);
      return index < 0 ? undefined : select(index);
    }
    case '*':
      return { do: 'openBelow', index: at };
    case 'Enter':
      return { do: 'details', index: at };
  }
  return undefined;
}
