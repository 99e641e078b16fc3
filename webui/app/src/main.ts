import { mount } from 'svelte';
import App from './App/App.svelte';
import { loadAhead } from './App/pages.svelte';
import { paint } from './live/painted';
import { recallAhead } from './memory/memory';
import './styles/base.css';
import { parseRoute } from './url/route';

const ahead = loadAhead(parseRoute(location.pathname), new URLSearchParams(location.search));
recallAhead();

// The page's own code cannot wait for this module, so this module must not wait for it.
void ahead.then((loaded) =>
  paint(() => mount(App, { target: document.getElementById('app')!, props: { loaded } })),
);
