import { recallText, remember } from '../memory/memory';
import { columnKeys, type ColumnKey } from '../ProcessTree/columns';

/** Where there is little room, what matters most comes first; the rest is a swipe away. */
const narrowOrder: readonly ColumnKey[] = [
  'name', 'cpu', 'memory', 'tree_cpu', 'tree_memory', 'pid', 'user', 'read', 'write', 'threads', 'handles', 'started', 'cmdline',
];

/** How the process tree is shown, remembered from visit to visit. */
export class TreeSettings {
  #hidden = $state.raw<ReadonlySet<ColumnKey>>(
    new Set(columnKeys.filter((key) => (recallText('columns.hidden') ?? '').split(',').includes(key))),
  );
  /** Whether single keys (/ and T) do something anywhere on the page. */
  shortcuts = $state(recallText('shortcuts') !== 'off');
  #narrow = $state(false);

  /** Follows the width of the window until the returned function is called. */
  start(): () => void {
    const narrow = matchMedia('(max-width: 720px)');
    const follow = () => (this.#narrow = narrow.matches);
    follow();
    narrow.addEventListener('change', follow);
    return () => narrow.removeEventListener('change', follow);
  }

  get narrow(): boolean {
    return this.#narrow;
  }

  get columns(): readonly ColumnKey[] {
    return (this.#narrow ? narrowOrder : columnKeys).filter((key) => !this.#hidden.has(key));
  }

  shows(key: ColumnKey): boolean {
    return !this.#hidden.has(key);
  }

  show(key: ColumnKey, shown: boolean): void {
    const hidden = new Set(this.#hidden);
    if (shown) hidden.delete(key);
    else hidden.add(key);
    this.#hidden = hidden;
    remember('columns.hidden', [...hidden].join(','));
  }

  useShortcuts(on: boolean): void {
    this.shortcuts = on;
    remember('shortcuts', on ? 'on' : 'off');
  }
}
