/**
 * Random tests that can be repeated: the seed is printed, and `TRAMA_FUZZ_SEED` sets it. Under `CI=true` they run
 * as often as their caller says; elsewhere a tenth of that.
 */
import type fc from 'fast-check';

function chooseSeed(): number {
  const wished = process.env.TRAMA_FUZZ_SEED;
  if (wished === undefined) return Date.now() >>> 0;
  if (!/^-?\d+$/.test(wished)) throw new Error(`TRAMA_FUZZ_SEED is "${wished}"; it must be a whole number`);
  return Number(wished);
}

/** Of this run. */
export const seed = chooseSeed();

/** Are the longest runs wished for? */
const isFullRun = process.env.TRAMA_TEST_FULL === '1';

/** Calls `body` so many times, each time with another seed that depends on the run's. Prints how to repeat the run. */
export function forSeeds(runs: number, runsInFull: number, body: (seed: number) => void): void {
  const count = isFullRun ? runsInFull : runs;
  console.log(`  ${count} random runs; to repeat them: TRAMA_FUZZ_SEED=${seed}`);
  for (let index = 0; index < count; index++) {
    const own = (seed + index) >>> 0;
    try {
      body(own);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`run ${index}, which TRAMA_FUZZ_SEED=${own} begins with: ${message}`, { cause: error });
    }
  }
}

/** Parameters for `fc.assert`. Prints how to repeat the run. */
export function fuzzed(runsInCi: number): fc.Parameters<unknown> {
  const numRuns = process.env.CI === 'true' ? runsInCi : Math.ceil(runsInCi / 10);
  console.log(`  ${numRuns} random runs; to repeat them: TRAMA_FUZZ_SEED=${seed}`);
  return { seed, numRuns, includeErrorInReport: true };
}
