/** Which page an address names. */
export type Route =
  | { page: 'fleet' }
  | { page: 'host'; host: string }
  | { page: 'compare'; host: string }
  | { page: 'search' }
  | { page: 'top' }
  | { page: 'targets' }
  | { page: 'missing' };

export function parseRoute(pathname: string): Route {
  const parts = pathname.replace(/\/+$/, '').split('/').slice(1);
  if (parts.length === 0) return { page: 'fleet' };
  const [first, name, last] = parts;
  if (parts.length === 1 && (first === 'search' || first === 'top' || first === 'targets')) return { page: first };
  if (first === 'hosts' && name && (parts.length === 2 || (parts.length === 3 && last === 'compare'))) {
    try {
      return { page: last ? 'compare' : 'host', host: decodeURIComponent(name) };
    } catch {
      return { page: 'missing' };
    }
  }
  return { page: 'missing' };
}

/** Parameters of an address; undefined and empty ones are left out. */
export type Params = Record<string, string | undefined>;

export function hostPath(host: string, params: Params = {}): string {
  return `/hosts/${encodeURIComponent(host)}${query(params)}`;
}

export function comparePath(host: string, params: Params = {}): string {
  return `/hosts/${encodeURIComponent(host)}/compare${query(params)}`;
}

export function query(params: Params): string {
  const known = Object.entries(params).filter((pair): pair is [string, string] => !!pair[1]);
  return known.length === 0 ? '' : `?${new URLSearchParams(known).toString()}`;
}

/** The query string, with its "?", that `current` becomes when `changes` are made to it. */
export function withParams(current: URLSearchParams, changes: Params): string {
  const next = new URLSearchParams(current);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return text === '' ? '' : `?${text}`;
}

export interface Sort<Key extends string> {
  key: Key;
  descending: boolean;
}

/** Reads "-cpu" as CPU, largest first. Undefined for a key that is not among `keys`. */
export function parseSort<Key extends string>(text: string | null, keys: readonly Key[]): Sort<Key> | undefined {
  if (!text) return undefined;
  const descending = text.startsWith('-');
  const key = keys.find((known) => known === text.slice(descending ? 1 : 0));
  return key === undefined ? undefined : { key, descending };
}

export function formatSort(sort: Sort<string> | undefined): string | undefined {
  return sort && `${sort.descending ? '-' : ''}${sort.key}`;
}

/** What a click on a column's head makes of the order: its first direction, the other, then none. */
export function nextSort<Key extends string>(
  sort: Sort<Key> | undefined,
  key: Key,
  descendingFirst: boolean,
): Sort<Key> | undefined {
  if (sort?.key !== key) return { key, descending: descendingFirst };
  return sort.descending === descendingFirst ? { key, descending: !descendingFirst } : undefined;
}
