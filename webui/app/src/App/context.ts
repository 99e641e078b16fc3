import { createContext } from 'svelte';
import type { Api, Hosts } from '../api/client';
import type { Clock } from '../live/clock.svelte';
import type { Live } from '../live/live.svelte';
import type { Poll } from '../live/poll.svelte';
import type { Theme } from '../theme/theme.svelte';
import type { Router } from '../url/router.svelte';

/** What every page may use. */
export interface AppContext {
  api: Api;
  router: Router;
  clock: Clock;
  theme: Theme;
  live: Live;
  /**
   * Lives as long as the app, so that Back to the fleet shows it at once. With a summary, it has only
   * the first hosts yet.
   */
  fleet: Poll<Hosts>;
}

export const [useApp, provideApp] = createContext<AppContext>();
