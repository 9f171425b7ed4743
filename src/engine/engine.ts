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
  statusField,
  stops,
} from './layout.js';

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

export type Answer =
  /** A whole response frame, header included: a copy. `code` is undefined for an ok reply. */
  | {
      readonly kind: 'frame';
      readonly frame: Uint8Array;
      readonly op: EngineOperation;
      readonly code?: WireErrorCode | undefined;
    }
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

  /** One of them; places count in the bytes that `run` was given. */
  handout(index: number): Envelope {
    return this.#envelope(index, this.#inputOffset);
  }

  /** Decodes and answers one whole body of any size that fits in memory. */
  answer(body: Uint8Array): Answer {
    const frameOffset = this.#reserve(body);
    this.#exports.answer(body.length);
    if (this.#status[statusField.outcome] === handedOut)
      return { kind: 'handout', envelope: this.#envelope(0, this.#arenaOffset) };
    const length = this.#status[statusField.outputLength]!;
    const outcome = outcomes[this.#status[statusField.outcome]!]!;
    return {
      kind: 'frame',
      frame: this.#bytes.slice(frameOffset, frameOffset + length),
      op: operations[this.#status[statusField.operation]!]!,
      code: outcome === 'ok' ? undefined : outcome,
    };
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

  /** Frames answered by `run` and `answer` since the start. */
  counts(): EngineCount[] {
    const cells = new BigUint64Array(this.#bytes.buffer, this.#countsOffset, operations.length * outcomeColumns);
    return operations.flatMap((op, row) =>
      outcomes.map((outcome, column) => ({ op, outcome, count: Number(cells[row * outcomeColumns + column]) })),
    );
  }

  /** Puts a body in the arena with room behind it for its reply, whose offset is returned. */
  #reserve(body: Uint8Array): number {
    const frameOffset = this.#arenaOffset + body.length + this.#guardBytes;
    const missing = frameOffset + replyBytesMax(body.length) + this.#guardBytes - this.#bytes.length;
    if (missing > 0) {
      this.#exports.memory.grow(Math.ceil(missing / pageBytes));
      this.#view();
    }
    this.#bytes.set(body, this.#arenaOffset);
    return frameOffset;
  }

  #view(): void {
    const { buffer } = this.#exports.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#status = new Int32Array(buffer, this.#statusOffset, Object.keys(statusField).length);
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
