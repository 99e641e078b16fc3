/** Which rows of a long list are drawn, and how much room the others take. */
export interface Span {
  readonly first: number;
  /** One after the last. */
  readonly end: number;
  /** Pixels of the rows before the first. */
  readonly before: number;
  /** Pixels of all rows. */
  readonly total: number;
}

/** Rows are drawn in runs of so many, so that not every pixel of scrolling is a change. */
const run = 4;

/** So many more beyond each edge of the view are drawn too, for scrolling that is ahead of the page. */
const beyond = 8;

/**
 * The rows to draw of a list of `count` rows of one height, when `scrolled` pixels have gone by
 * above a view of `height` pixels. With `margin`, rows beyond its edges are drawn too.
 */
export function spanInView(count: number, rowHeight: number, scrolled: number, height: number, margin = true): Span {
  const more = margin ? beyond : 0;
  const top = Math.max(0, Math.min(scrolled, count * rowHeight - height));
  const first = Math.max(0, Math.floor(top / rowHeight / run) * run - more);
  const end = Math.min(count, Math.ceil((top + height) / rowHeight / run) * run + more);
  return { first, end, before: first * rowHeight, total: count * rowHeight };
}
