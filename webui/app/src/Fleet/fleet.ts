import type { FleetSummary, Host, Hosts, HostState, LiveMessage } from '../api/client';
import { labelList } from '../format/format';
import type { Sort } from '../url/route';

export const states = ['up', 'down', 'stale', 'pushed'] as const satisfies readonly HostState[];

export const hostColumnKeys = [
  'state', 'host', 'os', 'cpus', 'cpu', 'memory', 'storage', 'processes', 'busiest', 'seen', 'labels',
] as const;

export type HostColumnKey = (typeof hostColumnKeys)[number];

export interface HostColumn {
  readonly key: HostColumnKey;
  readonly title: string;
  readonly hint: string;
  readonly figure: boolean;
  readonly largestFirst: boolean;
  readonly value: (host: Host) => number | string | undefined;
}

// What needs somebody comes first.
const urgency: Record<HostState, number> = { down: 0, stale: 1, pushed: 2, up: 3 };

const share = (used: number | undefined, total: number | undefined) =>
  used === undefined || !total ? undefined : used / total;

export const hostColumns: readonly HostColumn[] = [
  { key: 'state', title: 'State', hint: 'Up: the last scrape was good. Down: it failed. Pushed: it delivers by itself. Stale: not seen lately', figure: false, largestFirst: false, value: (host) => urgency[host.state] },
  { key: 'host', title: 'Host', hint: 'Name', figure: false, largestFirst: false, value: (host) => host.host.toLowerCase() },
  { key: 'os', title: 'OS', hint: 'Operating system', figure: false, largestFirst: false, value: (host) => host.system.os?.toLowerCase() },
  { key: 'cpus', title: 'CPUs', hint: 'Logical CPUs', figure: true, largestFirst: true, value: (host) => host.system.threads },
  { key: 'cpu', title: 'CPU %', hint: 'CPU in percent of the whole host', figure: true, largestFirst: true, value: (host) => host.cpu },
  { key: 'memory', title: 'Memory', hint: 'Memory used and total; ordered by the share that is used', figure: true, largestFirst: true, value: (host) => share(host.system.used_ram_gb, host.system.ram_gb) },
  { key: 'storage', title: 'Storage', hint: 'All fixed volumes together; ordered by the share that is used', figure: true, largestFirst: true, value: (host) => share(host.system.storage_used_gb, host.system.storage_total_gb) },
  { key: 'processes', title: 'Processes', hint: 'Processes', figure: true, largestFirst: true, value: (host) => host.processes },
  { key: 'busiest', title: 'Busiest process', hint: 'The process with the most CPU, in percent of one core', figure: false, largestFirst: true, value: (host) => host.busiest?.cpu },
  { key: 'seen', title: 'Last seen', hint: 'When the newest snapshot was taken', figure: true, largestFirst: true, value: (host) => Date.parse(host.last_seen) || undefined },
  { key: 'labels', title: 'Labels', hint: 'Labels of the target', figure: false, largestFirst: false, value: (host) => labelList(host.labels).join(' ') || undefined },
];

/**
 * The hosts after a message: those that changed in place of what they were, without those that are
 * gone. Undefined where it does not tell all: it follows something else than is there.
 */
export function follow(before: Hosts | undefined, { now, full, hosts, gone }: NonNullable<LiveMessage['fleet']>): Hosts | undefined {
  if (full) return { now, hosts };
  if (!before || before.summary) return undefined;
  const byName = new Map(before.hosts.map((host) => [host.host, host]));
  for (const host of hosts) byName.set(host.host, host);
  for (const name of gone) byName.delete(name);
  return { now, hosts: [...byName.values()] };
}

export interface FleetView {
  readonly text: string;
  readonly state?: HostState | undefined;
}

/** A row of the table: a host, or the head of a group of hosts. */
export type FleetLine =
  | { readonly kind: 'host'; readonly key: string; readonly host: Host }
  | { readonly kind: 'group'; readonly key: string; readonly name: string | undefined; readonly hosts: Host[] };

