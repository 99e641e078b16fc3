/** What the browser remembers between visits. Without storage, nothing is remembered. */

/** The first look into the storage waits for another process: while other things are waited for, that costs no time. */
export function recallAhead(): void {
  recallText('');
}

export function recallText(name: string): string | undefined {
  try {
    return localStorage.getItem(`procmon.${name}`) ?? undefined;
  } catch {
    return undefined;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`procmon.${name}`, value);
  } catch {
    // Storage is blocked or full: the choice holds for this page only.
  }
}
