/**
 * Answers that are kept as bytes: what does not change is made once, however often it is asked for.
 *
 * Invariant: what is kept was made of the operations that are in force. A reload of the operations lets all of it go.
 */

import type { OperationInfo } from '../ops/operation-info.js';

/** What is kept of one answer. */
export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>;
  readonly body: Buffer;
}

/** Far more than there are paths; a path may be written in many ways. */
const answersMax = 64;

export class KeptAnswers {
  readonly #operations: () => readonly OperationInfo[];
  readonly #answers = new Map<string, KeptAnswer>();
  #madeOf: readonly OperationInfo[] = [];

  /** @param operations those in force; a reload gives other objects, also where they say the same */
  constructor(operations: () => readonly OperationInfo[]) {
    this.#operations = operations;
  }

  /** The answer that is kept under the name; otherwise `make`'s, which is kept where it is one of success. */
  async get(name: string, make: () => KeptAnswer | Promise<KeptAnswer>): Promise<KeptAnswer> {
    this.#forgetOld();
    const kept = this.#answers.get(name);
    if (kept !== undefined) return kept;
    const madeOf = this.#madeOf;
    const answer = await make();
    if (answer.status < 400 && this.#answers.size < answersMax && this.#madeOf === madeOf) {
      this.#answers.set(name, answer);
    }
    return answer;
  }

  #forgetOld(): void {
    const operations = this.#operations();
    const same =
      operations.length === this.#madeOf.length && operations.every((each, index) => each === this.#madeOf[index]);
    if (same) return;
    this.#answers.clear();
    this.#madeOf = operations;
  }
}
