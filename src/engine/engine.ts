/**
 * The WASM engine in a small class: bytes in, reply frames out. It knows no socket.
 *
 * An instance owns its memory and the views on it, belongs to one thread and is not re-entrant: what a call leaves
 * (`replies`, `handout`) is valid until the next call.
 */
import type { WireErrorCode } from '../errors.js';
import { checkBytes } from '../protocol/bytes.js';
import { writeFrameHeader } from '../protocol/frame.js';
import { frameHeaderBytes } from '../protocol/limits.js';
import { type Envelope, readEnvelope } from './envelope.js';
import { hostImports } from './host.js';
import {
  allOperations,
  type EngineExports,
  type EngineOperation,
  handedOut,
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

/** A whole response frame, header included: a copy. `code` is undefined for an ok reply. */
export interface FrameAnswer {
  readonly kind: 'frame';
  readonly frame: Uint8Array;
  readonly op: EngineOperation;
  readonly code?: WireErrorCode | undefined;
}

/** The answer to an `echo` that came in parts. The reply is `head`, the data as it stands in the body, and a `}`. */
export interface EchoAnswer {
  readonly kind: 'echo';
  /** The reply up to its result, header included: a copy. */
  readonly head: Uint8Array;
  /** Bytes from the body's first. */
  readonly dataOffset: number;
  readonly dataLength: number;
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

function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): EngineExports {
  try {
    const { exports } = new WebAssembly.Instance(module, imports);
    if (typeof exports.run === 'function') return exports as EngineExports;
  } catch (cause) {
    throw new Error("this module is not trama's engine: it cannot be instantiated", { cause });
  }
  throw new Error("this module is not trama's engine: it exports no `run`");
}

export class Engine {
  /** Bytes that `run` takes at once: always enough for a whole frame of the inline lane. */
  readonly inputBytes: number;
  readonly #exports: EngineExports;
  readonly #statusOffset: number;
  readonly #countsOffset: number;
  readonly #handoutsOffset: number;
  readonly #handoutWords: number;
  readonly #inputOffset: number;
  readonly #outputOffset: number;
  readonly #arenaOffset: number;
  /** Bytes of the state of a body that comes in parts. All zero is the state of a body of which nothing has come. */
  readonly bodyStateBytes: number;
  /** As many of them are enough for the body of an `echo`. */
  readonly bodyCheckBytes: number;
  readonly #bodyStateOffset: number;
  readonly #partOffset: number;
  readonly #partBytesMax: number;
  readonly #guardBytes: number;
  /** The operations that the module answers, as it was told last. */
  #allowed = allOperations;
  // Views of the whole memory. `#view` makes them anew when the memory has grown.
  #bytes!: Uint8Array;
  #status!: Int32Array;
  #words!: Uint32Array;

  /** @param module from `compileEngine`; any thread may have compiled it */
  constructor(module: WebAssembly.Module) {
    if (!(module instanceof WebAssembly.Module)) {
      throw new TypeError('new Engine takes a WebAssembly.Module, as compileEngine gives it');
    }
    this.#exports = instantiate(
      module,
      hostImports(() => this.#exports.memory),
    );
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
    this.bodyCheckBytes = address(this.#exports.bodyCheckBytes);
    this.#bodyStateOffset = address(this.#exports.bodyStateOffset);
    this.#partOffset = address(this.#exports.partOffset);
    this.#partBytesMax = address(this.#exports.partBytesMax);
    this.#view();
  }

  /**
   * Takes bytes of a stream that begin with a frame. Decodes and answers every whole frame among the first `inputBytes` of
   * them. Returns the number of bytes that are done with; `stop` says what the rest begins with.
   * @param handOutAll answer only faults: every valid request becomes a handout
   * @param allowed the operations that may be answered, see `operationMask`; requests for others become handouts
   */
  run(bytes: Uint8Array, handOutAll = false, allowed = allOperations): number {
    checkBytes(bytes, 'run takes the bytes of frames');
    if (allowed !== this.#allowed) this.#allow(allowed);
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

  /** The response frames of the last `run`, one after the other. A view, valid until the next call. */
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

  /** One of these requests; places count in the bytes that `run` was given. @throws RangeError for another index */
  handout(index: number): Envelope {
    if (!(index >= 0 && index < this.handouts)) throw new RangeError(`no handout ${index}: there are ${this.handouts}`);
    return this.#envelope(index, this.#inputOffset);
  }

  /** Decodes and answers one whole body of any size that fits in memory. */
  answer(body: Uint8Array): Answer {
    const answer = this.answerInPlace(body);
    return answer.kind === 'frame' ? { ...answer, frame: answer.frame.slice() } : answer;
  }

  /** The same, but the frame is a view, valid until the next call. */
  answerInPlace(body: Uint8Array): Answer {
    this.#reserve(checkBytes(body, 'answer takes a body'));
    if (this.#allowed !== allOperations) this.#allow(allOperations);
    this.#exports.answer(body.length);
    if (this.#status[statusField.outcome] === handedOut)
      return { kind: 'handout', envelope: this.#envelope(0, this.#arenaOffset) };
    return this.#answered(this.#status[statusField.outputOffset]!);
  }

  /**
   * Looks at the next part of the body of a `sum` or an `echo`, of any length, in constant memory. Any engine may go on
   * where another stopped: the state has all that it needs. The body of an `echo` is checked here, and kept by the caller.
   * @param from what the part before left, or zeros for the first: `bodyStateBytes`, or of an `echo` `bodyCheckBytes`
   * @param to gets what the next part needs, unless there is an answer; may be `from`
   * @param pieces the next part of the body: views of any length, one after the other; at least one where `isLast`
   * @param isLast the body ends with the last piece
   * @returns the answer, as soon as it is certain; then no more parts are wanted
   * @throws Error where the body is a valid request for something else
   */
  answerPart(
    from: Uint8Array,
    to: Uint8Array,
    pieces: readonly Uint8Array[],
    isLast: boolean,
  ): FrameAnswer | EchoAnswer | undefined {
    this.#checkState(from);
    this.#checkState(to);
    this.#grow(this.#partEnd);
    this.#bytes.set(from, this.#bodyStateOffset);
    this.#exports.resume();
    for (const [index, piece] of pieces.entries()) {
      checkBytes(piece, 'answerPart takes each piece of a body');
      if (this.#takePiece(piece, isLast && index === pieces.length - 1)) {
        if (this.#status[statusField.outcome] === handedOut) {
          throw new Error('only an echo, or a sum whose op comes before its data, can be answered in parts');
        }
        const answer = this.#echoed() ?? this.#answeredPart();
        if (answer.kind === 'frame' && answer.op === 'sum' && from.length < this.bodyStateBytes) {
          throw new Error('the sum of a body was not kept from part to part: its state was cut short');
        }
        return answer;
      }
    }
    this.#exports.suspend();
    to.set(this.#bytes.subarray(this.#bodyStateOffset, this.#bodyStateOffset + to.length));
    return undefined;
  }

  /**
   * Reads the envelope of a body's first bytes (at most `inputBytes`) as far as it goes. Lengths are 0 for what
   * has not come yet. The bytes after that are not checked.
   */
  peek(prefix: Uint8Array): Envelope {
    checkBytes(prefix, 'peek takes the first bytes of a body');
    const length = Math.min(prefix.length, this.inputBytes);
    this.#bytes.set(prefix.subarray(0, length), this.#inputOffset);
    this.#exports.peek(length);
    return this.#envelope(0, this.#inputOffset);
  }

  /** Whether this is one JSON value with nothing but white space around it: -1, or the byte offset of the first fault. */
  check(text: Uint8Array): number {
    this.#reserve(checkBytes(text, 'check takes a text'));
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

  /** A sum that is pushed in parts, each a JSON array of its own, and that can go to another machine as a state. */
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

  #allow(mask: number): void {
    this.#exports.allow(mask);
    this.#allowed = mask;
  }

  /** The address after the longest part, whatever its alignment. */
  get #partEnd(): number {
    return this.#partOffset + this.#partBytesMax + 2 * this.#guardBytes;
  }

  #checkState(state: Uint8Array): void {
    checkBytes(state, 'answerPart takes a body’s state');
    if (state.length === this.bodyStateBytes || state.length === this.bodyCheckBytes) return;
    throw new RangeError(
      `answerPart takes a body's state of ${this.bodyStateBytes} bytes; this one has ${state.length}`,
    );
  }

  /** Hands a piece to the module, part by part. @returns whether the answer is certain */
  #takePiece(piece: Uint8Array, isLast: boolean): boolean {
    let offset = 0;
    do {
      const part = piece.subarray(offset, offset + this.#partBytesMax);
      // V8 copies from shared memory word by word where both sides have the same alignment, and else eight times as slowly.
      const shift = part.byteOffset & 7;
      this.#bytes.set(part, this.#partOffset + shift);
      offset += part.length;
      if (this.#exports.part(shift, part.length, isLast && offset === piece.length)) return true;
    } while (offset < piece.length);
    return false;
  }

  /** Every sum of an array's text comes from here. */
  #exactSum(bytes: Uint8Array): ExactSum {
    checkBytes(bytes, 'a sum takes the bytes of a JSON array');
    this.#grow(this.#partEnd);
    this.#exports.beginSum();
    this.#takePiece(bytes, true);
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

  /** Puts a body in the arena, with room for its reply after it. */
  #reserve(body: Uint8Array): void {
    const end = this.#arenaOffset + body.length + this.#guardBytes;
    this.#grow(end + replyBytesMax(body.length) + this.#guardBytes);
    this.#bytes.set(body, this.#arenaOffset);
  }

  /** Makes sure that the memory has so many bytes. */
  #grow(bytes: number): void {
    const missing = bytes - this.#bytes.length;
    if (missing <= 0) return;
    try {
      this.#exports.memory.grow(Math.ceil(missing / pageBytes));
    } catch (cause) {
      throw new RangeError(`the engine needs ${bytes} bytes of memory for this body and its reply: too many`, {
        cause,
      });
    }
    this.#view();
  }

  /** The answer of the last part, if the host has the data that belongs to it. */
  #echoed(): EchoAnswer | undefined {
    const dataLength = this.#status[statusField.textLength]! >>> 0;
    if (dataLength === 0) return undefined;
    const length = this.#status[statusField.outputLength]!;
    const head = this.#bytes.slice(this.#outputOffset, this.#outputOffset + length);
    writeFrameHeader(head, length - frameHeaderBytes + dataLength + 1);
    return { kind: 'echo', head, dataOffset: this.#status[statusField.textOffset]! >>> 0, dataLength };
  }

  #answeredPart(): FrameAnswer {
    const answer = this.#answered(this.#outputOffset);
    return { ...answer, frame: answer.frame.slice() };
  }

  /** The answer of the last call, in a frame at `frameOffset`: a view. */
  #answered(frameOffset: number): FrameAnswer {
    const length = this.#status[statusField.outputLength]!;
    const outcome = outcomes[this.#status[statusField.outcome]!]!;
    return {
      kind: 'frame',
      frame: this.#bytes.subarray(frameOffset, frameOffset + length),
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
    const record = this.#handoutsOffset / 4 + index * this.#handoutWords;
    return readEnvelope(this.#bytes, this.#words, record, origin);
  }
}
