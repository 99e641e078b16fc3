import { recallText, remember } from '../memory/memory';
import type { ColumnKey } from '../ProcessTree/columns';
import { defaultLayout, formatLayout, moveColumn, narrowed, parseLayout, placeColumn, resizeColumn, showColumn, type ColumnLayout } from '../ProcessTree/layout';
import type { Router } from '../url/router.svelte';

/**
 * How the process tree is shown. Columns are as the address says; where it says nothing, as they
 * were in the visit before, which the address then tells.
 */
export class TreeSettings {
  /** Whether single keys (/ and T) do something anywhere on the page. */
  shortcuts = $state(recallText('shortcuts') !== 'off');
  readonly #router: Router;
  #remembered = $state(recallText('columns') ?? '');
  #narrow = $state(false);
  /** A width that is being dragged, until it is let go. */
  #dragged = $state.raw<{ key: ColumnKey; width: number }>();
  readonly #text = $derived.by(() => this.#router.params.get('cols') ?? this.#remembered);
  readonly #chosen = $derived(parseLayout(this.#text) ?? defaultLayout);
  readonly #layout = $derived.by(() => {
    const layout = this.#dragged ? resizeColumn(this.#chosen, this.#dragged.key, this.#dragged.width) : this.#chosen;
    return this.#narrow ? narrowed(layout) : layout;
  });

  constructor(router: Router) {
    this.#router = router;
  }

  /** Follows the width of the window until the returned function is called. */
  start(): () => void {
    if (!this.#router.params.has('cols') && this.#remembered) this.#router.set({ cols: formatLayout(this.#chosen) });
    const narrow = matchMedia('(max-width: 720px)');
    const follow = () => (this.#narrow = narrow.matches);
    follow();
    narrow.addEventListener('change', follow);
    return () => narrow.removeEventListener('change', follow);
  }

  get narrow(): boolean {
    return this.#narrow;
  }

  get layout(): ColumnLayout {
    return this.#layout;
  }

  place(key: ColumnKey, before: ColumnKey | undefined): void {
    this.#choose(placeColumn(this.#layout, key, before));
  }

  move(key: ColumnKey, by: number): void {
    this.#choose(moveColumn(this.#layout, key, by));
  }

  show(key: ColumnKey, shown: boolean): void {
    this.#choose(showColumn(this.#chosen, key, shown));
  }

  /** Without a width the column is as wide as it is by itself. */
  resize(key: ColumnKey, width: number | undefined): void {
    this.#choose(resizeColumn(this.#chosen, key, width));
  }

  reset(): void {
    this.#choose(defaultLayout);
  }

  #choose(layout: ColumnLayout): void {
    const text = formatLayout(layout);
    this.#remembered = text ?? '';
    remember('columns', this.#remembered);
    this.#router.set({ cols: text });
  }

  /** Shows a width that is not decided yet. */
  drag(key: ColumnKey, width: number): void {
    this.#dragged = { key, width };
  }

  /** Decides the width that is being dragged; forgets it when it is not wanted. */
  drop(wanted: boolean): void {
    const dragged = this.#dragged;
    if (!dragged) return;
    this.#dragged = undefined;
    if (wanted) this.resize(dragged.key, dragged.width);
  }

  useShortcuts(on: boolean): void {
    this.shortcuts = on;
    remember('shortcuts', on ? 'on' : 'off');
  }
}
