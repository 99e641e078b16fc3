import { flushSync, mount, unmount } from 'svelte';
import { onTestFinished, vi } from 'vitest';
import App from '../src/App/App.svelte';

/** What the server answers: a body by path, or a status. The first match of a path's end counts. */
export type Answers = Record<string, unknown>;

export interface Page {
  /** Lets answers arrive and the page follow. */
  settle(): Promise<void>;
  /** Asks for the accessible things of a role, as tests of the real pages do. */
  all(selector: string): HTMLElement[];
  one(selector: string): HTMLElement;
  text(selector: string): string[];
  click(selector: string): Promise<void>;
  key(selector: string, key: string): Promise<void>;
  type(selector: string, text: string): Promise<void>;
  asked: string[];
  sockets: Socket[];
}

/** The server's end of a WebSocket. */
export class Socket {
  said: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  send(text: string): void {
    this.said.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {}
  tell(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

/** Opens the app at an address, with answers that the test may change as it goes. */
export async function open(address: string, answers: Answers, options: { live?: boolean } = {}): Promise<Page> {
  history.replaceState(null, '', address);
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    const found = Object.keys(answers).find((end) => path.endsWith(end) || path.split('?')[0]!.endsWith(end));
    const body = found === undefined ? 404 : answers[found];
    if (body === 0) throw new TypeError('Failed to fetch');
    if (typeof body === 'number') return new Response(JSON.stringify({ error: { code: 'x', message: `no ${path}` } }), { status: body });
    return new Response(JSON.stringify(body), { status: 200 });
  });
  const sockets: Socket[] = [];
  vi.stubGlobal('WebSocket', class extends Socket {
    constructor() {
      super();
      sockets.push(this);
      // As a proxy that knows no WebSockets does.
      if (!options.live) queueMicrotask(() => this.onclose?.());
      else queueMicrotask(() => this.onopen?.());
    }
  });
  const target = document.body.appendChild(document.createElement('div'));
  const app = mount(App, { target });
  onTestFinished(async () => {
    await unmount(app);
    target.remove();
    vi.unstubAllGlobals();
    localStorage.clear();
  });

  const settle = async () => {
    flushSync();
    await vi.dynamicImportSettled();
    for (let i = 0; i < 12; i++) await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    flushSync();
  };
  const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
  const one = (selector: string) => {
    const found = all(selector);
    if (found.length !== 1) throw new Error(`${found.length} of ${selector} in:\n${document.body.textContent}`);
    return found[0]!;
  };
  await settle();
  return {
    settle,
    all,
    one,
    asked,
    sockets,
    text: (selector) => all(selector).map((element) => (element.textContent ?? '').replace(/\s+/g, ' ').trim()),
    async click(selector) {
      one(selector).click();
      await settle();
    },
    async key(selector, key) {
      one(selector).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      await settle();
    },
    async type(selector, text) {
      const field = one(selector) as HTMLInputElement;
      field.value = text;
      field.dispatchEvent(new Event('input', { bubbles: true }));
      await settle();
    },
  };
}
