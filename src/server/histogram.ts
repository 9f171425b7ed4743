import type { HistogramSnapshot } from './server-view.js';

/** Latencies counted in plain integers, in buckets of 1, 2 and 5 from a microsecond to ten seconds. */
export class Histogram {
  static readonly #boundsMs = [-3, -2, -1, 0, 1, 2, 3]
    .flatMap((power) => [1, 2, 5].map((step) => Number(`${step}e${power}`)))
    .concat(10_000);

  readonly #counts = new Array<number>(Histogram.#boundsMs.length + 1).fill(0);
  #sumMs = 0;

  /** Counts `times` observations of `ms` milliseconds each. */
  observe(ms: number, times = 1): void {
    const bounds = Histogram.#boundsMs;
    let bucket = 0;
    while (bucket < bounds.length && ms > bounds[bucket]!) bucket++;
    this.#counts[bucket]! += times;
    this.#sumMs += ms * times;
  }

  snapshot(): HistogramSnapshot {
    return {
      boundsSeconds: Histogram.#boundsMs.map((ms) => Number((ms / 1000).toPrecision(1))),
      counts: [...this.#counts],
      sumSeconds: this.#sumMs / 1000,
    };
  }
}
