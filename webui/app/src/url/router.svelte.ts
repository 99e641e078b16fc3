import { parseRoute, withParams, type Params, type Route } from './route';

/** Browsers refuse, or ignore, addresses that change faster than this. Milliseconds. */
const settle = 150;

/** The address bar as state: the History API behind a route and its parameters. */
export class Router {
  route = $state.raw<Route>(parseRoute(location.pathname));
  params = $state.raw(new URLSearchParams(location.search));
  /** Grows with every move to another page; what restores focus watches it. */
  visits = $state(0);
  #unwritten: ReturnType<typeof setTimeout> | undefined;

  /** Follows links and the Back button until the returned function is called. */
  start(): () => void {
    const back = () => {
      clearTimeout(this.#unwritten);
      this.#unwritten = undefined;
      this.#read();
    };
    const leave = () => this.#write();
    addEventListener('popstate', back);
    addEventListener('pagehide', leave);
    document.addEventListener('click', this.#click);
    return () => {
      this.#write();
      removeEventListener('pagehide', leave);
      removeEventListener('popstate', back);
      document.removeEventListener('click', this.#click);
    };
  }

  /** Goes to another page. */
  go(address: string): void {
    this.#write();
    history.pushState(null, '', address);
    this.#read();
    this.visits++;
  }

  /**
   * Changes parameters of this page: as a step for Back, or in place. In place, the address bar
   * follows a moment later.
   */
  set(changes: Params, step: 'push' | 'replace' = 'replace'): void {
    const search = withParams(this.params, changes);
    if (search === withParams(this.params, {})) return;
    if (step === 'push') this.#write();
    this.params = new URLSearchParams(search);
    if (step === 'push') history.pushState(null, '', location.pathname + search);
    else this.#unwritten ??= setTimeout(() => this.#write(), settle);
  }

  /** Keeps a value with this entry of the history, for when Back returns to it. */
  keep(name: string, value: number): void {
    const state: unknown = history.state;
    history.replaceState({ ...(typeof state === 'object' ? state : {}), [name]: value }, '');
  }

  kept(name: string): number | undefined {
    const state: unknown = history.state;
    if (typeof state !== 'object' || state === null) return undefined;
    const value: unknown = (state as Record<string, unknown>)[name];
    return typeof value === 'number' ? value : undefined;
  }

  #write(): void {
    if (this.#unwritten === undefined) return;
    clearTimeout(this.#unwritten);
    this.#unwritten = undefined;
    history.replaceState(history.state, '', location.pathname + withParams(this.params, {}));
  }

  #read(): void {
    const route = parseRoute(location.pathname);
    // A new object for the same page would start it again.
    if (JSON.stringify(route) !== JSON.stringify(this.route)) this.route = route;
    this.params = new URLSearchParams(location.search);
  }

  #click = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link?.href || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || parseRoute(link.pathname).page === 'missing') return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  };
}