/** What is looked through for words, kept as long as its host is as it was. */
const texts = new WeakMap<Host, string>();

function textOf(host: Host): string {
  let text = texts.get(host);
  if (text === undefined) {
    const { os, processor } = host.system;
    text = [host.host, host.state, os, processor, host.busiest?.name, ...labelList(host.labels)].join('\n').toLowerCase();
    texts.set(host, text);
  }
  return text;
}

/** The hosts that a view shows, in the order in which they are given. */
export function select(hosts: readonly Host[], view: FleetView): Host[] {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  return hosts.filter((host) => (!view.state || host.state === view.state) && (words.length === 0 || words.every((word) => textOf(host).includes(word))));
}

/**
 * A text by which names are in order, without case and with numbers counted: web-2 before web-10. Of two numbers
 * the one with fewer digits is less, so their count comes before them. To make an Intl.Collator takes longer.
 */
function nameKey(name: string): string {
  return name.toLowerCase().replace(/0*(\d+)/g, (_, digits: string) => String.fromCharCode(48 + digits.length) + digits);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The hosts by name. */
export function byName(hosts: readonly Host[]): Host[] {
  return hosts
    .map((host) => ({ host, key: nameKey(host.host) }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ host }) => host);
}

/** The hosts, which are given by name, in order. Unknown last in both directions; equal ones by name. */
export function order(named: readonly Host[], sort: Sort<HostColumnKey> | undefined): readonly Host[] {
  if (!sort) return named;
  if (sort.key === 'host') return sort.descending ? named.toReversed() : named;
  const sign = sort.descending ? -1 : 1;
  const { value } = hostColumns.find(({ key }) => key === sort.key)!;
  return named
    .map((host) => ({ host, value: value(host) }))
    .sort((a, b) => {
      if (a.value === b.value) return 0;
      if (a.value === undefined) return 1;
      if (b.value === undefined) return -1;
      return a.value < b.value ? -sign : sign;
    })
    .map(({ host }) => host);
}

/** The rows of the table: hosts in their order, under heads where they are grouped by a label. */
export function linesOf(hosts: readonly Host[], group: string | undefined): FleetLine[] {
  const line = (host: Host): FleetLine => ({ kind: 'host', key: `h:${host.host}`, host });
  if (!group) return hosts.map(line);
  const groups = new Map<string | undefined, Host[]>();
  for (const host of hosts) {
    const name = host.labels[group];
    const members = groups.get(name);
    if (members) members.push(host);
    else groups.set(name, [host]);
  }
  return [...groups]
    .sort(([a], [b]) => (a === undefined ? 1 : b === undefined ? -1 : compare(nameKey(a), nameKey(b))))
    .flatMap(([name, members]): FleetLine[] => [
      { kind: 'group', key: `g:${name ?? ''}:${name === undefined}`, name, hosts: members },
      ...members.map(line),
    ]);
}

/** What hosts are together. */
export function summarize(hosts: readonly Host[]): FleetSummary {
  const states: FleetSummary['states'] = { up: 0, down: 0, stale: 0, pushed: 0 };
  const values = new Map<string, Set<string>>();
  let processes = 0;
  for (const { state, processes: count, labels } of hosts) {
    states[state]++;
    processes += count;
    for (const name in labels) {
      const known = values.get(name);
      if (known) known.add(labels[name]!);
      else values.set(name, new Set([labels[name]!]));
    }
  }
  return { hosts: hosts.length, processes, states, labels: Object.fromEntries([...values].map(([name, known]) => [name, known.size])) };
}

/** The labels that tell hosts apart: those that are not on every host its own. */
export function groupingLabels({ hosts, labels }: FleetSummary): string[] {
  return Object.keys(labels)
    .filter((name) => name !== 'instance' && (labels[name]! < hosts || hosts === 1))
    .sort();
}
