import type { System, TreeRow } from '../api/client';
import { bytes, count, localTime, mebibytes, percent, shortUser, unknown } from '../format/format';
import type { Node } from './forest';

export const columnKeys = [
  'name', 'pid', 'cpu', 'tree_cpu', 'cpu_time', 'memory', 'tree_memory', 'private', 'threads', 'handles',
  'read', 'write', 'read_total', 'write_total', 'user', 'session', 'integrity', 'started', 'company', 'description', 'exe', 'cmdline',
] as const;

export type ColumnKey = (typeof columnKeys)[number];

export interface Column {
  readonly key: ColumnKey;
  readonly title: string;
  /** What the figures are, for hovering over the head. */
  readonly hint: string;
  /** A CSS track of the grid. */
  readonly width: string;
  readonly kind: 'figure' | 'text' | 'code';
  /** Shown only when somebody asks for it. */
  readonly optional?: true;
  /** What rows are ordered by; undefined is unknown and comes last. */
  readonly value: (row: TreeRow) => number | string | undefined;
  readonly text: (row: TreeRow, now: number) => string;
  /** How much of the host a figure is, from 0 to 1; the tint of its cell. */
  readonly share?: (row: TreeRow, system: System) => number | undefined;
}

const mebibyte = 2 ** 20;

/** Bytes of memory, exact where the host said so. */
export function memoryBytes(row: TreeRow): number | undefined {
  return row.working_set_bytes ?? (row.memory === undefined ? undefined : row.memory * mebibyte);
}

