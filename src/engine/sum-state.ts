/**
 * Exact sums as values: they are added, rounded once, and written as bytes that another machine can go on with.
 *
 *     value = mantissa·10^exponent  +  tails,      exponent ≥ −1200,  |mantissa|·10^exponent < 10^340
 *
 * A tail is a number, or the rest of a number, below 10^−1200: +1 where it is positive, −1 where it is negative. Only the
 * sign of all tails together counts: it breaks a tie.
 *
 * The bytes are canonical: `decodeSum` takes only what `encodeSum` would write.
 */
import { checkBytes } from '../protocol/bytes.js';
import { floatText } from './host.js';
import { SumError } from './sum-error.js';

export interface ExactSum {
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly tails: bigint;
}

export const zeroSum: ExactSum = { mantissa: 0n, exponent: 0, tails: 0n };

const exponentLeast = -1200;
/** Sums of more places before the point are refused: 10^31 of the greatest doubles do not reach it. */
const placesMax = 340;
const tailsMax = 2n ** 53n - 1n;

const version = 1;
const negativeFlag = 1;
const flagsAt = 1;
const exponentAt = 2;
const tailsAt = 4;
const headerBytes = 12;
/** A magnitude has at most 340 + 1200 digits. */
const magnitudeBytesMax = Math.ceil(((placesMax - exponentLeast) * Math.log2(10)) / 8);

/** @param text a decimal integer, `e`, an exponent: as the assembly's `writeExactSum` leaves it */
export function readExactSum(text: string, tails: bigint): ExactSum {
  const end = text.indexOf('e');
  return { mantissa: BigInt(text.slice(0, end)), exponent: Number(text.slice(end + 1)), tails };
}

/** @throws SumError where the result is larger than a state can hold */
export function addSums(a: ExactSum, b: ExactSum): ExactSum {
  const exponent = Math.min(a.exponent, b.exponent);
  const mantissa = scaled(a, exponent) + scaled(b, exponent);
  const tails = a.tails + b.tails;
  if (isTooLarge(mantissa, exponent)) throw new SumError('OUT_OF_RANGE', `the sum has more than ${placesMax} places`);
  if (magnitudeOf(tails) > tailsMax) throw new SumError('OUT_OF_RANGE', 'the sum has too many numbers below 10^-1200');
  return { mantissa, exponent, tails };
}

/** The text of the binary64 nearest to the sum, ties to even. */
export function roundSum(sum: ExactSum): string {
  const { mantissa, exponent, tails } = sum;
  // The host's Number() rounds a decimal of any length correctly. A tail is one unit in a place below all others.
  const text =
    tails === 0n
      ? `${mantissa}e${exponent}`
      : `${scaled(sum, exponentLeast) * 10n + (tails < 0n ? -1n : 1n)}e${exponentLeast - 1}`;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new SumError('OUT_OF_RANGE', 'the sum has no finite binary64');
  return floatText(value);
}

export function encodeSum(sum: ExactSum): Uint8Array {
  const { mantissa, exponent } = withoutZeros(sum);
  const hex = mantissa === 0n ? '' : magnitudeOf(mantissa).toString(16);
  const length = Math.ceil(hex.length / 2);
  const bytes = new Uint8Array(headerBytes + length);
  const header = new DataView(bytes.buffer);
  bytes[0] = version;
  bytes[flagsAt] = mantissa < 0n ? negativeFlag : 0;
  header.setInt16(exponentAt, exponent);
  header.setBigInt64(tailsAt, sum.tails);
  const digits = hex.padStart(2 * length, '0');
  for (let at = 0; at < length; at++) bytes[headerBytes + at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  return bytes;
}

/** @throws SumError for bytes that `encodeSum` does not write; its `offset` is the first byte of the field at fault */
export function decodeSum(state: Uint8Array): ExactSum {
  checkBytes(state, 'a sum takes its state');
  if (state.length < headerBytes) throw badState('is cut short', state.length);
  if (state.length > headerBytes + magnitudeBytesMax) throw badState('is too long', headerBytes + magnitudeBytesMax);
  const header = new DataView(state.buffer, state.byteOffset, state.length);
  if (state[0] !== version) throw badState(`has version ${state[0]}, which is unknown here`, 0);
  if (state[flagsAt]! > negativeFlag) throw badState('has flags that are unknown here', flagsAt);
  const exponent = header.getInt16(exponentAt);
  const tails = header.getBigInt64(tailsAt);
  if (exponent < exponentLeast || exponent >= placesMax) throw badState('has an exponent out of range', exponentAt);
  if (magnitudeOf(tails) > tailsMax) throw badState('has a count of tails out of range', tailsAt);
  const magnitude = readMagnitude(state.subarray(headerBytes));
  if (magnitude === 0n) {
    if (state[flagsAt] !== 0) throw badState('has a sign, but is zero', flagsAt);
    if (exponent !== 0) throw badState('has an exponent, but is zero', exponentAt);
  } else {
    if (magnitude % 10n === 0n) throw badState('has a magnitude that ends in a decimal zero', headerBytes);
    if (isTooLarge(magnitude, exponent)) throw badState('has a magnitude out of range', headerBytes);
  }
  return { mantissa: state[flagsAt] === negativeFlag ? -magnitude : magnitude, exponent, tails };
}

function badState(what: string, offset: number): SumError {
  return new SumError('BAD_DATA', `the state of a sum ${what}: byte ${offset}`, { offset });
}

function readMagnitude(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n;
  if (bytes[0] === 0) throw badState('has a magnitude that begins with a zero byte', headerBytes);
  let hex = '0x';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return BigInt(hex);
}

function magnitudeOf(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** The mantissa that the sum has with another exponent, not above its own. */
function scaled({ mantissa, exponent }: ExactSum, toExponent: number): bigint {
  return exponent === toExponent ? mantissa : mantissa * 10n ** BigInt(exponent - toExponent);
}

function isTooLarge(mantissa: bigint, exponent: number): boolean {
  return magnitudeOf(mantissa) >= 10n ** BigInt(placesMax - exponent);
}

/** The same sum with no decimal zero at the end of its mantissa; zero has the exponent 0. */
function withoutZeros(sum: ExactSum): ExactSum {
  const { mantissa } = sum;
  if (mantissa === 0n) return { ...sum, exponent: 0 };
  if (mantissa % 10n !== 0n) return sum;
  const text = mantissa.toString();
  let end = text.length;
  while (text[end - 1] === '0') end--;
  return { ...sum, mantissa: BigInt(text.slice(0, end)), exponent: sum.exponent + text.length - end };
}
