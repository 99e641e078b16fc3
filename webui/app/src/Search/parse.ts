/**
 * The grammar of searches, as the server has it (search.go): testdata/search.json holds both to
 * the same answers. Positions are code points from 0, as the server counts them.
 */
export interface SearchFault {
  readonly position: number;
  /** One after the last code point of the term that is wrong. */
  readonly end: number;
  readonly problem: string;
}

const mostBytes = 4 << 10;
const mostTerms = 64;

// Unicode's White_Space, as Go's unicode.IsSpace has it.
const space = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

export const textFields = ['name', 'user', 'cmd', 'exe', 'host'] as const;
const figures: Record<string, { units: readonly string[]; problem: string }> = {
  cpu: { units: ['', '%'], problem: 'CPU is a number of percent, as 50 or 0.5' },
  mem: {
    units: ['', 'b', 'k', 'kb', 'kib', 'm', 'mb', 'mib', 'g', 'gb', 'gib', 't', 'tb', 'tib'],
    problem: 'memory is a number with a unit, as 500MB or 1.5GB',
  },
  started: { units: ['s', 'm', 'h', 'd', 'w'], problem: 'a time is a number with a unit, as 30s, 15m, 1h, 7d or 2w' },
};

/** A term as it stands in the text, in code points. */
export interface Term {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly closed: boolean;
}

/** The terms of a text; they stand apart by spaces that are not within quotes. */
export function terms(characters: readonly string[]): Term[] {
  const found: Term[] = [];
  let start = -1;
  let quoted = false;
  const close = (end: number) => {
    if (start >= 0) found.push({ start, end, text: characters.slice(start, end).join(''), closed: !quoted });
    start = -1;
  };
  characters.forEach((c, i) => {
    if (!quoted && space.test(c)) return close(i);
    if (start < 0) start = i;
    if (c === '"') quoted = !quoted;
  });
  close(characters.length);
  return found;
}

/** What is wrong with a search, if anything is. */
export function check(text: string): SearchFault | undefined {
  const characters = [...text];
  const long = beyond(characters);
  if (long !== undefined) return { position: long, end: characters.length, problem: `a search has at most ${mostBytes} bytes` };
  for (const [i, term] of terms(characters).entries()) {
    const { start, end } = term;
    if (!term.closed) {
      return { position: characters.lastIndexOf('"', end - 1), end, problem: 'a quote is open; end it with another "' };
    }
    const fault = checkTerm(term.text);
    if (fault) return { position: start + fault[0], end, problem: fault[1] };
    if (i >= mostTerms) return { position: start, end, problem: `a search has at most ${mostTerms} terms` };
  }
  return undefined;
}

/** The position at which the bytes are too many. */
function beyond(characters: readonly string[]): number | undefined {
  const encoder = new TextEncoder();
  let bytes = 0;
  let position: number | undefined;
  for (const [i, c] of characters.entries()) {
    const before = bytes;
    bytes += encoder.encode(c).length;
    // Of a character that is cut, the server counts the bytes.
    if (bytes > mostBytes) position ??= i + (mostBytes - before);
  }
  return position;
}

/** Where in a term something is wrong, and what. */
function checkTerm(term: string): [at: number, problem: string] | undefined {
  let at = term.startsWith('-') ? 1 : 0;
  const rest = term.slice(at);
  if (rest === '') return [0, 'there is nothing after the -'];
  const i = rest.search(/[:<>"]/);
  if (i <= 0 || rest[i] === '"') return rest.replaceAll('"', '') === '' ? [at, 'there is no text'] : undefined;
  const field = rest.slice(0, i).toLowerCase();
  const operator = rest[i]!;
  const figure = Object.hasOwn(figures, field) ? figures[field] : undefined;
  if (!figure && field !== 'pid' && !textFields.some((known) => known === field)) return [at, `"${rest.slice(0, i)}" is no field`];
  at += [...rest.slice(0, i)].length;
  let value = rest.slice(i + 1).replaceAll('"', '');
  const equal = value.startsWith('=');
  if (equal) value = value.slice(1);
  const inValue = at + 1 + (equal ? 1 : 0);
  if (figure) {
    if (operator === ':') return [at, `${field} takes <, <=, > or >=, as in ${field}${field === 'started' ? '<1h' : field === 'mem' ? '>1GB' : '>50'}`];
    const [, number = '', unit = ''] = /^([0-9.]*)(.*)$/s.exec(value) ?? [];
    const known = /^(\d+\.?\d*|\.\d+)$/.test(number) && Number.isFinite(Number(number)) && figure.units.includes(unit.toLowerCase());
    return known ? undefined : [inValue, figure.problem];
  }
  if (operator !== ':') return [at, `${field} takes a colon`];
  if (value === '') return [inValue, 'there is nothing after the colon'];
  if (field === 'pid' && !(/^\d+$/.test(value) && Number(value) <= 4_294_967_295)) return [inValue, 'a pid is a number from 0 to 4294967295'];
  return undefined;
}

/** The terms that find a text as a whole in a field. A quote, which no search can hold, parts it; of no text, there is none. */
export function exactly(field: (typeof textFields)[number], text: string): string {
  if (text === '') return '';
  if (!text.includes('"')) return `${field}:="${text}"`;
  return text.split('"').filter((part) => part.trim() !== '').map((part) => `${field}:"${part}"`).join(' ');
}
