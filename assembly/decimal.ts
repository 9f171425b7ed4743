/**
 * The exact sum: one bucket for each decimal exponent, and its rounding to binary64 at the end.
 *
 *     sum = Σ bucket[e]·10^e  +  tail,       bucket[e] = high·2^32 + low        (both i64)
 *
 * A group is split into its low and high 32 bits, so a bucket takes 2^31 groups of either sign before a half could
 * overflow: more than a body of 4 GiB holds. The state depends on the multiset of numbers alone, never on their order.
 */
import { MINUS, POINT, ZERO } from './codes';
import { fault, Why } from './fault';
import { formatNumber } from './host';
import { BUCKET_BYTES, BUCKETS, EXPONENT_LEAST, TEXT, TEXT_BYTES } from './layout';

/** The touched buckets lie in [lowest, highest]; the range is empty where lowest > highest. */
const NONE_LOWEST: i32 = i32.MAX_VALUE;
const NONE_HIGHEST: i32 = i32.MIN_VALUE;
export let lowest: i32 = NONE_LOWEST;
export let highest: i32 = NONE_HIGHEST;

/**
 * Numbers, or rests of numbers, below the least exponent: how many positive less how many negative. Only the sign
 * is used: a rest that is not zero can break a tie, no more.
 */
export let tails: i64 = 0;

// @ts-ignore: decorator
@inline
function bucketOf(exponent: i32): usize {
  return BUCKETS + <usize>(exponent - EXPONENT_LEAST) * BUCKET_BYTES;
}

export function clearSum(): void {
  if (lowest <= highest) {
    memory.fill(bucketOf(lowest), 0, <usize>(highest - lowest + 1) * BUCKET_BYTES);
  }
  lowest = NONE_LOWEST;
  highest = NONE_HIGHEST;
  tails = 0;
}

/** Takes up a sum whose buckets were put in place by the host. */
export function resumeSum(from: i32, to: i32, rests: i64): void {
  lowest = from;
  highest = to;
  tails = rests;
}

/** Adds ±`value`·10^`exponent`. */
// @ts-ignore: decorator
@inline
export function addGroup(exponent: i32, value: u64, negative: bool): void {
  const bucket = bucketOf(exponent);
  // x ^ −1 − (−1) is −x: a sign without a branch.
  const sign = -(<i64>negative);
  store<i64>(bucket, load<i64>(bucket) + ((<i64>(value & 0xffffffff) ^ sign) - sign));
  store<i64>(bucket, load<i64>(bucket, 8) + ((<i64>(value >>> 32) ^ sign) - sign), 8);
  if (exponent < lowest) lowest = exponent;
  if (exponent > highest) highest = exponent;
}

/** Adds `value`·10^`exponent`, where |`value`| is at most 2^32 for each number in it. */
// @ts-ignore: decorator
@inline
export function addSmall(exponent: i32, value: i64): void {
  const bucket = bucketOf(exponent);
  store<i64>(bucket, load<i64>(bucket) + value);
  if (exponent < lowest) lowest = exponent;
  if (exponent > highest) highest = exponent;
}

export function addTail(negative: bool): void {
  tails += negative ? -1 : 1;
}

/** Digits with at most this many places are their own shortest binary64 text (they survive the way there and back). */
const DIGITS_CERTAIN: i32 = 15;

/**
 * Writes the binary64 nearest to the sum, as text, at `to`; answers the address behind it, or 0 with the fault kept
 * where the sum is beyond binary64. Rounds once, ties to even.
 */
export function writeSum(to: usize, at: usize): usize {
  if (tails) touchForTail();
  if (lowest > highest) return writeZero(to);

  // The digits are written leftwards from here; a sign or an exponent still fits on either side.
  const digitsEnd = TEXT + TEXT_BYTES - 64;
  let digits = carryDigits(digitsEnd);
  const negative = isNegative;
  // A power of ten has no digit but zeros here: its 1 is the complement's carry.
  if (negative && complementDigits(digits, digitsEnd)) store<u8>(--digits, ZERO + 1);

  while (digits < digitsEnd && load<u8>(digits) == ZERO) digits++;
  if (digits == digitsEnd) return writeZero(to);
  let last = digitsEnd - 1;
  while (load<u8>(last) == ZERO) last--;
  const count = <i32>(last + 1 - digits);
  const exponent = bottom + <i32>(digitsEnd - 1 - last);

  const point = count + exponent; // places before the decimal point
  if (count <= DIGITS_CERTAIN && point > -6 && point <= 21) {
    if (negative) store<u8>(to++, MINUS);
    return writePositional(to, digits, count, point);
  }
  // The host's Number() rounds a decimal of any length correctly, and its String() is the shortest.
  if (negative) store<u8>(--digits, MINUS);
  const textEnd = writeExponent(last + 1, exponent);
  const length = formatNumber(digits, <i32>(textEnd - digits), to);
  return length ? to + <usize>length : fault(Why.SUM_TOO_LARGE, at);
}

