/** The time that ticks on the page: the server's, as well as its answers tell. */
export class Clock {
  /** Milliseconds since 1970 on the server; moves every second. */
  now = $state(Date.now());
  #ahead = 0;

  start(): () => void {
    const timer = setInterval(() => this.#tick(), 1000);
    return () => clearInterval(timer);
  }

  /** Sets the clock by the Date header of an answer, which has whole seconds. */
  set(serverTime: number): void {
    const ahead = serverTime + 500 - Date.now();
    const apart = Math.abs(ahead - this.#ahead) > 2000;
    if (!apart) return;
    this.#ahead = Math.abs(ahead) > 2000 ? ahead : 0;
    this.#tick();
  }

  #tick(): void {
    this.now = Date.now() + this.#ahead;
  }
}
