import { terms } from './parse';

export interface Option {
  /** What takes the place of the term. */
  readonly text: string;
  readonly hint: string;
  /** Whether a value is still to follow. */
  readonly open: boolean;
}

export interface Completion {
  /** The term that is replaced, in UTF-16 units of the text. */
  readonly start: number;
  readonly end: number;
  readonly options: readonly Option[];
}

const fields: readonly Option[] = [
  { text: 'name:', hint: 'name contains; := is the whole name', open: true },
  { text: 'user:', hint: 'account that it runs as', open: true },
  { text: 'cmd:', hint: 'command line contains', open: true },
  { text: 'exe:', hint: 'path of its program', open: true },
  { text: 'host:', hint: 'host that it runs on', open: true },
  { text: 'pid:', hint: 'process ID', open: true },
  { text: 'cpu>', hint: 'percent of one core', open: true },
  { text: 'mem>', hint: 'working set, as 500MB or 1.5GB', open: true },
  { text: 'started<', hint: 'less than so long ago; > is longer', open: true },
];

const values: Record<string, readonly string[]> = { cpu: ['10', '50', '90'], mem: ['100MB', '1GB', '4GB'], started: ['5m', '1h', '1d'] };
const most = 8;

/** What the term at the caret may become. */
export function complete(text: string, caret: number, hosts: readonly string[]): Completion {
  const term = unitsOf(text).find(({ start, end }) => start < caret && caret <= end);
  const [start, end] = term ? [term.start, term.end] : [caret, caret];
  const typed = text.slice(start, caret);
  const minus = typed.startsWith('-') ? '-' : '';
  const word = typed.slice(minus.length).toLowerCase();
  const [, field = '', operator = '', value = ''] = /^(\w+)([:<>]=?)"?(.*)$/s.exec(word) ?? [];
  let options: readonly Option[];
  if (field === '') {
    options = fields.filter((option) => option.text.startsWith(word)).map((option) => ({ ...option, text: minus + option.text }));
  } else if (field === 'host' && operator.startsWith(':')) {
    options = hosts
      .filter((host) => host.toLowerCase().includes(value) && !host.includes('"'))
      .slice(0, most)
      .map((host) => ({ text: `${minus}host:${operator.slice(1)}${/\s/.test(host) ? `"${host}"` : host}`, hint: '', open: false }));
  } else if (operator[0] !== ':') {
    options = (values[field] ?? []).filter((known) => known.toLowerCase().startsWith(value)).map((known) => ({ text: `${minus}${field}${operator}${known}`, hint: '', open: false }));
  } else {
    options = [];
  }
  const whole = text.slice(start, end);
  return { start, end, options: options.filter((option) => option.text !== whole) };
}

/** Terms by UTF-16 units, as fields count. */
function unitsOf(text: string): { start: number; end: number }[] {
  const characters = [...text];
  const before = [0];
  for (const c of characters) before.push(before.at(-1)! + c.length);
  return terms(characters).map(({ start, end }) => ({ start: before[start]!, end: before[end]! }));
}
