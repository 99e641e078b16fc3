import type { Comparison, Process } from '../api/client';
import { processId } from '../ProcessTree/forest';
import type { Sort } from '../url/route';

export const kinds = ['started', 'ended', 'stayed'] as const;
export type Kind = (typeof kinds)[number];
export const kindNames: Record<Kind, string> = { started: 'Started', ended: 'Ended', stayed: 'Still there' };

/**
 * What became of a process from a to b. A process that started is compared with nothing, so that
 * all of its memory is growth; one that ended gave all of it back.
 */
export interface Change {
  readonly kind: Kind;
  readonly key: string;
  readonly process: Process;
  readonly cpu: number | undefined; // seconds in between
  readonly memory: number | undefined; // bytes
  readonly threads: number | undefined;
  readonly handles: number | undefined;
  readonly io: number | undefined; // bytes in between
}

const memoryOf = (p: Process) => p.working_set_bytes ?? (p.memory === undefined ? undefined : p.memory * 2 ** 20);
const minus = (n: number | undefined) => (n === undefined ? undefined : -n);
const sum = (a: number | undefined, b: number | undefined) => (a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0));

export function changesOf(answer: Comparison): Change[] {
  const key = (kind: Kind, p: Process) => `${kind}:${processId(p)}`;
  return [
    ...answer.started.map((p): Change => ({
      kind: 'started', key: key('started', p), process: p, cpu: p.cpu_seconds, memory: memoryOf(p), threads: p.threads, handles: p.handles, io: sum(p.read_bytes, p.write_bytes),
    })),
    ...answer.ended.map((p): Change => ({
      kind: 'ended', key: key('ended', p), process: p, cpu: undefined, memory: minus(memoryOf(p)), threads: minus(p.threads), handles: minus(p.handles), io: undefined,
    })),
    ...answer.stayed.map((p): Change => ({
      kind: 'stayed', key: key('stayed', p), process: p, cpu: p.cpu_seconds_used, memory: p.memory_bytes_change, threads: p.threads_change, handles: p.handles_change,
      io: sum(p.read_bytes_used, p.write_bytes_used),
    })),
  ];
}

export const columnKeys = ['name', 'pid', 'user', 'cpu', 'memory', 'threads', 'handles', 'io', 'started'] as const;
export type ColumnKey = (typeof columnKeys)[number];

export interface Column {
  readonly key: ColumnKey;
  readonly title: string;
  readonly hint: string;
  readonly figure: boolean;
  readonly value: (change: Change) => number | string | undefined;
}

export const columns: readonly Column[] = [
  { key: 'name', title: 'Name', hint: 'Name', figure: false, value: (c) => c.process.name.toLowerCase() },
  { key: 'pid', title: 'PID', hint: 'Process ID', figure: true, value: (c) => c.process.pid },
  { key: 'user', title: 'User', hint: 'Account that it runs as', figure: false, value: (c) => c.process.username?.toLowerCase() },
  { key: 'cpu', title: 'CPU spent', hint: 'CPU time spent from a to b', figure: true, value: (c) => c.cpu },
  { key: 'memory', title: 'Memory ±', hint: 'Change of the working set', figure: true, value: (c) => c.memory },
  { key: 'threads', title: 'Threads ±', hint: 'Change of threads', figure: true, value: (c) => c.threads },
  { key: 'handles', title: 'Handles ±', hint: 'Change of handles; file descriptors on Linux', figure: true, value: (c) => c.handles },
  { key: 'io', title: 'I/O', hint: 'Bytes read and written from a to b', figure: true, value: (c) => c.io },
  { key: 'started', title: 'Started', hint: 'When it started', figure: true, value: (c) => c.process.start_time },
];

export const largestFirst = (key: ColumnKey) => key !== 'name' && key !== 'pid' && key !== 'user';

export interface View {
  readonly text: string;
  readonly kind: Kind | undefined;
  /** Without one: the largest change first, by CPU spent, then by memory. */
  readonly sort: Sort<ColumnKey> | undefined;
}

export type Line =
  | { readonly kind: 'head'; readonly key: string; readonly of: Kind; readonly changes: number }
  | { readonly kind: 'change'; readonly key: string; readonly change: Change };

/** The rows of the table: what started, ended and stayed, each under its head and in the order of the view. */
export function linesOf(changes: readonly Change[], view: View): Line[] {
  const words = view.text.toLowerCase().split(/\s+/).filter(Boolean);
  const shows = ({ process: p }: Change) => {
    const text = [p.name, p.pid, p.username, p.cmdline].join('\n').toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const order = view.sort ? by(view.sort) : bySize;
  return kinds.flatMap((of): Line[] => {
    if (view.kind && view.kind !== of) return [];
    const found = changes.filter((change) => change.kind === of && shows(change)).sort(order);
    if (found.length === 0) return [];
    return [{ kind: 'head', key: of, of, changes: found.length }, ...found.map((change): Line => ({ kind: 'change', key: change.key, change }))];
  });
}

function bySize(a: Change, b: Change): number {
  return (b.cpu ?? 0) - (a.cpu ?? 0) || Math.abs(b.memory ?? 0) - Math.abs(a.memory ?? 0) || a.process.pid - b.process.pid;
}

/** Unknown last in both directions. */
function by({ key, descending }: Sort<ColumnKey>): (a: Change, b: Change) => number {
  const { value } = columns.find((column) => column.key === key)!;
  return (a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === y) return bySize(a, b);
    if (x === undefined) return 1;
    if (y === undefined) return -1;
    return x < y === descending ? 1 : -1;
  };
}

/** A change with its sign, and a minus as wide as the plus: "+12", "−3", "0". */
export function signed(n: number | undefined, format: (n: number) => string): string {
  if (n === undefined) return '–';
  return n === 0 ? '0' : `${n > 0 ? '+' : '−'}${format(Math.abs(n))}`;
}
