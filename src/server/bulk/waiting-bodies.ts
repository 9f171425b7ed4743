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

  /** The first of the owner that has the fewest places; `undefined` where none waits. */
  next(placesOf: (owner: object) => number): BulkBody | undefined {
    let [found, fewest]: [Set<BulkBody> | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
    for (const [owner, own] of this.#byOwner) {
      const places = placesOf(owner);
      if (places >= fewest) continue;
      [found, fewest] = [own, places];
      if (places === 0) break;
    }
    return found?.values().next().value;
  }
}
