let waiting: (() => void)[] | undefined;

/** Calls `act`; on a page that loads, once it has been painted, so that it comes sooner. */
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
  // The second frame begins when the first is on its way to the screen. Pages that nobody sees have no frames.
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(release)));
  setTimeout(release, 1000);
}
