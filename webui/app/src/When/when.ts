import type { Params } from '../url/route';

/** What time a question is about. Instants are as the address has them, for the server to judge. */
export type When =
  | { readonly kind: 'now' }
  | { readonly kind: 'at'; readonly at: string }
  | { readonly kind: 'last'; readonly range: string }
  | { readonly kind: 'between'; readonly from: string; readonly to: string };

/** The ranges that are offered, and their seconds. */
export const ranges = { '15m': 900, '1h': 3600, '6h': 21_600, '24h': 86_400, '7d': 604_800 } as const;
export const rangeNames: Record<string, string> = {
  '15m': 'Last 15 minutes', '1h': 'Last hour', '6h': 'Last 6 hours', '24h': 'Last 24 hours', '7d': 'Last 7 days',
};

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** The seconds of "90s", "15m", "1.5h", "7d" or "2w"; undefined for anything else. */
export function rangeSeconds(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text);
  const seconds = parts ? Number(parts[1]) * units[parts[2]!]! : 0;
  return seconds > 0 && Number.isFinite(seconds) ? seconds : undefined;
}

export function parseWhen(params: URLSearchParams, fallback: When): When {
  const [at, from, to, range] = ['at', 'from', 'to', 'range'].map((name) => params.get(name) ?? '');
  if (from) return { kind: 'between', from, to: to ?? '' };
  if (range && rangeSeconds(range)) return { kind: 'last', range };
  if (at) return { kind: 'at', at };
  return fallback;
}

/** What the address says of it. */
export function whenParams(when: When): Params {
  const none: Params = { at: undefined, from: undefined, to: undefined, range: undefined };
  switch (when.kind) {
    case 'at':
      return { ...none, at: when.at };
    case 'last':
      return { ...none, range: when.range };
    case 'between':
      return { ...none, from: when.from, to: when.to };
    case 'now':
      return none;
  }
}

/** What the server is asked; now is in milliseconds. */
export function boundsOf(when: When, now: number): Params {
  if (when.kind !== 'last') return whenParams(when);
  const seconds = rangeSeconds(when.range) ?? 3600;
  return { at: undefined, from: new Date(now - seconds * 1000).toISOString(), to: new Date(now).toISOString() };
}

const two = (n: number) => String(n).padStart(2, '0');

/** An instant, RFC 3339 or Unix seconds, as a field of type datetime-local has it; '' if it is none. */
export function toField(instant: string): string {
  const t = new Date(/^\d+(\.\d+)?$/.test(instant) ? Number(instant) * 1000 : instant);
  if (Number.isNaN(t.getTime())) return '';
  return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}T${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}

/** The instant that such a field holds, in UTC. */
export function fromField(text: string): string | undefined {
  const t = new Date(text);
  return text === '' || Number.isNaN(t.getTime()) ? undefined : t.toISOString().replace('.000Z', 'Z');
}
