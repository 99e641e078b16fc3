import type { Api, Host, Series, Tree } from '../api/client';
import { Poll } from '../live/poll.svelte';
import { stepFor, type Span } from '../TimeLine/scale';

export interface Shown {
  readonly host: Host;
  readonly tree: Tree;
  /** The instant that was asked for; undefined was now. */
  readonly at: string | undefined;
}

interface Options {
  api: Api;
  name: string;
  /** The instant to show; undefined is now. */
  at: () => string | undefined;
  /** Milliseconds between looks at what is new; 0 is never. */
  interval: () => number;
  /** A step has led to another instant; undefined is now. */
  onstepped: (at: string | undefined) => void;
}

/**
 * What the host's page shows: the newest tree again and again, or that of an instant, once. One
 * request is under way at a time, so that a playhead that is dragged fast shows what it passes.
 */
export class HostView {
  readonly poll: Poll<Shown>;
  readonly #options: Options;
  #steps = 0;

  constructor(options: Options) {
    this.#options = options;
    this.poll = new Poll<Shown>((signal) => this.#load(signal), {
      interval: () => (options.at() === undefined ? options.interval() : 0),
    });
  }

  /** Shows what the address says now. */
  follow(): void {
    this.#steps = 0;
    this.poll.again();
  }

  /** Goes so many snapshots on, or back. Beyond the newest it is live. */
  step(snapshots: number): void {
    this.#steps += snapshots;
    this.poll.again();
  }

  async #load(signal: AbortSignal): Promise<Shown> {
    const { api, name } = this.#options;
    const before = this.poll.data;
    if (this.#steps !== 0 && before) return this.#move(before, signal);
    const at = this.#options.at();
    if (!before) {
      const [host, tree] = await Promise.all([api.host(name, signal), api.tree(name, at, signal)]);
      return { host, tree, at };
    }
    if (at !== undefined) {
      if (before.at === at || before.tree.timestamp === at) return { ...before, at };
      return { host: before.host, tree: await api.tree(name, at, signal), at };
    }
    // A tree can be megabytes: it is read again only when the host says that there is another.
    const host = await api.host(name, signal);
    const same = before.at === undefined && host.last_seen === before.tree.timestamp && host.state === before.host.state;
    return { host, tree: same ? before.tree : await api.tree(name, undefined, signal), at };
  }

  async #move(before: Shown, signal: AbortSignal): Promise<Shown> {
    const { api, name, onstepped } = this.#options;
    const steps = this.#steps;
    if (steps > 0 && before.tree.next === undefined) {
      this.#steps = 0;
      onstepped(undefined);
      return before;
    }
    const tree = await api.tree(name, before.tree.timestamp, signal, Math.max(-1000, Math.min(steps, 1000)));
    this.#steps -= steps;
    onstepped(tree.timestamp);
    return { host: before.host, tree, at: tree.timestamp };
  }
}

const metrics = ['cpu', 'memory', 'starts', 'ends'];

/** The figures of the time line; those of a line that ends now are read again as it goes on. */
export class HostSeries {
  readonly poll: Poll<{ series: Series; span: Span; step: number }>;

  constructor(api: Api, name: string, wanted: () => { span: Span; width: number; live: boolean }) {
    this.poll = new Poll(
      async (signal) => {
        const { span, width } = wanted();
        const step = stepFor(span, width);
        // Whole steps, so that points do not move as time goes on.
        const from = Math.floor(span.from / step) * step;
        return { series: await api.hostSeries(name, { from, to: span.to, step, metrics }, signal), span, step };
      },
      { interval: () => (wanted().live ? Math.max(5_000, Math.min(60_000, (this.poll.data?.step ?? 0) * 1000)) : 0) },
    );
  }
}

