/**
 * The WASM engine behind a small class: bytes in, reply frames out. It knows no socket.
 *
 * An instance owns its memory and the views on it, belongs to one thread and is not re-entrant: what a call leaves
 * (`replies`, `handout`) is valid until the next call.
 */
import { instantiateSync } from '@assemblyscript/loader';
import type { WireErrorCode } from '../errors.js';
import { hostImports } from './host.js';
import {
  type EngineExports,
  type EngineOperation,
  handedOut,
  handoutField,
  operations,
  outcomeColumns,
  outcomes,
  replyBytesMax,
  type Stop,
  statusBytes,
  statusField,
  stops,
} from './layout.js';
import { SumBuilder } from './sum-builder.js';
import { SumError } from './sum-error.js';
import { addSums, decodeSum, type ExactSum, encodeSum, readExactSum, roundSum } from './sum-state.js';

/**
 * What stands around a request's data: where its tokens are, in bytes from the start of what the engine was given
 * (strings with their quotes), and its time budget.
 */
export interface Envelope {
  readonly idOffset: number;
  /** 0 where the member is absent; the same for the other lengths. */
  readonly idLength: number;
  readonly opOffset: number;
  readonly opLength: number;
  readonly dataOffset: number;
  readonly dataLength: number;
  /** Milliseconds, above 0 and perhaps infinite; `undefined` where the request names none. */
  readonly timeoutMs: number | undefined;
  readonly traceparentOffset: number;
  readonly traceparentLength: number;
}

/** A whole response frame, header included: a copy. `code` is undefined for an ok reply. */
export interface FrameAnswer {
  readonly kind: 'frame';
  readonly frame: Uint8Array;
  readonly op: EngineOperation;
  readonly code?: WireErrorCode | undefined;
}

export type Answer =
  | FrameAnswer
  /** A valid request for an operation that is not the engine's. */
  | { readonly kind: 'handout'; readonly envelope: Envelope };

export interface EngineCount {
  readonly op: EngineOperation;
  readonly outcome: (typeof outcomes)[number];
  readonly count: number;
}

const pageBytes = 0x10000;

const decoder = new TextDecoder();

export class Engine {
  /** Bytes that `run` takes at once; it always holds a whole frame of the inline lane. */
  readonly inputBytes: number;
  readonly #exports: EngineExports;
  readonly #statusOffset: number;
  readonly #countsOffset: number;
  readonly #handoutsOffset: number;
  readonly #handoutWords: number;
  readonly #inputOffset: number;
  readonly #outputOffset: number;
  readonly #arenaOffset: number;
  /** Bytes of the state of a body that comes in parts; all zero is one of which nothing has come. */
  readonly bodyStateBytes: number;
  readonly #bodyStateOffset: number;
  readonly #partOffset: number;
  readonly #partBytesMax: number;
  readonly #guardBytes: number;
  // Views of the whole memory; `#view` makes them anew when the memory has grown.
  #bytes!: Uint8Array;
  #status!: Int32Array;
  #words!: Uint32Array;

