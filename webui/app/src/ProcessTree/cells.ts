import type { System, TreeRow } from '../api/client';
import { clip, fullTime, unknown, utcTime } from '../format/format';
import { write } from '../Text/write';
import { heat, type Column } from './columns';

/** Cells cut long text. */
const most = 400;

/**
 * Draws the cells of a row behind the first one, which holds the name, or brings them up to date. By hand, as a page
 * has hundreds of them: with what a component keeps for each, they are most of what a tree takes to open.
 */
export function drawCells(line: HTMLElement, columns: readonly Column[], row: TreeRow, system: System, now: number): void {
  for (const [i, of] of columns.entries()) draw((line.children[i + 1] ?? line.appendChild(newCell())) as HTMLElement, of, row, system, now);
  while (line.children.length > columns.length + 1) line.lastElementChild!.remove();
}

function newCell(): HTMLElement {
  const cell = document.createElement('div');
  cell.setAttribute('role', 'gridcell');
  return cell;
}

function draw(cell: HTMLElement, of: Column, row: TreeRow, system: System, now: number): void {
  const figure = of.kind === 'figure';
  const text = of.text(row, now) || unknown;
  const faint = text === unknown || (figure && (text === '0' || text === '0.0'));
  const named = faint ? `${of.kind} faint` : of.kind;
  if (cell.className !== named) cell.className = named;

  let place = cell.firstElementChild as HTMLElement | null;
  if (figure) {
    if (cell.textContent !== text || place) cell.textContent = text;
  } else {
    if (!place) cell.replaceChildren((place = document.createElement('bdi')));
    write(place, text, most);
  }
  const tint = of.share ? heat(of.share(row, system)) : 0;
  say(cell, 'data-heat', tint ? String(tint) : undefined);
  say(cell, 'title', hint(of, row, text, system));
}

function say(cell: HTMLElement, attribute: string, value: string | undefined): void {
  if (value === undefined) cell.removeAttribute(attribute);
  else if (cell.getAttribute(attribute) !== value) cell.setAttribute(attribute, value);
}

/** What a cell tells who points at it; undefined where that is no more than it shows. */
function hint(of: Column, row: TreeRow, text: string, system: System): string | undefined {
  switch (of.key) {
    case 'cpu':
    case 'tree_cpu': {
      const value = of.key === 'cpu' ? row.cpu : row.tree_cpu;
      if (value === undefined) return 'Not known';
      const ofHost = system.threads ? ` · ${(value / system.threads).toFixed(2)} % of the host` : '';
      return `${value.toFixed(2)} % of one core${ofHost}`;
    }
    case 'started':
      return row.start_time ? `${fullTime(row.start_time)} local · ${utcTime(row.start_time)}` : 'Not known';
    case 'user':
      return clip(row.username ?? 'Not known', 1000);
    case 'cmdline':
      return clip(row.cmdline ?? 'Not known', 1000);
  }
  if (of.value(row) === undefined) return 'Not known';
  return of.kind === 'figure' ? undefined : clip(text, 1000);
}
