interface Extent {
  readonly left: number;
  readonly right: number;
}

/** The index before which a column lands that is let go at `x`: the first whose middle is further right, but never the first of all. */
export function dropPlace(heads: readonly Extent[], x: number): number {
  const at = heads.findIndex(({ left, right }, i) => i > 0 && x < (left + right) / 2);
  return at < 0 ? heads.length : at;
}

const padding = 18; // pixels, of a cell and its edge
const mostServices = 160; // pixels; a process can host dozens

/** How wide a cell would have to be to show all that is in it, in pixels. */
export function contentWidth(cell: HTMLElement): number {
  if (cell.classList.contains('name')) {
    const parts = [...cell.children].filter((part) => !part.classList.contains('hidden'));
    const wide = (part: Element) => Math.min(part.scrollWidth, part.classList.contains('services') ? mostServices : Infinity);
    return parts.reduce((sum, part) => sum + wide(part), padding + 8);
  }
  const range = document.createRange();
  range.selectNodeContents(cell);
  return Math.ceil(range.getBoundingClientRect().width) + padding;
}
