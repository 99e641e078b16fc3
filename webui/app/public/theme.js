// Runs before the first paint, so that a chosen theme never flashes the other one.
// src/theme/theme.svelte.ts writes what this reads.
try {
  const theme = localStorage.getItem('procmon.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: follow the system.
}
