/** What the browser remembers between visits. Without storage, nothing is remembered. */

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
