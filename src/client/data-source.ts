/** Where the data of a streamed call comes from, and how it is read and closed, whatever kind it is of. */

import { isBytes, isDetached, isShared, kindOf } from './checks.js';

/** Of a web `ReadableStream` only this is used: not every browser can iterate over one. */
interface WebStream {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    cancel(): Promise<void>;
  };
}

/** Chunks of bytes: a Node `Readable`, a web `ReadableStream`, a generator, an array. Read once. */
export type DataSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | WebStream;

interface Steps {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  close(): unknown;
}

export class SourceReader {
  readonly #steps: Steps;
  #closed = false;

  /** @throws TypeError where the source is of no such kind */
  constructor(source: DataSource) {
    if (typeof source !== 'object' || source === null || !isSource(source)) {
      const what = 'a stream, an async generator or an array of Uint8Arrays, such as createReadStream(path)';
      throw new TypeError(`The source of a streamed call must be ${what}; this is ${kindOf(source)}.`);
    }
    this.#steps = 'getReader' in source ? webSteps(source) : iterableSteps(source);
  }

  /** The next chunk; `undefined` at the end. Rejects with what the source fails with. */
  async next(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#steps.next();
    if (done) {
      this.#closed = true;
      return undefined;
    }
    if (!isBytes(value)) {
      throw new TypeError(`it gave ${kindOf(value)} where bytes are wanted, a Uint8Array or a Buffer`);
    }
    if (isDetached(value)) throw new TypeError('it gave bytes whose buffer was transferred elsewhere');
    return isShared(value) ? value.slice() : value;
  }

  /** Tells the source that no more is wanted, also while a chunk is awaited. What it answers does not matter. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // After what runs now: a generator cannot be ended while it runs, and it may be its own code that aborts the call.
    Promise.resolve()
      .then(() => this.#steps.close())
      .catch(() => undefined);
  }
}

function isSource(source: object): boolean {
  return 'getReader' in source || Symbol.asyncIterator in source || Symbol.iterator in source;
}

function webSteps(source: WebStream): Steps {
  const reader = source.getReader();
  return { next: () => reader.read(), close: () => reader.cancel() };
}

function iterableSteps(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Steps {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    close() {
      // A Node stream that is waited for does not see `return` before its next chunk has come.
      if ('destroy' in source && typeof source.destroy === 'function') source.destroy();
      return iterator.return?.();
    },
  };
}
