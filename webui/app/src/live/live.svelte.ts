import type { LiveMessage } from '../api/client';
import { whenPainted } from './painted';

const firstRetry = 1_000; // ms
const lastRetry = 30_000; // ms
/** After so long without a message the server is asked whether it is still there. */
const silence = 60_000; // ms
/** And so long it has to answer. */
const patience = 15_000; // ms

/** What a page wants to be told of. `have` and `previous` name the tree that it holds. */
export type Subscription =
  | { subscribe: 'fleet' }
  | { subscribe: 'host'; host: string; have?: string | undefined; previous?: string | undefined };

interface Subscriber {
  want: () => Subscription;
  tell: (message: LiveMessage) => void;
}

/**
 * The one WebSocket of the app. It is open while a page subscribes, comes back by itself, and then
 * goes on from what the page holds. While it is not open, pages that cannot wait may poll: a proxy
 * in between may know nothing of WebSockets.
 */
export class Live {
  /** connecting is before the first success or failure; lost is between tries. */
  state = $state<'off' | 'connecting' | 'open' | 'lost'>('off');
  readonly #connect: () => WebSocket;
  #socket: WebSocket | undefined;
  #subscriber: Subscriber | undefined;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(connect: () => WebSocket = () => new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/live`)) {
    this.#connect = connect;
  }

  /** Follows the browser's view of the network until the returned function is called. */
  start(): () => void {
    const online = () => this.retry();
    const seen = () => !document.hidden && online();
    addEventListener('online', online);
    document.addEventListener('visibilitychange', seen);
    return () => {
      removeEventListener('online', online);
      document.removeEventListener('visibilitychange', seen);
      this.#subscriber = undefined;
      this.#close();
      this.state = 'off';
    };
  }

  /**
   * Tells of what a page wants until the returned function is called. There is one subscriber at a
   * time, the newest. `want` is asked again whenever the connection is new.
   */
  subscribe(want: () => Subscription, tell: (message: LiveMessage) => void): () => void {
    const subscriber = { want, tell };
    this.#subscriber = subscriber;
    if (this.state === 'open') this.resume();
    else if (this.#socket === undefined) whenPainted(() => this.retry());
    return () => {
      if (this.#subscriber !== subscriber) return;
      this.#subscriber = undefined;
      if (this.state === 'open') this.#send({ subscribe: 'nothing' });
    };
  }

  /** Tries at once instead of at the end of the pause after a failure. */
  retry(): void {
    if (this.#subscriber && this.#socket === undefined) this.#open();
  }

  /** Asks again for what is wanted, from what the page holds now. */
  resume(): void {
    if (this.#subscriber && this.state === 'open') this.#send(this.#subscriber.want());
  }

  #open(): void {
    clearTimeout(this.#retry);
    if (this.state !== 'lost') this.state = 'connecting';
    let socket: WebSocket;
    try {
      socket = this.#connect();
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      this.state = 'open';
      this.#failures = 0;
      this.resume();
      this.#listen(silence);
    };
    socket.onmessage = (event) => {
      this.#listen(silence);
      this.#subscriber?.tell(JSON.parse(String(event.data)) as LiveMessage);
    };
    socket.onclose = () => this.#lost();
  }

  /** Waits for a message; when none comes, asks for one, and then gives up. */
  #listen(time: number): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      if (!this.#subscriber) return this.#listen(silence);
      if (time === patience) return this.#lost();
      this.resume();
      this.#listen(patience);
    }, time);
  }

  #send(message: Subscription | { subscribe: 'nothing' }): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #lost(): void {
    this.#close();
    this.state = 'lost';
    if (!this.#subscriber) return;
    const delay = Math.min(lastRetry, firstRetry * 2 ** this.#failures++);
    this.#retry = setTimeout(() => this.#open(), delay * (0.8 + 0.4 * Math.random()));
  }

  #close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#quiet);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
