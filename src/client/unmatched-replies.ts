import type { Call } from './call.js';

interface Unmatched {
  readonly body: Uint8Array;
  /** The `order` of the last call that was sent before this came. */
  readonly lastOrder: number;
  /** How many calls this may be the reply to: those in flight when it came, without those answered since. */
  candidates: number;
}

/**
 * Error replies whose `id` is null: the server could not read the request's `id`, for example because its `data` was not
 * JSON. Each request gets exactly one reply. So as soon as k such replies have only k calls left that they can
 * belong to, they are given to these, in order. Without this a call would wait for ever.
 *
 * Calls in flight are in the order in which they were sent. So the candidates of a reply are the first of them, and a
 * number is enough for each reply. The candidates of a later reply include those of an earlier one.
 */
export class UnmatchedReplies {
  readonly #inFlight: ReadonlyMap<string, Call>;
  /** In order of arrival. */
  readonly #held: Unmatched[] = [];
  #heldBytes = 0;

  /** @param inFlight the calls without their reply, in the order in which they were sent, each with its `order` */
  constructor(inFlight: ReadonlyMap<string, Call>) {
    this.#inFlight = inFlight;
  }

  get held(): number {
    return this.#held.length;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Takes a reply without an `id`. There must be more calls in flight than replies held.
   * @param lastOrder the `order` of the last call that was sent
   */
  add(body: Uint8Array, lastOrder: number): [Call, Uint8Array][] {
    // A copy: a small body may be a view of a large read.
    this.#held.push({ body: body.slice(), lastOrder, candidates: this.#inFlight.size });
    this.#heldBytes += body.length;
    return this.#match();
  }

  /** Notes that a call has its own reply and is no longer in flight. Returns what has become certain by that. */
  answered(call: Call): [Call, Uint8Array][] {
    if (this.#held.length === 0) return [];
    for (const each of this.#held) if (call.order <= each.lastOrder) each.candidates--;
    return this.#match();
  }

  #match(): [Call, Uint8Array][] {
    let certain = 0;
    this.#held.forEach(({ candidates }, index) => {
      if (candidates === index + 1) certain = index + 1;
    });
    if (certain === 0) return [];
    const calls = this.#inFlight.values();
    const matched = this.#held.splice(0, certain).map(({ body }): [Call, Uint8Array] => {
      this.#heldBytes -= body.length;
      return [calls.next().value!, body];
    });
    for (const each of this.#held) each.candidates -= certain;
    return matched;
  }
}
