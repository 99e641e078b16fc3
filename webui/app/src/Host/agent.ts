import type { TreeRow } from '../api/client';

const facts = [
  ['start_time', 'start times'],
  ['cpu_seconds', 'CPU time'],
  ['threads', 'threads'],
  ['handles', 'handles'],
  ['read_bytes', 'I/O'],
  ['exe', 'programs'],
] as const satisfies readonly (readonly [keyof TreeRow, string])[];

/**
 * What the sender of these processes tells of none of them, when it is older than what procmon
 * needs to know a process again: without start times or CPU time. Some systems refuse other
 * facts to any agent, so those alone say nothing of its age.
 */
export function missingFacts(rows: readonly TreeRow[]): string[] {
  if (rows.length === 0) return [];
  const tells = (key: keyof TreeRow) => rows.some((row) => row[key] !== undefined);
  if (tells('start_time') && tells('cpu_seconds')) return [];
  return facts.filter(([key]) => !tells(key)).map(([, title]) => title);
}
