import type { BulkBody } from './bulk-body.js';

/** Bodies that wait for a place, by their owners, in the order in which these have waited. */
export class WaitingBodies {
  readonly #byOwner = new Map<object, Set<BulkBody>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  *all(): Generator<BulkBody> {
    for (const own of this.#byOwner.values()) yield* own;
  }

  add(body: BulkBody): void {
    const own = this.#byOwner.get(body.owner);
    if (own === undefined) this.#byOwner.set(body.owner, new Set([body]));
    else own.add(body);
    this.#size++;
  }

  /** An owner that has more comes after the others. */
  delete(body: BulkBody): void {
    const own = this.#byOwner.get(body.owner);
    if (!own?.delete(body)) return;
    this.#size--;
    this.#byOwner.delete(body.owner);
    if (own.size > 0) this.#byOwner.set(body.owner, own);
  }

  /** The first body of the owner that is of the least rank; `undefined` where none waits. */
  next(rankOf: (body: BulkBody) => number): BulkBody | undefined {
    let [found, least]: [BulkBody | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
    for (const own of this.#byOwner.values()) {
      const first = own.values().next().value!;
      const rank = rankOf(first);
      if (rank >= least) continue;
      [found, least] = [first, rank];
      if (rank === 0) break;
    }
    return found;
  }
}
