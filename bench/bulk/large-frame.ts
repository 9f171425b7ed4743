/**
 * A request for a sum of any size, in a few hundred kilobytes of memory: one block of numbers over and over, and the
 * digits that the answer must have.
 *
 *     │ header, start of the body │ block │ block │ … │ block │ white space, 0]} │
 */
import { frameBytesRepresentable, frameHeaderBytes } from '../../src/protocol/limits.js';
import { type NumberShape, numberArray } from '../number-shapes.js';
import { exactSum, resultText } from './exact-sum.js';

/** A block of the longest numbers is just below the 256 KiB that the server gives a worker at once. */
const numbersPerBlock = 12_000;

export interface LargeFrame {
  readonly bodyBytes: number;
  readonly header: Buffer;
  readonly bodyStart: Buffer;
  /** Numbers, each with its comma. */
  readonly block: Buffer;
  readonly blocks: number;
  readonly bodyEnd: Buffer;
  /** The body of the right reply, byte for byte. */
  readonly reply: string;
}

/** @throws RangeError where no frame has so large a body, or a body has no room for what is around the numbers */
export function largeFrame(shape: NumberShape, bodyBytes: number): LargeFrame {
  const numbers = numberArray(shape, numbersPerBlock).slice(1, -1).split(',');
  const bodyStart = Buffer.from('{"id": "large", "op": "sum", "data": [');
  const block = Buffer.from(`${numbers.join(',')},`);
  const end = '0]}';
  const room = bodyBytes - bodyStart.length - end.length;
  if (room < 0 || bodyBytes > frameBytesRepresentable) throw new RangeError(`no frame has ${bodyBytes} bytes`);
  const blocks = Math.floor(room / block.length);
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32BE(bodyBytes);
  const { digits, exponent } = exactSum(numbers.map((number) => number.trim()));
  const result = resultText({ digits: digits * BigInt(blocks), exponent });
  return {
    bodyBytes,
    header,
    bodyStart,
    block,
    blocks,
    bodyEnd: Buffer.from(end.padStart(end.length + room - blocks * block.length)),
    reply: `{"id":"large","ok":true,"result":${result}}`,
  };
}
