import { mount } from 'svelte';
import App from './App/App.svelte';
import { loadAhead } from './App/pages.svelte';
import './styles/base.css';
import { parseRoute } from './url/route';

loadAhead(parseRoute(location.pathname), new URLSearchParams(location.search));
mount(App, { target: document.getElementById('app')! });
