import type { Component } from 'svelte';

/** A part of a page whose code comes after it. */
export class Late<Part extends Component<any, any>> {
  /** Undefined until its code is there. */
  component = $state.raw<Part>();
  failed = $state(false);
  readonly #import: () => Promise<{ default: Part }>;

  constructor(load: () => Promise<{ default: Part }>) {
    this.#import = load;
  }

  /** Loads it, or tries again; tells when it is there or has failed. */
  load(): Promise<void> {
    this.failed = false;
    return this.#import().then(
      (module) => void (this.component = module.default),
      () => void (this.failed = true),
    );
  }
}
