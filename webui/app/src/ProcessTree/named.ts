import { processId, type ProcessId } from './forest';

/** Nodes that were opened, and closed, one by one. */
export type Changed = ReadonlyMap<ProcessId, boolean>;

/** So many of them an address names. */
export const mostNamed = 100;

const second = 1000; // ms

/** "4711@2026-11-22T20:15:00.5Z" as "4711-tox6x0_5": the seconds since 1970 by 36 digits, then their fraction. */
function formatId(id: ProcessId): string | undefined {
  const [, pid, time, fraction] = /^(\d+)@(?:(.{19})(?:\.(\d{1,9}))?Z)?$/.exec(id) ?? [];
  if (pid === undefined) return undefined;
  if (time === undefined) return pid;
  const seconds = Date.parse(`${time}Z`) / second;
  return Number.isNaN(seconds) ? undefined : `${pid}-${seconds.toString(36)}${fraction === undefined ? '' : `_${fraction}`}`;
}

function parseId(text: string): ProcessId | undefined {
  const [, pid, seconds, fraction] = /^(\d{1,10})(?:-(-?[0-9a-z]{1,7})(?:_(\d{1,9}))?)?$/.exec(text) ?? [];
  if (pid === undefined) return undefined;
  if (seconds === undefined) return processId({ pid: Number(pid) });
  const time = new Date(parseInt(seconds, 36) * second);
  if (Number.isNaN(time.getTime())) return undefined;
  return processId({ pid: Number(pid), start_time: `${time.toISOString().slice(0, 19)}${fraction === undefined ? '' : `.${fraction}`}Z` });
}

/** What an address says of nodes that are open, and of those that are closed. Undefined where there is none. */
export function formatNamed(changed: Iterable<readonly [ProcessId, boolean]>): { opened: string | undefined; closed: string | undefined } {
  const texts: Record<'opened' | 'closed', string[]> = { opened: [], closed: [] };
  let left = mostNamed;
  for (const [id, open] of changed) {
    const text = left > 0 ? formatId(id) : undefined;
    if (text === undefined) continue;
    texts[open ? 'opened' : 'closed'].push(text);
    left--;
  }
  return { opened: texts.opened.join('.') || undefined, closed: texts.closed.join('.') || undefined };
}

/** Reads what formatNamed wrote; anything else in it is passed over. */
export function parseNamed(opened: string | null, closed: string | null): Changed {
  const changed = new Map<ProcessId, boolean>();
  for (const [text, open] of [[opened, true], [closed, false]] as const) {
    for (const part of text?.split('.', mostNamed) ?? []) {
      const id = parseId(part);
      if (id !== undefined) changed.set(id, open);
    }
  }
  return changed;
}
