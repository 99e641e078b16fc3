import type { Api, Match, Partial } from '../api/client';
import { hostPath, query, type Params } from '../url/route';
import { processId } from '../ProcessTree/forest';

/** The matches of one question, page after page. Another question abandons the one before. */
export class Results {
  matches = $state.raw<Match[]>([]);
  /** Hosts that were looked through. */
  hosts = $state(0);
  /** What of all pages so far could not be read. */
  partial = $state.raw<Partial>();
  error = $state.raw<Error>();
  busy = $state(false);
  /** What the matches answer; undefined before the first question. */
  question = $state.raw<Params>();
  #cursor = $state<string>();
  #request: AbortController | undefined;
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  get more(): boolean {
    return this.#cursor !== undefined;
  }

  /** Answered, by its first page at least. */
  get answered(): boolean {
    return this.#answered;
  }
  #answered = $state(false);

  /** Asks; what is shown stays until the answer is there. */
  ask(question: Params): Promise<void> {
    this.#cursor = undefined;
    return this.#read(question, true);
  }

  /** Reads the next page. */
  next(): Promise<void> {
    return this.question && (this.more || this.error) ? this.#read(this.question, !this.#answered) : Promise.resolve();
  }

  clear(): void {
    this.#request?.abort();
    this.#request = undefined;
    this.question = this.error = this.partial = this.#cursor = undefined;
    this.matches = [];
    this.busy = this.#answered = false;
  }

  async #read(question: Params, first: boolean): Promise<void> {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    this.busy = true;
    this.error = undefined;
    this.question = question;
    if (first) this.#answered = false;
    let cursor = this.#cursor;
    let hosts = first ? 0 : this.hosts;
    try {
      // A page can be empty where many hosts had nothing.
      for (let found = 0; found === 0; ) {
        const page = await this.#api.search({ ...question, cursor }, request.signal);
        if (this.#request !== request) return;
        this.partial = both(first ? undefined : this.partial, page.partial);
        this.matches = first ? page.matches : [...this.matches, ...page.matches];
        first = false;
        this.#answered = true;
        this.hosts = hosts += page.hosts;
        cursor = this.#cursor = page.cursor;
        found = page.matches.length;
        if (cursor === undefined) break;
      }
    } catch (error) {
      if (this.#request !== request) return;
      this.error = error instanceof Error ? error : new Error(String(error));
    }
    this.#request = undefined;
    this.busy = false;
  }
}

/** What two pages lack. A block that holds matches of both counts twice. */
function both(a: Partial | undefined, b: Partial | undefined): Partial | undefined {
  return a && b ? { damaged: a.damaged + b.damaged, hosts: [...new Set([...a.hosts, ...b.hosts])] } : (a ?? b);
}

export type Line =
  | { readonly kind: 'host'; readonly key: string; readonly host: string; readonly matches: number }
  | { readonly kind: 'match'; readonly key: string; readonly match: Match };

/** Matches, which come by host, under a head for each. */
export function linesOf(matches: readonly Match[]): Line[] {
  const lines: Line[] = [];
  for (let i = 0; i < matches.length; ) {
    const { host } = matches[i]!;
    let end = i;
    while (end < matches.length && matches[end]!.host === host) end++;
    lines.push({ kind: 'host', key: `h:${host}`, host, matches: end - i });
    // Without a start time, a pid may be there more than once.
    for (; i < end; i++) lines.push({ kind: 'match', key: `m:${host}:${processId(matches[i]!.process)}:${matches[i]!.first_seen}`, match: matches[i]! });
  }
  return lines;
}

/** Where a match is to be seen: live if it runs and the question is about now, else where it was last. */
export function matchPath(match: Match, question: Params): string {
  const live = !question.at && !question.from && !match.ended;
  return hostPath(match.host, { at: live ? undefined : (question.at ?? match.last_seen), process: processId(match.process), details: '1' });
}

/** The address of all matches as a file. */
export function downloadPath(question: Params, format: 'csv' | 'ndjson'): string {
  return `/api/v1/search${query({ ...question, format })}`;
}
