import { ApiError } from '../api/client';

const firstRetry = 1_000; // ms
const lastRetry = 15_000; // ms

export interface PollOptions {
  /** Milliseconds between answers; 0 asks once and then only on refresh. */
  interval: () => number;
}

/**
 * Asks again and again while it is started and the page is in view. The last good answer stays
 * while later ones fail. A server that cannot be reached is tried again with growing delays,
 * whatever the interval.
 */
export class Poll<T> {
  data = $state.raw<T>();
  error = $state.raw<Error>();
  busy = $state(false);

  readonly #load: (signal: AbortSignal) => Promise<T>;
  readonly #options: PollOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #request: AbortController | undefined;
  #failures = 0;
  #running = false;

  constructor(load: (signal: AbortSignal) => Promise<T>, options: PollOptions) {
    this.#load = load;
    this.#options = options;
  }

  /** Begins to ask, at once or when that is due; the returned function ends it. */
  start(now = true): () => void {
    this.#running = true;
    const seen = () => {
      if (document.hidden) clearTimeout(this.#timer);
      else if (this.#options.interval() > 0 || this.error) void this.refresh();
    };
    const online = () => void this.refresh();
    document.addEventListener('visibilitychange', seen);
    addEventListener('online', online);
    if (now) void this.refresh();
    else this.schedule();
    return () => {
      this.#running = false;
      clearTimeout(this.#timer);
      this.#request?.abort();
      this.#request = undefined;
      this.busy = false;
      document.removeEventListener('visibilitychange', seen);
      removeEventListener('online', online);
    };
  }

  /** Asks now. A request that is under way is left to answer. */
  async refresh(): Promise<void> {
    if (this.#request) return;
    clearTimeout(this.#timer);
    const request = new AbortController();
    this.#request = request;
    this.busy = true;
    try {
      const data = await this.#load(request.signal);
      if (this.#request !== request) return;
      this.data = data;
      this.error = undefined;
      this.#failures = 0;
    } catch (error) {
      if (this.#request !== request) return;
      this.error = error instanceof Error ? error : new Error(String(error));
      this.#failures++;
    }
    this.#request = undefined;
    this.busy = false;
    this.schedule();
  }

  /** Plans the next request; call it when the interval has changed. */
  schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#running || document.hidden || this.#request) return;
    const delay = this.#delay();
    if (delay > 0) this.#timer = setTimeout(() => void this.refresh(), delay);
  }

  #delay(): number {
    if (!this.error) return this.#options.interval();
    if (this.error instanceof ApiError && !this.error.unreachable) return this.#options.interval();
    const delay = Math.min(lastRetry, firstRetry * 2 ** (this.#failures - 1));
    return delay * (0.8 + 0.4 * Math.random());
  }
}
