import type { Component } from 'svelte';
import { askAhead } from '../api/ahead';
import { hostsPath } from '../api/client';
import { firstHosts, firstTree } from '../api/first';
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

/** How long a first page is waited for before the frame shows itself without. Milliseconds. */
const frameAfter = 150;

/** Pages that are there. */
export type Loaded = Partial<Record<Name, Page>>;

/**
 * Loads a page and its first data, so that frame, page and data are made and painted at once; when
 * they take long, what is there of them. What fails is said when it is shown.
 */
export async function loadAhead(route: Route, params: URLSearchParams): Promise<Loaded> {
  const loaded: Loaded = {};
  if (route.page === 'missing') return loaded;
  const name = route.page;
  const all: Promise<unknown>[] = [loaders[name]().then((module) => (loaded[name] = module.default as Page), () => {})];
  if (name === 'fleet') all.push(askAhead(hostsPath(firstHosts(params))));
  if (name === 'targets') all.push(askAhead('/api/v1/targets'));
  if (name === 'host' && !params.get('at')) all.push(askAhead(firstTree(route.host, params)));
  await Promise.race([Promise.all(all), new Promise((late) => setTimeout(late, frameAfter))]);
  return loaded;
}

/** The pages, each loaded when it is first asked for. */
export class Pages {
  failed = $state(false);
  #loaded = $state.raw<Loaded>({});

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

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
