import type { HonestFigures } from '../results.js';

/** A request that waits longer has failed. */
const overdueMs = 5_000;

/** Keeps count over one time. A request that began before the time began counts in none. */
export class HonestCount {
  readonly #startedAtMs = performance.now();
  readonly #latenciesMs: number[] = [];
  readonly #failed: Record<string, number> = {};
  #ok = 0;

  answered(sentAtMs: number, code: string | undefined, nowMs = performance.now()): void {
    if (sentAtMs < this.#startedAtMs) return;
    this.#latenciesMs.push(nowMs - sentAtMs);
    if (code === undefined) this.#ok++;
    else this.#failed[code] = (this.#failed[code] ?? 0) + 1;
  }

  /** @param waitingSinceMs when the requests were sent that have no answer yet */
  figures(waitingSinceMs: readonly number[]): HonestFigures {
    const nowMs = performance.now();
    const ages = waitingSinceMs.map((sentAtMs) => nowMs - sentAtMs);
    const sorted = [...this.#latenciesMs, ...ages].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return {
      answered: this.#latenciesMs.length,
      ok: this.#ok,
      failed: this.#failed,
      waiting: ages.length,
      overdue: ages.filter((age) => age > overdueMs).length,
      ratePerSecond: (this.#ok / (nowMs - this.#startedAtMs)) * 1000,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      worstMs: sorted.at(-1) ?? 0,
    };
  }
}
