import type { Call } from './call.js';

interface Unmatched {
  readonly body: Uint8Array;
  /** The calls that this may be the reply to: those in flight when it came, without those answered since. */
  readonly candidates: Set<Call>;
}

/**
 * Error replies whose `id` is null: the server could not make out the request's `id`, say because its `data` was not
 * JSON. Each request gets exactly one reply, so whose it is follows in the end: as soon as k such replies have only
 * k calls left that they can belong to, they are given to these, in order. Without this a call would wait for ever.
 */
export class UnmatchedReplies {
  /** In order of arrival: the candidates of a later one include those of an earlier one. */
  #held: Unmatched[] = [];

  get held(): number {
    return this.#held.length;
  }

  /** Takes a reply without an `id`. `inFlight` has more calls than replies are held. */
  add(body: Uint8Array, inFlight: Iterable<Call>): [Call, Uint8Array][] {
    this.#held.push({ body, candidates: new Set(inFlight) });
    return this.#match();
  }

  /** Notes that a call has its own reply. Returns what has become certain by that. */
  answered(call: Call): [Call, Uint8Array][] {
    if (this.#held.length === 0) return [];
    for (const { candidates } of this.#held) candidates.delete(call);
    return this.#match();
  }

  #match(): [Call, Uint8Array][] {
    let certain = 0;
    this.#held.forEach(({ candidates }, index) => {
      if (candidates.size === index + 1) certain = index + 1;
    });
    if (certain === 0) return [];
    const calls = [...this.#held[certain - 1]!.candidates];
    const matched = this.#held.splice(0, certain).map(({ body }, index): [Call, Uint8Array] => [calls[index]!, body]);
    for (const { candidates } of this.#held) for (const call of calls) candidates.delete(call);
    return matched;
  }
}
