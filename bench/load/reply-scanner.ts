/**
 * Finds the replies in what a socket read, however it is cut, and names the slots that they answer.
 *
 * A benchmark's replies are all alike but for their id. So the first one is read with care (`reply-format.ts`) and kept
 * as the pattern for those after it: each batch's first reply is compared in every byte, the others in their length,
 * in the bytes after the id, which tell the outcome, and in their last. What does not fit is read with care again.
 *
 * Of a reply that is much larger than a read, the pieces are kept as they come and are joined when it is whole.
 *
 * Invariant: `slots[0..count)` names, in the order of arrival, the replies that the last `take` made whole; `#restBytes` is
 * the length of all of `#rest`, which is less than the reply it begins needs.
 * Which slots are in flight is the connection's to know. Knows no socket.
 */
import type { CarefulReader, CarefulReply } from './reply-format.js';
import { idDigits } from './request-ring.js';

/** Value of a hexadecimal digit by its byte; 255 for any other byte. */
const digitValues = new Uint8Array(256).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) digitValues[digit.charCodeAt(0)] = value;

/** From here on the comparison that is not written in JavaScript is the faster one. */
const nativeFromBytes = 512;

interface Pattern {
  readonly bytes: Uint8Array;
  readonly idOffset: number;
  /** Where the bytes begin that tell the outcome: after the id and its quote. */
  readonly tailOffset: number;
}

export class ReplyScanner {
  readonly slots: Int32Array;
  count = 0;
  readonly #read: CarefulReader;
  #pattern: Pattern | undefined;
  /** The beginning of a reply that is not whole yet, in pieces; and how long it is, 0 where that is not known. */
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  #neededBytes = 0;

  /** @param slotsMax replies that one `take` may find at most; more are an error, since so many are not in flight */
  constructor(read: CarefulReader, slotsMax: number) {
    this.#read = read;
    this.slots = new Int32Array(slotsMax);
  }

  /** @throws Error at a reply that is not the right answer */
  take(bytes: Uint8Array): void {
    this.count = 0;
    if (this.#restBytes + bytes.length < this.#neededBytes) {
      this.#keep(copyOf(bytes, 0, bytes.length));
      return;
    }
    const input = this.#restBytes === 0 ? bytes : Buffer.concat([...this.#rest, bytes]);
    let offset = 0;
    this.#neededBytes = 0;
    while (offset < input.length) {
      offset = this.#takeAlike(input, offset);
      const reply = this.#read(input, offset);
      if (typeof reply === 'number') {
        this.#neededBytes = reply;
        break;
      }
      this.#push(reply.slot);
      this.#learn(input, offset, reply);
      offset += reply.length;
    }
    this.#rest = [];
    this.#restBytes = 0;
    if (offset < input.length) this.#keep(copyOf(input, offset, input.length));
  }

  #keep(piece: Uint8Array): void {
    this.#rest.push(piece);
    this.#restBytes += piece.length;
  }

  /** Takes replies as long as they fit the pattern; gives the offset after the last. */
  #takeAlike(input: Uint8Array, start: number): number {
    const pattern = this.#pattern;
    if (pattern === undefined) return start;
    const length = pattern.bytes.length;
    let offset = start;
    let whole = this.count === 0;
    while (input.length - offset >= length) {
      if (!fits(pattern, input, offset, whole)) break;
      const slot = slotAt(input, offset + pattern.idOffset);
      if (slot < 0) break;
      this.#push(slot);
      offset += length;
      whole = false;
    }
    return offset;
  }

  #push(slot: number): void {
    if (this.count === this.slots.length) {
      throw new Error(`the peer sent more replies than there were requests in flight (${this.slots.length})`);
    }
    this.slots[this.count++] = slot;
  }

  #learn(input: Uint8Array, offset: number, { length, idOffset }: CarefulReply): void {
    this.#pattern = {
      bytes: copyOf(input, offset, offset + length),
      idOffset,
      tailOffset: idOffset + idDigits,
    };
  }
}

/** A copy even of a Buffer, whose own `slice` gives a view: the socket's buffer is written over by its next read. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, start, end);
}

/** Compares the header, 16 bytes after the id, where `ok` is, and the last byte; or, `whole`, all but the id. */
function fits({ bytes, idOffset, tailOffset }: Pattern, input: Uint8Array, offset: number, whole: boolean): boolean {
  const length = bytes.length;
  const headEnd = whole ? idOffset : 4;
  for (let at = 0; at < headEnd; at++) if (input[offset + at] !== bytes[at]) return false;
  const tailEnd = whole ? length : Math.min(tailOffset + 16, length);
  if (tailEnd - tailOffset > nativeFromBytes) {
    return Buffer.compare(input.subarray(offset + tailOffset, offset + length), bytes.subarray(tailOffset)) === 0;
  }
  for (let at = tailOffset; at < tailEnd; at++) if (input[offset + at] !== bytes[at]) return false;
  return input[offset + length - 1] === bytes[length - 1];
}

/** The slot that eight hexadecimal digits name, or -1. */
function slotAt(input: Uint8Array, offset: number): number {
  let slot = 0;
  for (let at = 0; at < idDigits; at++) {
    const value = digitValues[input[offset + at]!]!;
    if (value === 255) return -1;
    slot = (slot << 4) | value;
  }
  return slot;
}
