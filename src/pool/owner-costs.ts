/**
 * Whose tasks had to be ended with their threads? Each such end costs some 100 ms of a core, since another thread has to be
 * started. So who brings about many of them waits for his turn to do so, while tasks of others run.
 *
 * Runs and ends are counted with a half-life. Owners are remembered only from their first cost on, or where a run of
 * theirs came to its end while their operation was costly; none is kept alive by that.
 */

const halfLifeMs = 10_000;
/** A little under 3, since each count has begun to fade when the next one comes. */
const costsMin = 2.5;
/** One that has more than so many runs for each end is no burden. */
const runsPerCost = 4;

interface Standing {
  runs: number;
  costs: number;
  fadedAtMs: number;
}

export class OwnerCosts {
  readonly #standings = new WeakMap<object, Standing>();
  readonly #nowMs: () => number;

  /** @param nowMs a clock that does not go back */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** A task came to its end. @param isCostly has its operation cost threads of late? */
  noteRun(owner: object, isCostly: boolean): void {
    const standing = isCostly ? this.#of(owner) : this.#standings.get(owner);
    if (standing !== undefined) this.#fade(standing).runs += 1;
  }

  /** A task was ended, and its thread with it. */
  noteCost(owner: object): void {
    this.#fade(this.#of(owner)).costs += 1;
  }

  /** Do many of his tasks have to be ended with their threads? */
  isWasteful(owner: object): boolean {
    const standing = this.#standings.get(owner);
    return standing !== undefined && isWasteful(this.#fade(standing));
  }

  /** Have tasks of his come to their end, of an operation that costs threads? */
  isProven(owner: object): boolean {
    const standing = this.#standings.get(owner);
    return standing !== undefined && this.#fade(standing).runs > standing.costs * runsPerCost;
  }

  #of(owner: object): Standing {
    let standing = this.#standings.get(owner);
    if (standing === undefined) {
      standing = { runs: 0, costs: 0, fadedAtMs: this.#nowMs() };
      this.#standings.set(owner, standing);
    }
    return standing;
  }

  #fade(standing: Standing): Standing {
    const nowMs = this.#nowMs();
    const factor = 0.5 ** ((nowMs - standing.fadedAtMs) / halfLifeMs);
    standing.fadedAtMs = nowMs;
    standing.runs *= factor;
    standing.costs *= factor;
    return standing;
  }
}

/** @param counts that fade alike */
export function isWasteful({ runs, costs }: { readonly runs: number; readonly costs: number }): boolean {
  return costs >= costsMin && costs * runsPerCost > runs;
}
