/** How figures and instants are written. Absent facts are written as `unknown`, never as 0. */

export const unknown = '–';

const sizes = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Bytes with three figures and a unit: "0", "0.5 KiB", "98.3 MiB", "412 GiB". */
export function bytes(count: number | undefined): string {
  if (count === undefined) return unknown;
  if (count === 0) return '0';
  let value = count / 1024;
  let unit = 0;
  while (value >= 999.5 && unit < sizes.length - 1) {
    value /= 1024;
    unit++;
  }
  if (value < 0.05) return `<0.1 ${sizes[unit]}`;
  return `${value.toFixed(value < 99.95 ? 1 : 0)} ${sizes[unit]}`;
}

export function mebibytes(count: number | undefined): string {
  return bytes(count === undefined ? undefined : count * 2 ** 20);
}

export function gibibytes(count: number | undefined): string {
  return bytes(count === undefined ? undefined : count * 2 ** 30);
}

/** A percentage with one decimal and no sign: "12.3". */
export function percent(value: number | undefined): string {
  return value === undefined ? unknown : value.toFixed(1);
}

/** A whole number with its thousands apart. Making an Intl.NumberFormat takes longer than all else of the first load. */
const grouped = (n: number) => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');

export function count(value: number | undefined): string {
  return value === undefined ? unknown : grouped(value);
}

/** "1 host", "2 hosts", "1,200 processes". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}

/** How long ago an instant was: "now", "12 s ago", "3 min ago", "2 h ago", "5 d ago". */
export function ago(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'now';
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${grouped(Math.floor(seconds / 86_400))} d ago`;
}

/** A span of time in its two largest units: "4 d 3 h", "12 min 5 s", "0 s". */
export function span(milliseconds: number): string {
  let rest = Math.max(0, Math.floor(milliseconds / 1000));
  const parts: string[] = [];
  for (const [unit, length] of [['d', 86_400], ['h', 3600], ['min', 60], ['s', 1]] as const) {
    const n = Math.floor(rest / length);
    rest -= n * length;
    if (n > 0) parts.push(`${grouped(n)} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ') || '0 s';
}

/** How long something took: "0.4 ms", "12 ms", "1.25 s". */
export function took(seconds: number | undefined): string {
  if (seconds === undefined) return unknown;
  const ms = seconds * 1000;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  return `${seconds.toFixed(2)} s`;
}

const two = (n: number) => String(n).padStart(2, '0');
const day = (t: Date) => `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
const clock = (t: Date) => `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;

/** An instant in local time, as short as tells it from now: "14:03:22", "11-21 14:03", "2025-03-01". */
export function localTime(instant: string | undefined, now: number): string {
  const t = parse(instant);
  if (!t) return unknown;
  const today = new Date(now);
  if (day(t) === day(today)) return clock(t);
  if (t.getFullYear() === today.getFullYear()) return `${day(t).slice(5)} ${clock(t).slice(0, 5)}`;
  return day(t);
}

/** An instant in local time, in full: "2026-11-22 21:15:00". */
export function fullTime(instant: string | undefined): string {
  const t = parse(instant);
  return t ? `${day(t)} ${clock(t)}` : unknown;
}

/** An instant in UTC, for hovering: "2026-11-22 20:15:00 UTC". */
export function utcTime(instant: string | undefined): string {
  const t = parse(instant);
  return t ? `${t.toISOString().slice(0, 19).replace('T', ' ')} UTC` : '';
}

function parse(instant: string | undefined): Date | undefined {
  const t = new Date(instant ?? NaN);
  return Number.isNaN(t.getTime()) ? undefined : t;
}

/** The first `most` characters of text that may be very long; what is cut leaves an ellipsis. */
export function clip(text: string, most: number): string {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, splitsPair ? most - 1 : most)}…`;
}

/** Labels as Prometheus writes them, by name, without those in `but`. */
export function labelList(labels: Record<string, string>, but: readonly string[] = []): string[] {
  return Object.keys(labels)
    .filter((name) => !but.includes(name))
    .sort()
    .map((name) => `${name}=${labels[name]}`);
}

/** "8.1 / 15.9 GiB": two sizes in GiB, in the unit of the second where that tells the first. */
export function usedOf(used: number | undefined, total: number | undefined): string {
  if (used === undefined || total === undefined) return unknown;
  const [part, whole] = [gibibytes(used), gibibytes(total)];
  const unit = sizes.indexOf(whole.split(' ')[1] as (typeof sizes)[number]);
  const value = (used * 2 ** 20) / 1024 ** unit;
  if (unit < 0 || value < 0.1) return `${part} / ${whole}`;
  return `${value.toFixed(value < 99.95 ? 1 : 0)} / ${whole}`;
}

/** What part of the total is used, from 0 to 1. */
export function shareOf(used: number | undefined, total: number | undefined): number | undefined {
  return used === undefined || !total ? undefined : used / total;
}

/** An operating system's name for a narrow column: without its maker, code name, build and kernel. */
export function shortOS(name: string | undefined): string {
  return (name ?? unknown).replace(/^Microsoft (?=Windows)/, '').replace(/(?<=\S)(?: \([^()]*\))?(?: \d+\.\d+\.\d[\w.+~-]*)?$/, '');
}

/** An account for a narrow column: the built-in ones without their authority, as Task Manager has it. */
export function shortUser(name: string): string {
  return name.replace(/^(NT AUTHORITY|NT SERVICE|Window Manager|Font Driver Host)\\(?=.)/i, '');
}
