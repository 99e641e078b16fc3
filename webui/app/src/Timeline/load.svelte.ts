import type { Api, Series } from '../api/client';
import { seriesStep, type Range } from './scale';

const metrics = 'cpu,memory,starts,ends';
/** How long what is drawn of now may be behind, in milliseconds; of long ranges, half a point. */
const behind = 5_000;

/** The figures of one range of a host's time. What was drawn before stays until others are here. */
export class TimelineSeries {
  data = $state.raw<Series>();
  error = $state.raw<Error>();
  readonly #api: Api;
  readonly #host: string;
  #request: AbortController | undefined;
  #asked: { range: Range; width: number; step: number; time: number; live: boolean } | undefined;

  constructor(api: Api, host: string) {
    this.#api = api;
    this.#host = host;
  }

  /** Asks for a range over so many pixels, unless what is known is of it, and new enough. */
  want(range: Range, width: number, live: boolean): void {
    const step = seriesStep(range, width);
    const time = performance.now();
    const asked = this.#asked;
    if (asked && asked.step === step) {
      const length = range.to - range.from;
      const same = Math.abs(length - (asked.range.to - asked.range.from)) < length / 100;
      const moved = Math.abs(range.to - asked.range.to);
      const fresh = this.error ? time - asked.time < behind : live && asked.live ? time - asked.time < Math.max(behind, step * 500) : moved < 1;
      if (same && fresh) return;
    }
    this.#asked = { range, width, step, time, live };
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    const question = {
      from: String(range.from / 1000), to: live ? undefined : String(range.to / 1000), step: step === 0 ? undefined : String(step), metrics,
    };
    this.#api.series(this.#host, question, request.signal).then(
      (series) => {
        if (this.#request !== request) return;
        this.data = series;
        this.error = undefined;
      },
      (error: Error) => {
        if (this.#request !== request) return;
        this.error = error;
      },
    );
  }

  /** Asks again for what was not answered. */
  retry(): void {
    const asked = this.#asked;
    if (!asked) return;
    this.#asked = undefined;
    this.error = undefined;
    this.want(asked.range, asked.width, asked.live);
  }

  stop(): void {
    this.#request?.abort();
    this.#request = undefined;
  }
}
