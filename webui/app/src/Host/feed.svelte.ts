import { ApiError, type Api, type Host, type LiveMessage, type Tree } from '../api/client';
import { applyDelta } from '../live/delta';
import type { Live, Subscription } from '../live/live.svelte';
import { whenPainted } from '../live/painted';
import { Poll } from '../live/poll.svelte';

/** How often the host is asked for while there is no live connection. Milliseconds. */
const pollInterval = 5_000;
/** After a step, the next one is asked for when that is on the screen. Milliseconds. */
const shown = 50;
/** A request for an instant that took so long gives way to the next one. Milliseconds. */
const stale = 250;

interface Wanted {
  at: string;
  offset: number;
}

/**
 * What a host page shows: the newest tree, which moves by itself, or that of an instant. Both stay
 * known, so that going back to now shows something at once.
 */
export class HostFeed {
  host = $state.raw<Host>();
  /** The newest tree that was heard of. */
  newest = $state.raw<Tree>();
  /** The top of the newest tree, while the rest of a large one is still to come. */
  top = $state.raw<Tree>();
  /** The tree of the instant that was asked for last and answered. */
  past = $state.raw<Tree>();
  error = $state.raw<Error>();
  /** Whether an instant was asked for and the answer is not here yet. */
  busy = $state(false);

  readonly #api: Api;
  readonly #live: Live;
  readonly #name: string;
  readonly #poll: Poll<void>;
  #wanted: Wanted | undefined;
  #early: ReturnType<typeof setTimeout> | undefined;
  #request: { abort: AbortController; began: number; arrived: (tree: Tree) => void } | undefined;

  constructor(name: string, api: Api, live: Live) {
    this.#name = name;
    this.#api = api;
    this.#live = live;
    this.#poll = new Poll<void>((signal) => this.#ask(signal), { interval: () => pollInterval });
  }

  /** Follows the newest tree, which is asked for first at `path`, until the returned function is called. */
  follow(path: string): () => void {
    let leave: (() => void) | undefined;
    const left = new AbortController();
    const subscribe = () => {
      if (!left.signal.aborted) leave = this.#live.subscribe(() => this.#want(), (message) => this.#hear(message));
    };
    if (this.newest) subscribe();
    else void this.#begin(path, left.signal).then(subscribe);
    return () => {
      left.abort();
      leave?.();
      this.top = undefined;
    };
  }

  /**
   * The first tree, or the top of it, is asked for, ahead of this page too; what follows is told. What fails
   * here fails there.
   */
  async #begin(path: string, signal: AbortSignal): Promise<void> {
    try {
      let tree = await this.#api.treeAt(path, signal);
      if (tree.processes !== undefined) {
        if (signal.aborted) return;
        this.top = tree;
        await new Promise<void>(whenPainted);
        tree = await this.#api.tree(this.#name, undefined, signal);
      }
      this.newest ??= tree;
      this.top = undefined;
    } catch {
      // The connection says why, or, where there is none, who asks instead.
    }
  }

  /** Asks again and again, for when there is no live connection. */
  poll(): () => void {
    return this.#poll.start();
  }

  /** Asks for what is known of the host, without its processes. */
  async readHost(): Promise<void> {
    try {
      this.host = await this.#api.host(this.#name);
    } catch (error) {
      this.error ??= error as Error;
    }
  }

  /** Asks for the host and its newest tree once. */
  async read(): Promise<void> {
    try {
      await this.#ask(new AbortController().signal);
      this.error = undefined;
    } catch (error) {
      this.error = error as Error;
    }
  }

  /**
   * Asks for the tree of an instant, or of the snapshot so many after it. While an answer is under
   * way only the last wish counts, so that a drag shows what it passes and never lags.
   */
  go(at: string, offset: number, arrived: (tree: Tree) => void): void {
    const wanted = { at, offset };
    clearTimeout(this.#early);
    this.#wanted = wanted;
    this.busy = true;
    if (this.#request && performance.now() - this.#request.began < stale) {
      this.#request.arrived = arrived;
      return;
    }
    this.#request?.abort.abort();
    void this.#load(wanted, arrived);
  }

  /** Forgets what was asked of the past. */
  leave(): void {
    clearTimeout(this.#early);
    this.#request?.abort.abort();
    this.#request = undefined;
    this.#wanted = undefined;
    this.busy = false;
    this.past = undefined;
    this.error = undefined;
  }

  async #load(wanted: Wanted, arrived: (tree: Tree) => void): Promise<void> {
    const request = { abort: new AbortController(), began: performance.now(), arrived };
    this.#request = request;
    try {
      const tree = await this.#api.tree(this.#name, wanted.at, request.abort.signal, wanted.offset, this.past ?? this.newest);
      if (this.#request !== request) return;
      this.past = tree;
      this.error = undefined;
      if (this.#wanted === wanted) {
        request.arrived(tree);
        this.#expect(tree, wanted.offset);
      }
    } catch (error) {
      if (this.#request !== request) return;
      this.error = error as Error;
    }
    this.#request = undefined;
    const next = this.#wanted;
    if (next && next !== wanted) void this.#load(next, request.arrived);
    else this.busy = false;
  }

  /** Who goes a step goes on, mostly. */
  #expect(tree: Tree, offset: number): void {
    const more = offset === 1 ? tree.next : offset === -1 ? tree.previous : undefined;
    if (more !== undefined) this.#early = setTimeout(() => this.#api.treeEarly(this.#name, tree.timestamp, offset, tree), shown);
  }

  #want(): Subscription {
    const tree = this.newest;
    return { subscribe: 'host', host: this.#name, have: tree?.id, previous: tree?.previous };
  }

  #hear({ host, tree, delta, error }: LiveMessage): void {
    if (error) {
      this.error = new ApiError(error.code === 'not_found' ? 404 : 500, error.code, error.message);
      return;
    }
    if (tree) this.newest = tree;
    if (delta && delta.from !== this.newest?.id) {
      if (delta.id !== this.newest?.id) this.#restart();
      return;
    }
    if (delta && this.newest) {
      try {
        this.newest = applyDelta(this.newest, delta);
      } catch {
        this.#restart();
        return;
      }
    }
    if (host) this.host = host;
    this.error = undefined;
  }

  #restart(): void {
    this.newest = this.top = undefined;
    this.#live.resume();
  }

  async #ask(signal: AbortSignal): Promise<void> {
    try {
      // A tree can be megabytes: it is read again only when the host says that there is another.
      const [host, first] = await Promise.all([
        this.#api.host(this.#name, signal),
        this.newest ? undefined : this.#api.tree(this.#name, undefined, signal),
      ]);
      const known = first ?? this.newest;
      const same = known !== undefined && (first !== undefined || (host.last_seen === known.timestamp && host.state === (this.host ?? host).state));
      const tree = same ? known : await this.#api.tree(this.#name, undefined, signal, 0, known);
      this.host = host;
      this.newest = tree;
      this.error = undefined;
    } catch (error) {
      if (!signal.aborted) this.error = error as Error;
      throw error;
    }
  }
}