/** CPU time as Task Manager writes it, which lines up: "0:00:12", "105:03:09". */
export function cpuClock(seconds: number | undefined): string {
  if (seconds === undefined) return unknown;
  const s = Math.floor(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

// Windows counts idle time as a process with the pid 0.
const ofOneCore = (row: TreeRow, cpu: number | undefined) =>
  cpu === undefined || row.pid === 0 ? undefined : cpu / 100;
const ofMemory = (mib: number | undefined, system: System) =>
  // A quarter of the host in one process is as hot as it gets.
  mib === undefined || !system.ram_gb ? undefined : mib / (system.ram_gb * 256);
const ofDisk = (rate: number | undefined) => (rate === undefined ? undefined : rate / (100 * mebibyte));

export const columns: readonly Column[] = [
  { key: 'name', title: 'Name', hint: 'Name of the program', width: 'minmax(var(--name-width), 1fr)', kind: 'text',
    value: (row) => row.name.toLowerCase(), text: (row) => row.name },
  { key: 'pid', title: 'PID', hint: 'Process identifier', width: '64px', kind: 'figure',
    value: (row) => row.pid, text: (row) => String(row.pid) },
  { key: 'cpu', title: 'CPU %', hint: 'CPU of the process itself, in percent of one core', width: '64px', kind: 'figure',
    value: (row) => row.cpu, text: (row) => percent(row.cpu), share: (row) => ofOneCore(row, row.cpu) },
  { key: 'tree_cpu', title: 'Tree CPU', hint: 'CPU of the process and all below it, in percent of one core', width: '76px', kind: 'figure',
    value: (row) => row.tree_cpu, text: (row) => percent(row.tree_cpu), share: (row) => ofOneCore(row, row.tree_cpu) },
  { key: 'cpu_time', title: 'CPU time', hint: 'CPU time that the process has spent since its start', width: '92px', kind: 'figure', optional: true,
    value: (row) => row.cpu_seconds, text: (row) => cpuClock(row.cpu_seconds) },
  { key: 'memory', title: 'Memory', hint: 'Working set (resident set on Linux) of the process itself', width: '80px', kind: 'figure',
    value: memoryBytes, text: (row) => bytes(memoryBytes(row)),
    share: (row, system) => ofMemory((memoryBytes(row) ?? NaN) / mebibyte, system) },
  { key: 'tree_memory', title: 'Tree memory', hint: 'Working set of the process and all below it', width: '100px', kind: 'figure',
    value: (row) => row.tree_memory, text: (row) => mebibytes(row.tree_memory), share: (row, system) => ofMemory(row.tree_memory, system) },
  { key: 'private', title: 'Private', hint: 'Memory that is the process’s own', width: '80px', kind: 'figure', optional: true,
    value: (row) => row.private_bytes, text: (row) => bytes(row.private_bytes),
    share: (row, system) => ofMemory((row.private_bytes ?? NaN) / mebibyte, system) },
  { key: 'threads', title: 'Threads', hint: 'Threads', width: '68px', kind: 'figure',
    value: (row) => row.threads, text: (row) => count(row.threads) },
  { key: 'handles', title: 'Handles', hint: 'Handles; file descriptors on Linux', width: '80px', kind: 'figure',
    value: (row) => row.handles, text: (row) => count(row.handles) },
  { key: 'read', title: 'Read/s', hint: 'Bytes read each second since the snapshot before', width: '80px', kind: 'figure',
    value: (row) => row.read_rate, text: (row) => bytes(row.read_rate), share: (row) => ofDisk(row.read_rate) },
  { key: 'write', title: 'Write/s', hint: 'Bytes written each second since the snapshot before', width: '80px', kind: 'figure',
    value: (row) => row.write_rate, text: (row) => bytes(row.write_rate), share: (row) => ofDisk(row.write_rate) },
  { key: 'read_total', title: 'Read', hint: 'Bytes read since its start', width: '80px', kind: 'figure', optional: true,
    value: (row) => row.read_bytes, text: (row) => bytes(row.read_bytes) },
  { key: 'write_total', title: 'Written', hint: 'Bytes written since its start', width: '80px', kind: 'figure', optional: true,
    value: (row) => row.write_bytes, text: (row) => bytes(row.write_bytes) },
  { key: 'user', title: 'User', hint: 'The account that the process runs as', width: '136px', kind: 'text',
    value: (row) => row.username?.toLowerCase(), text: (row) => shortUser(row.username ?? '') },
  { key: 'session', title: 'Session', hint: 'Session that the process runs in', width: '72px', kind: 'figure', optional: true,
    value: (row) => row.session_id, text: (row) => (row.session_id === undefined ? unknown : String(row.session_id)) },
  { key: 'integrity', title: 'Integrity', hint: 'Integrity level, and whether it is elevated', width: '120px', kind: 'text', optional: true,
    value: (row) => row.integrity, text: (row) => [row.integrity?.replace('_', ' '), row.elevated && 'elevated'].filter(Boolean).join(', ') },
  { key: 'started', title: 'Started', hint: 'When the process started, in local time', width: '96px', kind: 'figure',
    value: (row) => (row.start_time === undefined ? undefined : Date.parse(row.start_time)),
    text: (row, now) => localTime(row.start_time, now) },
  { key: 'company', title: 'Company', hint: 'Maker of the program, as its file says', width: '144px', kind: 'text', optional: true,
    value: (row) => row.company?.toLowerCase(), text: (row) => row.company ?? '' },
  { key: 'description', title: 'Description', hint: 'What the program is, as its file says', width: '176px', kind: 'text', optional: true,
    value: (row) => row.description?.toLowerCase(), text: (row) => row.description ?? '' },
  { key: 'exe', title: 'Program', hint: 'File of the program', width: '240px', kind: 'code', optional: true,
    value: (row) => row.exe?.toLowerCase(), text: (row) => row.exe ?? '' },
  { key: 'cmdline', title: 'Command line', hint: 'The command line, with secrets taken out by the agent', width: 'minmax(200px, 2fr)', kind: 'code',
    value: (row) => row.cmdline?.toLowerCase(), text: (row) => row.cmdline ?? '' },
];

const byKey = new Map(columns.map((column) => [column.key, column]));

export function column(key: ColumnKey): Column {
  return byKey.get(key)!;
}

/** Whether a column's first click shows the largest on top. */
export function largestFirst(key: ColumnKey): boolean {
  return column(key).kind === 'figure' && key !== 'pid';
}

/** How strong the tint of a cell is: 0 (none) to 5. */
export function heat(share: number | undefined): number {
  if (share === undefined || !(share >= 0.02)) return 0;
  return Math.max(1, Math.round(Math.sqrt(Math.min(1, share)) * 5));
}

/** Orders nodes by a column: unknown last in both directions, equal ones in the server's order. */
export function compareBy(key: ColumnKey, descending: boolean): (a: Node, b: Node) => number {
  const { value } = column(key);
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const x = value(a.row);
    const y = value(b.row);
    if (x === y) return a.index - b.index;
    if (x === undefined) return 1;
    if (y === undefined) return -1;
    return x < y ? -sign : sign;
  };
}
