import { applyDelta } from '../live/delta';
import { query, type Params } from '../url/route';
import { ask, askEarly, patience, takeAhead } from './ahead';
import type { components, paths } from './schema.gen';

type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { 'application/json': infer Body } } } };
}
  ? Body
  : never;

export type Host = components['schemas']['Host'];
export type HostState = Host['state'];
export type Labels = components['schemas']['Labels'];
export type System = components['schemas']['System'];
export type Target = components['schemas']['Target'];
export type TreeRow = components['schemas']['TreeRow'];
export type Hosts = Answer<'/api/v1/hosts'>;
export type FleetSummary = components['schemas']['FleetSummary'];
export type Targets = Answer<'/api/v1/targets'>;
export type Tree = components['schemas']['Tree'];
export type TreeDelta = Omit<components['schemas']['TreeDelta'], 'changes'> & { changes: Record<string, Record<string, unknown>> };
/** What comes on /api/v1/live; each message is one of the schema's forms. */
export interface LiveMessage {
  fleet?: { now: string; full: boolean; hosts: Host[]; gone: string[] };
  host?: Host;
  tree?: Tree;
  delta?: TreeDelta;
  error?: { code: string; message: string };
}
export type Series = components['schemas']['Series'];
export type Partial = components['schemas']['Partial'];
export type Values = components['schemas']['Values'];
export type Life = components['schemas']['Life'];
export type Process = components['schemas']['Process'];
export type Match = components['schemas']['Match'];
export type SearchPage = Answer<'/api/v1/search'>;
export type TopRow = components['schemas']['TopRow'];
export type TopAnswer = Answer<'/api/v1/top'>;
export type Comparison = Answer<'/api/v1/hosts/{host}/compare'>;
export type FleetCPU = Answer<'/api/v1/fleet/cpu'>;

/** What the server, or the way to it, refused. Its message is meant for people. */
export class ApiError extends Error {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** The server's code for programs; empty when it gave none. */
  readonly code: string;

  /** Of a search: the code point at which it is wrong. */
  readonly position: number | undefined;

  constructor(status: number, code: string, message: string, position?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.position = position;
  }

  /** Whether the server could not be reached, rather than that it said no, which it does with a code. */
  get unreachable(): boolean {
    return this.status === 0 || (this.code === '' && this.status >= 502 && this.status <= 504);
  }
}

export interface ApiOptions {
  fetch?: typeof fetch;
  /** Milliseconds until a request counts as unanswered; 20 s when absent. */
  timeout?: number;
  /** Told after each request whether the server was reached, and its clock if it said so. */
  onAnswer?: (reached: boolean, serverTime: number | undefined) => void;
}

/** Where the hosts are asked for: so many of them, or all. */
export const hostsPath = (limit?: number) => `/api/v1/hosts${query({ limit: limit === undefined ? undefined : String(limit) })}`;

/** Where the tree of a host is asked for. */
export const treePath = (host: string, params: Params = {}) => `/api/v1/hosts/${encodeURIComponent(host)}/tree${query(params)}`;

const stepPath = (host: string, at: string | undefined, offset: number, held: Tree | undefined) =>
  treePath(host, { at, offset: offset ? String(offset) : undefined, have: held?.id, previous: held?.previous });

