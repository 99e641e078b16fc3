import { column, columnKeys, columns, type ColumnKey } from './columns';

/** Which columns the tree has, from left to right, and how wide those are that somebody has resized. */
export interface ColumnLayout {
  readonly shown: readonly ColumnKey[];
  /** Pixels. */
  readonly widths: ReadonlyMap<ColumnKey, number>;
}

export const defaultLayout: ColumnLayout = { shown: columns.filter((column) => !column.optional).map(({ key }) => key), widths: new Map() };

/** Where there is little room, what matters most comes first; the rest is a swipe away. */
const narrowOrder: readonly ColumnKey[] = [
  'name', 'cpu', 'memory', 'tree_cpu', 'tree_memory', 'pid', 'user', 'read', 'write', 'threads', 'handles', 'started', 'cmdline',
];

const narrowest = { name: 96, other: 40 }; // pixels
const widest = 1600; // pixels

export const atLeast = (key: ColumnKey) => (key === 'name' ? narrowest.name : narrowest.other);
const clamp = (key: ColumnKey, width: number) => Math.round(Math.max(atLeast(key), Math.min(widest, width)));

/**
 * Reads "name-320.pid.cpu": columns from left to right, some with a width in pixels. What is no
 * column is passed over. The name always comes first, as the tree hangs on it. Undefined for no text.
 */
export function parseLayout(text: string | null | undefined): ColumnLayout | undefined {
  if (!text) return undefined;
  const shown: ColumnKey[] = ['name'];
  const widths = new Map<ColumnKey, number>();
  for (const part of text.split('.')) {
    const [, name, width] = /^(\w+)(?:-(\d{1,5}))?$/.exec(part) ?? [];
    const key = columnKeys.find((known) => known === name);
    if (key === undefined || widths.has(key)) continue;
    if (!shown.includes(key)) shown.push(key);
    if (width !== undefined) widths.set(key, clamp(key, Number(width)));
  }
  return { shown, widths };
}

/** The text that parseLayout reads; undefined for the layout that is shown without any. */
export function formatLayout({ shown, widths }: ColumnLayout): string | undefined {
  if (widths.size === 0 && shown.join() === defaultLayout.shown.join()) return undefined;
  return shown.map((key) => (widths.has(key) ? `${key}-${widths.get(key)}` : key)).join('.');
}

export function resizeColumn(layout: ColumnLayout, key: ColumnKey, width: number | undefined): ColumnLayout {
  const widths = new Map(layout.widths);
  if (width === undefined) widths.delete(key);
  else widths.set(key, clamp(key, width));
  return { ...layout, widths };
}

/** Puts a column before another one, or, without one, last. Nothing comes before the name. */
export function placeColumn(layout: ColumnLayout, key: ColumnKey, before: ColumnKey | undefined): ColumnLayout {
  if (key === 'name' || before === 'name' || key === before || !layout.shown.includes(key)) return layout;
  const shown = layout.shown.filter((other) => other !== key);
  const at = before === undefined ? -1 : shown.indexOf(before);
  shown.splice(at < 0 ? shown.length : at, 0, key);
  return { ...layout, shown };
}

/** Moves a column by so many places, as far as there are any. */
export function moveColumn(layout: ColumnLayout, key: ColumnKey, by: number): ColumnLayout {
  const others = layout.shown.filter((other) => other !== key);
  const at = layout.shown.indexOf(key) + by;
  return placeColumn(layout, key, others[Math.max(1, at)]);
}

/** Shows or hides a column; one that comes back stands behind the nearest of those that usually precede it. */
export function showColumn(layout: ColumnLayout, key: ColumnKey, on: boolean): ColumnLayout {
  if (key === 'name' || layout.shown.includes(key) === on) return layout;
  if (!on) return resizeColumn({ ...layout, shown: layout.shown.filter((other) => other !== key) }, key, undefined);
  const shown = [...layout.shown];
  const preceding = columnKeys.slice(0, columnKeys.indexOf(key)).findLast((other) => shown.includes(other));
  shown.splice(preceding === undefined ? shown.length : shown.indexOf(preceding) + 1, 0, key);
  return { ...layout, shown };
}

/** The columns on a narrow page: by importance, unless somebody has ordered them. */
export function narrowed(layout: ColumnLayout): ColumnLayout {
  const usual = columnKeys.filter((key) => layout.shown.includes(key));
  if (usual.join() !== layout.shown.join()) return layout;
  const rest = usual.filter((key) => !narrowOrder.includes(key));
  return { ...layout, shown: [...narrowOrder.filter((key) => layout.shown.includes(key)), ...rest] };
}

/** CSS tracks of a grid. The last column takes what room is left. */
export function tracksOf({ shown, widths }: ColumnLayout): string {
  return shown
    .map((key, i) => {
      const width = widths.get(key);
      if (width === undefined) return column(key).width;
      const pixels = key === 'name' ? `min(${width}px, var(--name-most))` : `${width}px`;
      return i === shown.length - 1 && i > 0 ? `minmax(${pixels}, 1fr)` : pixels;
    })
    .join(' ');
}
