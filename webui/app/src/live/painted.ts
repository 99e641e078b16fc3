let waiting: (() => void)[] | undefined;

/** Calls `act`; on a page that loads, once it is on the screen, so that it comes there sooner. */
export function whenPainted(act: () => void): void {
  if (waiting) waiting.push(act);
  else act();
}

/** Makes whenPainted wait for what `make` makes. */
export function paint(make: () => void): void {
  waiting = [];
  make();
  const release = () => {
    const acts = waiting;
    waiting = undefined;
    acts?.forEach((act) => act());
  };
  onFirstPaint(release);
  setTimeout(release, 1000); // pages that nobody sees have no frames
}

/** Calls `act` when the first text or image of the page is on the screen: to begin sooner would take the processor from those who paint it. */
function onFirstPaint(act: () => void): void {
  const name = 'first-contentful-paint';
  if (performance.getEntriesByName(name).length > 0 || !PerformanceObserver.supportedEntryTypes.includes('paint')) {
    // The second frame begins when the first is on its way.
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(act)));
    return;
  }
  new PerformanceObserver((list, observer) => {
    if (list.getEntriesByName(name).length === 0) return;
    observer.disconnect();
    act();
  }).observe({ type: 'paint' });
}
