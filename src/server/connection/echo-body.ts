/**
 * The body of a large `echo`: checked on this thread as it comes, part by part, and answered from where it stands. A
 * hand-over to a worker and back would copy it four times.
 *
 * Invariant: there is an answer as soon as the last byte was added, or earlier where the body is at fault.
 */
import type { EchoAnswer, Engine, FrameAnswer } from '../../engine/index.js';
import type { ReadTarget } from '../channel/channel.js';
import type { HeldBody } from './held-body.js';

/** States that are kept to be used again. */
const statesMax = 16;

/** Fewer bytes are checked together with what follows: each part costs a state that is put in place and taken back. */
const checkedBytesMin = 128 * 1024;

/** What the engine has to know of a body between two parts of it, in memory that is used again and again. */
export class BodyStates {
  readonly #free: Uint8Array[] = [];

  /** All zero: the state of a body of which nothing has come. */
  take(bytes: number): Uint8Array {
    return this.#free.pop()?.fill(0) ?? new Uint8Array(bytes);
  }

  putBack(state: Uint8Array): void {
    if (this.#free.length < statesMax) this.#free.push(state);
  }
}

export class EchoBody {
  readonly #engine: () => Engine;
  readonly #states: BodyStates;
  readonly #held: HeldBody;
  readonly #bodyBytes: number;
  #state: Uint8Array | undefined;
  #checkedBytes = 0;
  #answer: FrameAnswer | EchoAnswer | undefined;

  /** @param held of this thread's own memory */
  constructor(engine: () => Engine, states: BodyStates, held: HeldBody, bodyBytes: number) {
    this.#engine = engine;
    this.#states = states;
    this.#held = held;
    this.#bodyBytes = bodyBytes;
  }

  /** Whole where the body is one `echo`; of a fault the error reply. */
  get answer(): FrameAnswer | EchoAnswer | undefined {
    return this.#answer;
  }

  /** Takes the next bytes; false where the budget has no room for them, or where the body is at fault. */
  add(part: Uint8Array): boolean {
    if (!this.#held.add(part)) return false;
    const { length } = this.#held;
    const isLast = length === this.#bodyBytes;
    if (!isLast && length - this.#checkedBytes < checkedBytesMin) return true;
    const engine = this.#engine();
    this.#state ??= this.#states.take(engine.bodyCheckBytes);
    this.#answer = engine.answerPart(this.#state, this.#state, [this.#held.bytes.subarray(this.#checkedBytes)], isLast);
    this.#checkedBytes = length;
    return isLast || this.#answer === undefined;
  }

  nextTarget(missingBytes: number): ReadTarget | undefined {
    return this.#held.nextTarget(missingBytes);
  }

  /** The whole reply; it is there until `release`. */
  reply({ head, dataOffset, dataLength }: EchoAnswer): Uint8Array {
    return this.#held.replyAround(head, dataOffset, dataLength);
  }

  release(): void {
    if (this.#state) this.#states.putBack(this.#state);
    this.#state = undefined;
    this.#held.release();
  }
}
