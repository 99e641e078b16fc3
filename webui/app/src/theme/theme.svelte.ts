import { recall, remember } from '../memory/memory';

export const themes = ['system', 'light', 'dark'] as const;
export type ThemeName = (typeof themes)[number];

/** The chosen colours. public/theme.js sets them before the first paint. */
export class Theme {
  name = $state<ThemeName>(recall('theme', themes, 'system'));

  set(name: ThemeName): void {
    this.name = name;
    remember('theme', name);
    if (name === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
  }

  next(): void {
    this.set(themes[(themes.indexOf(this.name) + 1) % themes.length] ?? 'system');
  }
}