  /** @param module from `compileEngine`; any thread may have compiled it */
  constructor(module: WebAssembly.Module) {
    const instance = instantiateSync<EngineExports>(module, { host: hostImports(() => this.#exports.memory) });
    this.#exports = instance.exports;
    const address = (global: WebAssembly.Global): number => Number(global.valueOf());
    this.#statusOffset = address(this.#exports.statusOffset);
    this.#countsOffset = address(this.#exports.countsOffset);
    this.#handoutsOffset = address(this.#exports.handoutsOffset);
    this.#handoutWords = address(this.#exports.handoutBytes) / 4;
    this.#inputOffset = address(this.#exports.inputOffset);
    this.inputBytes = address(this.#exports.inputBytes);
    this.#outputOffset = address(this.#exports.outputOffset);
    this.#arenaOffset = address(this.#exports.arenaOffset);
    this.#guardBytes = address(this.#exports.guardBytes);
    this.bodyStateBytes = address(this.#exports.bodyStateBytes);
    this.#bodyStateOffset = address(this.#exports.bodyStateOffset);
    this.#partOffset = address(this.#exports.partOffset);
    this.#partBytesMax = address(this.#exports.partBytesMax);
    this.#view();
  }

  /**
   * Takes bytes of a stream that begin at a frame's border, decodes and answers every whole frame among the first
   * `inputBytes` of them. Returns the number of bytes that are done with; `stop` says what the rest begins with.
   * @param handOutAll answer nothing but faults: every valid request becomes a handout
   */
  run(bytes: Uint8Array, handOutAll = false): number {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('run takes the bytes of frames as a Uint8Array');
    const length = Math.min(bytes.length, this.inputBytes);
    this.#bytes.set(length === bytes.length ? bytes : bytes.subarray(0, length), this.#inputOffset);
    this.#exports.run(length, handOutAll);
    if (length < bytes.length && this.#status[statusField.stop] === 0) this.#status[statusField.stop] = 1;
    return this.#status[statusField.consumed]!;
  }

  /**
   * Why `run` came back. `input`: all is done but an unfinished frame, which needs more bytes. `output`: there is more
   * to do; take the replies and the handouts, and call again with the rest. `large`: the next frame's body is over
   * the inline limit.
   */
  get stop(): Stop {
    return stops[this.#status[statusField.stop]!]!;
  }

  /** The response frames of the last `run`, one behind the other. A view, valid until the next call. */
  get replies(): Uint8Array {
    const length = this.#status[statusField.outputLength]!;
    return this.#bytes.subarray(this.#outputOffset, this.#outputOffset + length);
  }

  /** How many frames the last `run` answered. */
  get answered(): number {
    return this.#status[statusField.answered]!;
  }

  /** How many requests the last `run` left to its caller. */
  get handouts(): number {
    return this.#status[statusField.handouts]!;
  }

  /** One of them; places count in the bytes that `run` was given. @throws RangeError where there is none of that index */
  handout(index: number): Envelope {
    if (!(index >= 0 && index < this.handouts)) throw new RangeError(`no handout ${index}: there are ${this.handouts}`);
    return this.#envelope(index, this.#inputOffset);
  }

  /** Decodes and answers one whole body of any size that fits in memory. */
  answer(body: Uint8Array): Answer {
    const frameOffset = this.#reserve(body);
    this.#exports.answer(body.length);
    if (this.#status[statusField.outcome] === handedOut)
      return { kind: 'handout', envelope: this.#envelope(0, this.#arenaOffset) };
    return this.#answered(frameOffset);
  }

  /**
   * Looks at the next part of the body of a `sum`, of any length, in constant memory. Any engine may go on where another
   * left off: all that it needs to know is in the state.
   * @param from what the part before left, or zeros for the first
   * @param to takes what the next part needs, unless there is an answer; may be `from`
   * @param pieces the next part of the body: views of any length, one behind the other; at least one where `isLast`
   * @param isLast nothing follows: the body ends with the last piece
   * @returns the answer, as soon as it is certain; the body's other parts are not wanted then
   * @throws Error where the body is a valid request for something else
   */
  answerPart(
    from: Uint8Array,
    to: Uint8Array,
    pieces: readonly Uint8Array[],
    isLast: boolean,
  ): FrameAnswer | undefined {
    this.#grow(this.#partEnd);
    this.#bytes.set(from, this.#bodyStateOffset);
    this.#exports.resume();
    for (const [index, piece] of pieces.entries()) {
      if (this.#isAnsweredBy(piece, isLast && index === pieces.length - 1)) {
        if (this.#status[statusField.outcome] === handedOut) {
          throw new Error('only a sum whose op stands before its data can be answered in parts');
        }
        return this.#answered(this.#outputOffset);
      }
    }
    this.#exports.suspend();
    to.set(this.#bytes.subarray(this.#bodyStateOffset, this.#bodyStateOffset + this.bodyStateBytes));
    return undefined;
  }

  /**
   * Reads the envelope of a body's first bytes (at most `inputBytes`) as far as it goes. Lengths of 0 stand for what
   * did not come yet; nothing is known of the grammar behind.
   */
  peek(prefix: Uint8Array): Envelope {
    const length = Math.min(prefix.length, this.inputBytes);
    this.#bytes.set(prefix.subarray(0, length), this.#inputOffset);
    this.#exports.peek(length);
    return this.#envelope(0, this.#inputOffset);
  }

  /** Is this one JSON value, with nothing but white space around it? -1, or the byte offset of the first fault. */
  check(text: Uint8Array): number {
    this.#reserve(text);
    return this.#exports.check(text.length);
  }

  /**
   * The exact sum of a JSON array of numbers, rounded once to a binary64, as text that is visibly a float: `10.0`.
   * @param bytes the array in UTF-8, with nothing around it but white space
   * @throws SumError `BAD_JSON`, `BAD_DATA` or `OUT_OF_RANGE`
   */
  sum(bytes: Uint8Array): string {
    return roundSum(this.#exactSum(bytes));
  }

  /** A sum that is pushed in parts, each a JSON array of its own, and can leave the machine as a state. */
  beginSum(): SumBuilder {
    return new SumBuilder((bytes) => this.#exactSum(bytes));
  }

  /**
   * The state of two sums together.
   * @throws SumError `BAD_DATA` where a state is not one, `OUT_OF_RANGE` where no state can hold the result
   */
  mergeSums(stateA: Uint8Array, stateB: Uint8Array): Uint8Array {
    return encodeSum(addSums(decodeSum(stateA), decodeSum(stateB)));
  }

  /**
   * The text of a state, as `sum` answers it.
   * @throws SumError `BAD_DATA` where the state is not one, `OUT_OF_RANGE` where it is beyond binary64
   */
  sumResult(state: Uint8Array): string {
    return roundSum(decodeSum(state));
  }

  /** Frames answered by `run` and `answer` since the start. */
  counts(): EngineCount[] {
    const cells = new BigUint64Array(this.#bytes.buffer, this.#countsOffset, operations.length * outcomeColumns);
    return operations.flatMap((op, row) =>
      outcomes.map((outcome, column) => ({ op, outcome, count: Number(cells[row * outcomeColumns + column]) })),
    );
  }

  /** Behind the longest part, wherever it is aligned. */
  get #partEnd(): number {
    return this.#partOffset + this.#partBytesMax + 2 * this.#guardBytes;
  }

  #isAnsweredBy(piece: Uint8Array, isLast: boolean): boolean {
    let offset = 0;
    do {
      const part = piece.subarray(offset, offset + this.#partBytesMax);
      // Where both sides are aligned alike, V8 copies from shared memory word by word; else eight times as slowly.
      const shift = part.byteOffset & 7;
      this.#bytes.set(part, this.#partOffset + shift);
      offset += part.length;
      if (this.#exports.part(shift, part.length, isLast && offset === piece.length)) return true;
    } while (offset < piece.length);
    return false;
  }

  /** The one way from the text of an array to its sum. */
  #exactSum(bytes: Uint8Array): ExactSum {
    if (!(bytes instanceof Uint8Array)) throw new TypeError('a sum takes the bytes of a JSON array as a Uint8Array');
    this.#grow(this.#partEnd);
    this.#exports.beginSum();
    this.#isAnsweredBy(bytes, true);
    const status = this.#status;
    const outcome = outcomes[status[statusField.outcome]!]!;
    if (outcome !== 'ok') {
      const index = status[statusField.itemIndex]!;
      const offset = status[statusField.faultOffset]! >>> 0;
      throw SumError.inArray(outcome, index < 0 ? undefined : index, offset, bytes.length);
    }
    const start = status[statusField.textOffset]!;
    const text = decoder.decode(this.#bytes.subarray(start, start + status[statusField.textLength]!));
    const tails = new DataView(status.buffer, status.byteOffset).getBigInt64(statusField.tails * 4, true);
    return readExactSum(text, tails);
  }

  /** Puts a body in the arena with room behind it for its reply, whose offset is returned. */
  #reserve(body: Uint8Array): number {
    const frameOffset = this.#arenaOffset + body.length + this.#guardBytes;
    this.#grow(frameOffset + replyBytesMax(body.length) + this.#guardBytes);
    this.#bytes.set(body, this.#arenaOffset);
    return frameOffset;
  }

  /** Makes sure that the memory has so many bytes. */
  #grow(bytes: number): void {
    const missing = bytes - this.#bytes.length;
    if (missing <= 0) return;
    this.#exports.memory.grow(Math.ceil(missing / pageBytes));
    this.#view();
  }

  /** What the call that is through has answered, in a frame at `frameOffset`. */
  #answered(frameOffset: number): FrameAnswer {
    const length = this.#status[statusField.outputLength]!;
    const outcome = outcomes[this.#status[statusField.outcome]!]!;
    return {
      kind: 'frame',
      frame: this.#bytes.slice(frameOffset, frameOffset + length),
      op: operations[this.#status[statusField.operation]!]!,
      code: outcome === 'ok' ? undefined : outcome,
    };
  }

  #view(): void {
    const { buffer } = this.#exports.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#status = new Int32Array(buffer, this.#statusOffset, statusBytes / 4);
    this.#words = new Uint32Array(buffer);
  }

  /** @param origin address that the record's places count from */
  #envelope(index: number, origin: number): Envelope {
    const words = this.#words;
    const record = this.#handoutsOffset / 4 + index * this.#handoutWords;
    return {
      idOffset: words[record + handoutField.id]!,
      idLength: words[record + handoutField.id + 1]!,
      opOffset: words[record + handoutField.op]!,
      opLength: words[record + handoutField.op + 1]!,
      dataOffset: words[record + handoutField.data]!,
      dataLength: words[record + handoutField.data + 1]!,
      timeoutMs: this.#number(words[record + handoutField.timeout]!, words[record + handoutField.timeout + 1]!, origin),
      traceparentOffset: words[record + handoutField.traceparent]!,
      traceparentLength: words[record + handoutField.traceparent + 1]!,
    };
  }

  #number(offset: number, length: number, origin: number): number | undefined {
    if (length === 0) return undefined;
    const value = Number(decoder.decode(this.#bytes.subarray(origin + offset, origin + offset + length)));
    // `peek` also finds what no request may have; whoever decodes the whole body will say so.
    return value > 0 ? value : undefined;
  }
}