/** Reads the server's API. Every method takes a signal that abandons the request. */
export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions = {}) {
    this.#options = options;
  }

  /** All hosts; or the first ones, with what all are together. */
  hosts(signal?: AbortSignal, limit?: number): Promise<Hosts> {
    return this.#get<Hosts>(hostsPath(limit), signal);
  }

  host(name: string, signal?: AbortSignal): Promise<Host> {
    return this.#get<Host>(`/api/v1/hosts/${encodeURIComponent(name)}`, signal);
  }

  /**
   * The tree of a host at an instant, or now; or of the snapshot so many after (or before) that. Who
   * holds a tree of it gets one that shares with that what is the same.
   */
  async tree(name: string, at: string | undefined, signal?: AbortSignal, offset = 0, held?: Tree): Promise<Tree> {
    const answer = await this.#get<Tree | TreeDelta>(stepPath(name, at, offset, held), signal);
    if (!('from' in answer)) return answer;
    try {
      return applyDelta(held!, answer);
    } catch {
      return this.tree(name, at, signal, offset);
    }
  }

  /** Asks already for what `tree` will probably be asked for. */
  treeEarly(name: string, at: string, offset: number, held: Tree): void {
    void askEarly(stepPath(name, at, offset, held));
  }

  /** A tree, or the top of one, from where it is said to be. */
  treeAt(path: string, signal?: AbortSignal): Promise<Tree> {
    return this.#get<Tree>(path, signal);
  }

  /** Figures of a host over time. */
  series(name: string, question: Params, signal?: AbortSignal): Promise<Series> {
    return this.#get<Series>(`/api/v1/hosts/${encodeURIComponent(name)}/series${query(question)}`, signal);
  }

  /** What is known of a process, named by pid@start, from first to last. */
  life(host: string, process: string, signal?: AbortSignal): Promise<Life> {
    return this.#get<Life>(`/api/v1/hosts/${encodeURIComponent(host)}/processes/${encodeURIComponent(process)}`, signal);
  }

  processSeries(host: string, process: string, question: Params, signal?: AbortSignal): Promise<Series> {
    return this.#get<Series>(`/api/v1/hosts/${encodeURIComponent(host)}/processes/${encodeURIComponent(process)}/series${query(question)}`, signal);
  }

  targets(signal?: AbortSignal): Promise<Targets> {
    return this.#get<Targets>('/api/v1/targets', signal);
  }

  search(question: Params, signal?: AbortSignal): Promise<SearchPage> {
    return this.#get<SearchPage>(`/api/v1/search${query(question)}`, signal);
  }

  top(question: Params, signal?: AbortSignal): Promise<TopAnswer> {
    return this.#get<TopAnswer>(`/api/v1/top${query(question)}`, signal);
  }

  compare(host: string, question: Params, signal?: AbortSignal): Promise<Comparison> {
    return this.#get<Comparison>(`/api/v1/hosts/${encodeURIComponent(host)}/compare${query(question)}`, signal);
  }

  /** The instant of the snapshot so many after (or, negative, before) the one at an instant. */
  async snapshotBeside(host: string, at: string, offset: number, signal?: AbortSignal): Promise<string> {
    const path = `/api/v1/hosts/${encodeURIComponent(host)}/snapshot${query({ at, offset: String(offset) })}`;
    return (await this.#get<{ timestamp: string }>(path, signal)).timestamp;
  }

  /** The CPU use of every host in the last hour. */
  fleetCPU(signal?: AbortSignal): Promise<FleetCPU> {
    return this.#get<FleetCPU>('/api/v1/fleet/cpu', signal);
  }

  async #get<Body>(path: string, signal?: AbortSignal): Promise<Body> {
    const timeout = AbortSignal.timeout(this.#options.timeout ?? patience);
    let response: Response | undefined;
    let text = '';
    let body: Body | undefined;
    try {
      const answer = await (takeAhead(path) ?? ask(path, signal ? AbortSignal.any([signal, timeout]) : timeout, this.#options.fetch));
      response = answer.response;
      if (response.ok) body = (await answer.json) as Body;
      else text = await response.text();
    } catch (error) {
      if (response && error instanceof SyntaxError) {
        this.#options.onAnswer?.(true, serverTime(response));
        throw new ApiError(response.status, '', `GET ${path} did not answer with JSON.`);
      }
      if (signal?.aborted) throw error;
      this.#options.onAnswer?.(false, undefined);
      throw new ApiError(0, '', (error as Error).name === 'TimeoutError' ? 'The server did not answer in time.' : 'The server cannot be reached.');
    }
    if (response.ok) {
      this.#options.onAnswer?.(true, serverTime(response));
      return body as Body;
    }
    const error = refusal(response.status, text);
    this.#options.onAnswer?.(!error.unreachable, serverTime(response));
    throw error;
  }
}

function refusal(status: number, text: string): ApiError {
  try {
    const { error } = JSON.parse(text) as components['schemas']['Error'];
    if (typeof error.message === 'string') return new ApiError(status, String(error.code), error.message, error.position);
  } catch {
    // A proxy in between answers with what it likes.
  }
  return new ApiError(status, '', `The server answered with status ${status}.`);
}

function serverTime(response: Response): number | undefined {
  const time = Date.parse(response.headers.get('Date') ?? '');
  return Number.isNaN(time) ? undefined : time;
}
