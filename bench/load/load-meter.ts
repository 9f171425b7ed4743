import { LatencyHistogram } from './latency-histogram.js';
import type { Measurement, Timing } from './work.js';

/**
 * The clock of a load run, in three phases that only go forward: warming up (nothing counts), measuring, and draining
 * (nothing new is sent, what is in flight is still awaited). The run's connections share one. Measuring takes its time, and
 * longer where no reply has come meanwhile: a rate of nothing is none.
 */
export class LoadMeter {
  readonly #measureAtMs: number;
  readonly #measureMs: number;
  readonly #histogram = new LatencyHistogram();
  #startedAtMs = 0;
  #elapsedMs = 0;
  phase: 'warmup' | 'measure' | 'drain' = 'warmup';

  /** @param nowMs all times are of `performance.now()` */
  constructor(timing: Timing, nowMs: number) {
    this.#measureAtMs = nowMs + timing.warmupSeconds * 1000;
    this.#measureMs = timing.seconds * 1000;
  }

  /** Tells the time. To be called for each batch of replies, before it is recorded. */
  advance(nowMs: number): void {
    if (this.phase === 'warmup' && nowMs >= this.#measureAtMs) {
      this.phase = 'measure';
      this.#startedAtMs = nowMs;
    } else if (this.phase === 'measure' && nowMs - this.#startedAtMs >= this.#measureMs && this.#histogram.total > 0) {
      this.phase = 'drain';
      this.#elapsedMs = nowMs - this.#startedAtMs;
    }
  }

  record(latencyMs: number): void {
    if (this.phase === 'measure') this.#histogram.record(latencyMs * 1000);
  }

  result(): Measurement {
    return {
      ratePerSecond: this.#histogram.total / (this.#elapsedMs / 1000),
      p50Us: this.#histogram.percentileUs(0.5),
      p99Us: this.#histogram.percentileUs(0.99),
      replies: this.#histogram.total,
    };
  }
}
