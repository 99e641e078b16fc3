import type { Component } from 'svelte';
import { askAhead } from '../api/ahead';
import { treePath } from '../api/client';
import type { Route } from '../url/route';

type Name = Exclude<Route['page'], 'missing'>;
/** A page; those that are not of one host are not told one. */
type Page = Component<{ host: string }>;

const loaders: Record<Name, () => Promise<{ default: unknown }>> = {
  fleet: () => import('../Fleet/Fleet.svelte'),
  host: () => import('../Host/Host.svelte'),
  compare: () => import('../Compare/Compare.svelte'),
  search: () => import('../Search/Search.svelte'),
  top: () => import('../Top/Top.svelte'),
  targets: () => import('../Targets/Targets.svelte'),
};

/** Loads a page and its data while the frame is still being made. What fails is said when it is shown. */
export function loadAhead(route: Route, params: URLSearchParams): void {
  if (route.page === 'missing') return;
  if (route.page === 'fleet') askAhead('/api/v1/hosts');
  if (route.page === 'targets') askAhead('/api/v1/targets');
  if (route.page === 'host' && !params.get('at')) askAhead(treePath(route.host));
  loaders[route.page]().catch(() => {});
}

/** The pages, each loaded when it is first asked for. */
export class Pages {
  failed = $state(false);
  #loaded = $state.raw<Partial<Record<Name, Page>>>({});

  get(name: Route['page']): Page | undefined {
    return name === 'missing' ? undefined : this.#loaded[name];
  }

  load(name: Route['page']): void {
    this.failed = false;
    if (name === 'missing' || this.get(name)) return;
    loaders[name]().then(
      (module) => (this.#loaded = { ...this.#loaded, [name]: module.default as Page }),
      () => (this.failed = true),
    );
  }
}
