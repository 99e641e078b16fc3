import { mount } from 'svelte';
import App from './App/App.svelte';
import { loadAhead } from './App/pages.svelte';
import { paint } from './live/painted';
import './styles/base.css';
import { parseRoute } from './url/route';

// The page's own code cannot wait for this module, so this module must not wait for it.
void loadAhead(parseRoute(location.pathname), new URLSearchParams(location.search)).then((loaded) =>
  paint(() => mount(App, { target: document.getElementById('app')!, props: { loaded } })),
);
