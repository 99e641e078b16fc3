import { recallText, remember } from '../memory/memory';

/** Seconds between automatic refreshes; 0 is off. */
export const refreshChoices = [0, 2, 5, 15, 60] as const;
const usual = 5;

/** How often a page refreshes by itself, remembered from visit to visit. */
export class AutoRefresh {
  seconds = $state<number>(usual);
  paused = $state(false);

  constructor() {
    const kept = Number(recallText('refresh') ?? usual);
    if (refreshChoices.some((choice) => choice === kept)) this.seconds = kept;
  }

  /** Milliseconds until the next one; 0 is never. */
  get interval(): number {
    return this.paused ? 0 : this.seconds * 1000;
  }

  choose(seconds: number): void {
    this.seconds = seconds;
    this.paused = false;
    remember('refresh', String(seconds));
  }
}
