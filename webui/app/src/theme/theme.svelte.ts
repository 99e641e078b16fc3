export const themes = ['system', 'light', 'dark'] as const;
export type ThemeName = (typeof themes)[number];

/** Seconds. Browsers keep no cookie for longer. */
const kept = 400 * 86_400;

/** The chosen colours. The server learns of them by a cookie and sends pages in them, so that no page flashes others. */
export class Theme {
  name = $state<ThemeName>(themes.find((name) => name === document.documentElement.dataset.theme) ?? 'system');

  set(name: ThemeName): void {
    this.name = name;
    document.cookie = `procmon.theme=${name}; path=/; max-age=${name === 'system' ? 0 : kept}; samesite=lax`;
    if (name === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
  }

  next(): void {
    this.set(themes[(themes.indexOf(this.name) + 1) % themes.length] ?? 'system');
  }
}
