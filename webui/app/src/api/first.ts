import { treePath } from './client';

/** Rows that a host's page asks for first; what more there are it is told when these are on the screen. */
const rows = '300';

/** What the address can say of which rows come first that only all of them tell. */
const whole = ['q', 'sort', 'flat', 'process', 'opened', 'closed', 'shown', 'hidden'];

/** Where a host's page asks for the newest tree first. The server names it in the page's head, by the same rule. */
export function firstTree(host: string, params: URLSearchParams): string {
  if (whole.some((name) => params.get(name))) return treePath(host);
  const open = params.get('open') ?? '';
  return treePath(host, { limit: rows, open: ['all', 'roots', 'none'].includes(open) ? open : undefined });
}
