// What pages ask for first. The server names it in a page's header (webui/pages.go), by the same rules.
import { treePath } from './client';

/** Rows of a tree that its page asks for first. */
const rows = '300';
/** Hosts that the page of the fleet asks for first. */
const hosts = 100;

/** What an address can say of which rows come first, or which hosts, that only all of them tell. */
const allRows = ['q', 'sort', 'flat', 'process', 'opened', 'closed', 'shown', 'hidden'];
const allHosts = ['q', 'state', 'sort', 'group'];

/** Where the newest tree of a host is asked for first: its top, where that can be told from all else. */
export function firstTree(host: string, params: URLSearchParams): string {
  if (allRows.some((name) => params.get(name))) return treePath(host);
  const open = params.get('open') ?? '';
  return treePath(host, { limit: rows, open: ['all', 'roots', 'none'].includes(open) ? open : undefined });
}

/** How many hosts are asked for first; undefined for all. */
export function firstHosts(params: URLSearchParams): number | undefined {
  return allHosts.some((name) => params.get(name)) ? undefined : hosts;
}
