import type { Host, Target, Tree, TreeRow } from '../src/api/client';

/** A process as tests write it: its parent by pid. */
export type Given = Partial<TreeRow> & { pid: number; under?: number };

const start = Date.parse('2026-11-22T20:00:00Z');

/** A tree of the given processes, each after its parent, as the server sends it. */
export function treeOf(given: readonly Given[], facts: Partial<Tree> = {}): Tree {
  const rows: TreeRow[] = [];
  const at = new Map<number, number>();
  for (const { under, ...row } of given) {
    const parent = under === undefined ? undefined : at.get(under);
    if (under !== undefined && parent === undefined) throw new Error(`pid ${row.pid} comes before its parent ${under}`);
    at.set(row.pid, rows.length);
    rows.push({
      name: `p${row.pid}`,
      start_time: new Date(start + row.pid * 1000).toISOString(),
      depth: parent === undefined ? 0 : rows[parent]!.depth + 1,
      children: 0,
      descendants: 0,
      ...(parent === undefined ? {} : { parent }),
      ...row,
    });
    for (let above = parent, first = true; above !== undefined; above = rows[above]!.parent, first = false) {
      if (first) rows[above]!.children++;
      rows[above]!.descendants++;
    }
  }
  return {
    id: 'win-07@2026-11-22T20:15:00Z', host: 'WIN-07', stale: false, labels: {}, hostname: 'WIN-07', timestamp: '2026-11-22T20:15:00Z',
    system: { threads: 8, ram_gb: 16 }, rows, ...facts,
  };
}

export function hostOf(host: string, facts: Partial<Host> = {}): Host {
  return {
    host, state: 'up', labels: {}, first_seen: '2026-11-01T00:00:00Z', last_seen: '2026-11-22T20:15:00Z', system: {}, processes: 1, ...facts,
  };
}

export function targetOf(facts: Partial<Target>): Target {
  return {
    job: 'windows', scrape_url: 'http://win-07:9910/snapshot', labels: {}, discovered_labels: {}, health: 'up', interval_seconds: 15, timeout_seconds: 10, ...facts,
  };
}
