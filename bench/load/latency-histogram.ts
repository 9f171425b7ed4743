/**
 * Latencies by microsecond: 1 µs wide up to 10 ms, 100 µs wide up to 1 s, and one bucket for what is above.
 * Recording is one addition; a percentile is told as the lower edge of its bucket.
 */
const fineBuckets = 10_000;
const coarseWidthUs = 100;
const bucketCount = 20_000;

export class LatencyHistogram {
  readonly #counts = new Float64Array(bucketCount);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  record(latencyUs: number): void {
    const bucket = latencyUs < fineBuckets ? latencyUs : fineBuckets + (latencyUs - fineBuckets) / coarseWidthUs;
    this.#counts[bucket < bucketCount ? bucket | 0 : bucketCount - 1]!++;
    this.#total++;
  }

  /** @param share between 0 and 1; 0 is given back where nothing was recorded */
  percentileUs(share: number): number {
    const wanted = share * this.#total;
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount && this.#total > 0; bucket++) {
      seen += this.#counts[bucket]!;
      if (seen >= wanted) return bucket < fineBuckets ? bucket : fineBuckets + (bucket - fineBuckets) * coarseWidthUs;
    }
    return 0;
  }
}
