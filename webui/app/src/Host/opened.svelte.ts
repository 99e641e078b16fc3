import { initialExpansion, isOpen, openBelow, prune, reveal, setOpen, type Expansion } from '../ProcessTree/expansion';
import { descendants, type Forest, type Node, type ProcessId } from '../ProcessTree/forest';
import { formatNamed, parseNamed, type Changed } from '../ProcessTree/named';
import type { Router } from '../url/router.svelte';

/** Nodes opened or closed by hand that are remembered, also while they are not there. */
const mostChanged = 5_000;

const depths: Record<string, number> = { all: Infinity, roots: 1, none: 0 };

/**
 * Which nodes of a tree are open: as the address says, which names also what somebody opens and closes one by
 * one, the uppermost first, as far as they fit. What is opened among the matches of a filter belongs to that filter.
 */
export class Opened {
  #usual = $state('all');
  #changed = $state.raw<Changed>(new Map());
  #filtered = $state.raw<Changed>(new Map());
  readonly #router: Router;
  #forest: Forest | undefined;
  /** What the address says of nodes as far as it is known here: anything else is news. */
  #known = '';
  #filter = '';

  readonly #open = $derived.by(() => this.#router.params.get('open') ?? '');
  readonly expansion = $derived.by((): Expansion => ({ depth: depths[this.#open] ?? depths[this.#usual]!, changed: this.#changed }));

  constructor(router: Router) {
    this.#router = router;
  }

  /** What was opened and closed among the matches of the filter. */
  get filtered(): Changed {
    return this.#filtered;
  }

  /** Takes in what the address says; to be called whenever it changes. */
  read(): void {
    const [opened, closed, shown, hidden] = this.#params();
    const said = this.#said();
    const filter = this.#router.params.get('q')?.trim() ?? '';
    const another = filter !== this.#filter;
    this.#filter = filter;
    if (said !== this.#known) {
      this.#known = said;
      this.#changed = parseNamed(opened!, closed!);
      this.#filtered = parseNamed(shown!, hidden!);
    } else if (another) {
      this.#filtered = new Map();
      this.#router.set({ shown: undefined, hidden: undefined });
      this.#known = this.#said();
    }
  }

  /** Takes in a tree of so many processes, or the top of it. Before the first one opens what hides `wanted`, unless the address says what is open. */
  take(forest: Forest, processes: number, wanted: Node | undefined): void {
    const first = this.#forest === undefined;
    this.#forest = forest;
    if (first) {
      this.#usual = initialExpansion(processes).depth === Infinity ? 'all' : 'roots';
      if (wanted && this.#open === '' && this.#known === '') this.#changed = reveal(this.expansion, wanted).changed;
    } else if (this.#changed.size > mostChanged) {
      this.#changed = prune(this.expansion, forest).changed;
    }
  }

  set(node: Node, open: boolean): void {
    if (this.#filter) this.#write(this.#changed, new Map(this.#filtered).set(node.id, open));
    else this.#write(setOpen(this.expansion, [node], open).changed, this.#filtered);
  }

  openBelow(node: Node): void {
    if (!this.#filter) return this.#write(openBelow(this.expansion, node).changed, this.#filtered);
    const next = new Map(this.#filtered);
    for (const at of [node, ...descendants(node)]) if (at.children.length > 0) next.set(at.id, true);
    this.#write(this.#changed, next);
  }

  /** Opens what hides a node. */
  reveal(node: Node): void {
    this.#write(reveal(this.expansion, node).changed, this.#filtered);
  }

  /** Opens, or closes, every node. */
  all(open: 'all' | 'none'): void {
    this.#changed = new Map();
    this.#router.set({ open, opened: undefined, closed: undefined }, 'push');
    this.#known = this.#said();
  }

  #write(changed: Changed, filtered: Changed): void {
    if (changed === this.#changed && filtered === this.#filtered) return;
    this.#changed = changed;
    this.#filtered = filtered;
    const byId = this.#forest?.byId;
    const usual: Expansion = { ...this.expansion, changed: new Map() };
    const told = [...changed].filter(([id, open]) => {
      const node = byId?.get(id);
      return !node || isOpen(usual, node) !== open;
    });
    const depth = (id: ProcessId) => byId?.get(id)?.depth ?? Number.MAX_SAFE_INTEGER;
    const uppermost = (nodes: readonly (readonly [ProcessId, boolean])[]) => formatNamed(nodes.toSorted(([a], [b]) => depth(a) - depth(b)));
    const [{ opened, closed }, { opened: shown, closed: hidden }] = [uppermost(told), uppermost([...filtered])];
    // What is open beside these depends on how many processes there are, unless it is said.
    this.#router.set({ open: this.#open || this.#usual, opened, closed, shown, hidden });
    this.#known = this.#said();
  }

  #params(): (string | null)[] {
    return ['opened', 'closed', 'shown', 'hidden'].map((name) => this.#router.params.get(name));
  }

  #said(): string {
    const params = this.#params();
    return params.some(Boolean) ? params.join('&') : '';
  }
}