/** What `carryDigits` left beside the digits: their sign, and the exponent of the last one. */
let isNegative: bool = false;
let bottom: i32 = 0;

/** The tail's digit stands one place below the least exponent, so the digits must reach down to that. */
function touchForTail(): void {
  if (EXPONENT_LEAST < lowest) lowest = EXPONENT_LEAST;
  if (EXPONENT_LEAST > highest) highest = EXPONENT_LEAST;
}

/**
 * Turns the buckets into decimal digits that end before `end`, in ten's complement, and answers the address of the
 * first. From the least exponent up, each bucket with what is carried into it leaves one digit and carries the rest.
 */
function carryDigits(end: usize): usize {
  let p = end;
  let low: i64 = 0; // the carry is high·2^32 + low, 0 ≤ low < 2^32
  let high: i64 = 0;
  bottom = lowest;
  if (tails) {
    // One place below all others: +1 there, or −1 as a 9 that borrows from the place above.
    bottom--;
    store<u8>(--p, tails > 0 ? ZERO + 1 : ZERO + 9);
    if (tails < 0) {
      high = -1;
      low = 0xffffffff;
    }
  }
  for (let exponent = lowest; exponent <= highest; exponent++) {
    const bucket = bucketOf(exponent);
    low += load<i64>(bucket);
    high += load<i64>(bucket, 8) + (low >> 32);
    low &= 0xffffffff;
    const quotient = floorTenth(high);
    const rest = ((high - quotient * 10) << 32) | low;
    low = rest / 10;
    high = quotient;
    store<u8>(--p, ZERO + <u8>(rest - low * 10));
  }
  while (!(high == 0 && low == 0) && !(high == -1 && low == 0xffffffff)) {
    const quotient = floorTenth(high);
    const rest = ((high - quotient * 10) << 32) | low;
    low = rest / 10;
    high = quotient;
    store<u8>(--p, ZERO + <u8>(rest - low * 10));
  }
  isNegative = high < 0;
  return p;
}

// @ts-ignore: decorator
@inline
function floorTenth(value: i64): i64 {
  const quotient = value / 10;
  return quotient - <i64>(value < quotient * 10);
}

/** Of digits in ten's complement that stand for a negative number: the digits of its magnitude. True: a 1 in front. */
function complementDigits(start: usize, end: usize): bool {
  let carry = 1;
  for (let p = end; p > start; ) {
    p--;
    let digit = 9 - <i32>(load<u8>(p) - ZERO) + carry;
    carry = <i32>(digit == 10);
    if (carry) digit = 0;
    store<u8>(p, ZERO + <u8>digit);
  }
  return carry != 0;
}

function writeZero(to: usize): usize {
  store<u16>(to, 0x2e30); // 0.
  store<u8>(to, ZERO, 2);
  return to + 3;
}

/** `count` digits, of which `point` stand before the decimal point; as ECMAScript's Number::toString places it. */
function writePositional(to: usize, digits: usize, count: i32, point: i32): usize {
  if (point <= 0) {
    store<u8>(to++, ZERO);
    store<u8>(to++, POINT);
    for (let i = point; i < 0; i++) store<u8>(to++, ZERO);
    return copyDigits(to, digits, count);
  }
  if (point < count) {
    to = copyDigits(to, digits, point);
    store<u8>(to++, POINT);
    return copyDigits(to, digits + <usize>point, count - point);
  }
  to = copyDigits(to, digits, count);
  for (let i = count; i < point; i++) store<u8>(to++, ZERO);
  store<u8>(to++, POINT);
  store<u8>(to++, ZERO);
  return to;
}

function copyDigits(to: usize, from: usize, count: i32): usize {
  for (let i = 0; i < count; i++) store<u8>(to + i, load<u8>(from + i));
  return to + <usize>count;
}

/** `e` and the exponent: at most six bytes. */
function writeExponent(to: usize, exponent: i32): usize {
  store<u8>(to++, 0x65);
  if (exponent < 0) {
    store<u8>(to++, MINUS);
    exponent = -exponent;
  }
  let divisor = 1000;
  for (; divisor; divisor /= 10) {
    store<u8>(to++, ZERO + <u8>((exponent / divisor) % 10));
  }
  return to;
}
