import { describe, expect, test } from 'vitest';
import { hostOf } from '../../test/build';
import type { Sort } from '../url/route';
import { byName, follow, groupingLabels, linesOf, order, select, summarize, type FleetView, type HostColumnKey } from './fleet';

const hosts = [
  hostOf('web-10', { state: 'down', cpu: 5, processes: 10, labels: { site: 'graz', instance: 'a' }, system: { os: 'Debian' } }),
  hostOf('web-2', { cpu: 50, processes: 20, labels: { site: 'vienna', instance: 'b' }, system: { used_ram_gb: 8, ram_gb: 16 } }),
  hostOf('db', { state: 'stale', processes: 30, labels: { instance: 'c' }, system: { used_ram_gb: 9, ram_gb: 64 } }),
];
const namesOf = (found: readonly { host: string }[]) => found.map(({ host }) => host);

describe('order', () => {
  const names = (key?: HostColumnKey, descending = false) => namesOf(order(byName(hosts), key && ({ key, descending } satisfies Sort<HostColumnKey>)));
  test('by name, as people count', () => expect(names()).toEqual(['db', 'web-2', 'web-10']));
  test('by name, with every number counted', () => {
    const inOrder = ['DB', 'db-01-9', 'db-1-10', 'db-02', 'db-10', 'db2', 'web9x', 'web10'];
    expect(namesOf(byName(inOrder.toReversed().map((name) => hostOf(name))))).toEqual(inOrder);
  });
  test('by name, the other way', () => expect(names('host', true)).toEqual(['web-10', 'web-2', 'db']));
  test('unknown comes last in both directions', () => {
    expect(names('cpu', true)).toEqual(['web-2', 'web-10', 'db']);
    expect(names('cpu')).toEqual(['web-10', 'web-2', 'db']);
  });
  test('memory by share', () => expect(names('memory', true)).toEqual(['web-2', 'db', 'web-10']));
  test('state by urgency', () => expect(names('state')).toEqual(['web-10', 'db', 'web-2']));
  test('leaves the answer as it was', () => expect(hosts[0]!.host).toBe('web-10'));
});

describe('select', () => {
  const names = (view: Partial<FleetView>) => namesOf(select(hosts, { text: '', state: undefined, ...view }));
  test.each<[string, string[]]>([
    ['WEB', ['web-10', 'web-2']],
    ['site=graz', ['web-10']],
    ['debian down', ['web-10']],
    ['.*', []],
  ])('text %j', (text, want) => expect(names({ text })).toEqual(want));
  test('by state', () => expect(names({ state: 'stale' })).toEqual(['db']));
});

test('groups stand in order, those without the label last', () => {
  const lines = linesOf(byName(hosts), 'site');
  expect(lines.map((line) => (line.kind === 'group' ? `[${line.name}]` : line.host.host))).toEqual(['[graz]', 'web-10', '[vienna]', 'web-2', '[undefined]', 'db']);
  expect(new Set(lines.map((line) => line.key)).size).toBe(lines.length);
  expect(linesOf(hosts, undefined)).toHaveLength(3);
});

test('summarize', () => {
  expect(summarize(hosts)).toEqual({ hosts: 3, processes: 60, states: { up: 1, down: 1, stale: 1, pushed: 0 }, labels: { site: 2, instance: 3 } });
});

test('labels that are each host its own group nothing', () => {
  const labels = (hosts: number, labels: Record<string, number>) => groupingLabels({ ...summarize([]), hosts, labels });
  expect(labels(3, { site: 2, instance: 2, name: 3, job: 1 })).toEqual(['job', 'site']);
  expect(labels(1, { site: 1, instance: 1 })).toEqual(['site']);
});

test('follow puts in what changed, and takes out what is gone', () => {
  const now = '2026-11-22T20:15:00Z';
  const told = { now, full: false, hosts: [hostOf('db', { processes: 31 }), hostOf('new')], gone: ['web-2'] };
  const after = follow({ now: '', hosts }, told)!;
  expect(after.hosts.map((host) => `${host.host} ${host.processes}`)).toEqual(['web-10 10', 'db 31', 'new 1']);
  expect(follow(undefined, told)).toBeUndefined();
  expect(follow({ now, hosts }, { ...told, full: true })!.hosts).toHaveLength(2);
  const first = { now, hosts, summary: { ...summarize(hosts), hosts: 9 } };
  expect(follow(first, told), 'what changed of hosts that are not there').toBeUndefined();
  expect(follow(first, { ...told, full: true })).toEqual({ now, hosts: told.hosts });
});
