import type { TopRow } from '../api/client';
import { processId } from '../ProcessTree/forest';
import { exactly } from '../Search/parse';
import { hostPath, query, type Params } from '../url/route';

export const measures = ['cpu', 'memory', 'io'] as const;
export type Measure = (typeof measures)[number];
export const measureNames: Record<Measure, string> = { cpu: 'CPU time', memory: 'Memory peak', io: 'I/O' };

export const units = ['process', 'name', 'user', 'host'] as const;
export type Unit = (typeof units)[number];
export const unitNames: Record<Unit, string> = { process: 'Process', name: 'Name', user: 'User', host: 'Host' };

export const limits = [25, 100, 500] as const;

export function valueOf(row: TopRow, by: Measure): number | undefined {
  return { cpu: row.cpu_seconds, memory: row.memory_bytes, io: row.io_bytes }[by];
}

/** The largest of each measure: the length of a whole bar. */
export function largest(rows: readonly TopRow[]): Record<Measure, number> {
  const of = (by: Measure) => rows.reduce((most, row) => Math.max(most, valueOf(row, by) ?? 0), 0);
  return { cpu: of('cpu'), memory: of('memory'), io: of('io') };
}

/** CPU seconds as people read them: "0.4 s", "12 s", "3 min 20 s", "5 h 2 min". */
export function cpuTime(seconds: number | undefined): string {
  if (seconds === undefined) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${seconds.toFixed(0)} s`;
  const s = Math.round(seconds);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 2 * 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}

/** What a row's name leads to: the process where it was, the search for a name or a user, or the host's processes here. */
export function rowPath(row: TopRow, per: Unit, asked: Params, when: Params): string {
  if (per === 'process' && row.host !== undefined && row.pid !== undefined) {
    const process = processId({ pid: row.pid, start_time: row.start_time });
    return hostPath(row.host, { at: row.peak_at ?? asked.to, process, details: '1' });
  }
  if (per === 'host') return `/top${query({ ...when, by: asked.by, host: row.host })}`;
  const only = asked.host ? exactly('host', asked.host) : '';
  const q = per === 'user' ? exactly('user', row.user ?? '') : exactly('name', row.name ?? '');
  return `/search${query({ q: `${q} ${only}`.trim(), match: asked.match, ...when })}`;
}
