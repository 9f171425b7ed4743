/**
 * The exact sum: one bucket for each decimal exponent, and its rounding to binary64 at the end.
 *
 *     sum = Σ (upper[e]·10^8 + lower[e])·10^e  +  tail,       upper[e], lower[e]: the two i64 of bucket e
 *
 * What is added to either half at once has eight digits, so it takes 4·10^10 numbers before two halves with their
 * carry could overflow: more than a body of 4 GiB holds. The state depends on the multiset of numbers alone, never on
 * their order.
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

/** The upper half of a bucket counts so many places above the lower. */
const UPPER_PLACES: i32 = 8;

/** Adds `pair`, the upper half in the low lane, to the bucket of 10^`exponent`. The caller has to `touch` it, too. */
// @ts-ignore: decorator
@inline
export function addPair(exponent: i32, pair: v128): void {
  const bucket = bucketOf(exponent);
  v128.store(bucket, i64x2.add(v128.load(bucket), pair));
}

/** Lets the buckets from `least` to `greatest` be among the touched. */
// @ts-ignore: decorator
@inline
export function touch(least: i32, greatest: i32): void {
  if (least < lowest) lowest = least;
  if (greatest > highest) highest = greatest;
}

/** Adds ±`value`·10^`exponent`, where `value` has at most 16 digits. */
export function addGroup(exponent: i32, value: u64, negative: bool): void {
  const upper = <i64>(value / 100000000);
  const pair = i64x2(upper, <i64>value - upper * 100000000);
  addPair(exponent, negative ? i64x2.neg(pair) : pair);
  touch(exponent, exponent);
}

/** Adds `value`·10^`exponent`, where |`value`| is below 10^8 for each number in it. */
// @ts-ignore: decorator
@inline
export function addSmall(exponent: i32, value: i64): void {
  addPair(exponent, i64x2(0, value));
  touch(exponent, exponent);
}

export function addTail(negative: bool): void {
  tails += negative ? -1 : 1;
}

/** Digits with at most this many places are their own shortest binary64 text (they survive the way there and back). */
const DIGITS_CERTAIN: i32 = 15;

/** Digits are written leftwards from here; a sign and an exponent still fit on either side. */
const DIGITS_END: usize = TEXT + TEXT_BYTES - 64;

/**
 * What `layDigits` leaves: the digits of the magnitude are in [firstDigit, digitsEnd). Neither the first nor the last
 * of them is 0, and the place of the last is 10^lastExponent.
 */
let firstDigit: usize = 0;
let digitsEnd: usize = 0;
let lastExponent: i32 = 0;
let isNegative: bool = false;

/**
 * Writes the binary64 nearest to the sum, as text, at `to`; answers the address after it, or 0 with the fault kept
 * where the sum is beyond binary64. Rounds once, ties to even.
 */
export function writeSum(to: usize, at: usize): usize {
  if (tails) touchForTail();
  if (!layDigits(tails)) return writeZero(to);
  const count = <i32>(digitsEnd - firstDigit);
  const point = count + lastExponent; // places before the decimal point
  if (count <= DIGITS_CERTAIN && point > -6 && point <= 21) {
    if (isNegative) store<u8>(to++, MINUS);
    return writePositional(to, firstDigit, count, point);
  }
  // The host's Number() rounds a decimal of any length correctly, and its String() is the shortest.
  const text = signDigits();
  const textEnd = writeExponent(digitsEnd, lastExponent);
  const length = formatNumber(text, <i32>(textEnd - text), to);
  return length ? to + <usize>length : fault(Why.SUM_TOO_LARGE, at);
}

/** How long the text of the last `writeExactSum` is. */
export let exactLength: i32 = 0;

/**
 * Leaves the sum without its tails as text in TEXT, not rounded: a sign where it is negative, digits, `e`, exponent.
 * Answers the text's address.
 */
export function writeExactSum(): usize {
  if (!layDigits(0)) {
    firstDigit = DIGITS_END - 1;
    digitsEnd = DIGITS_END;
    lastExponent = 0;
    isNegative = false;
    store<u8>(firstDigit, ZERO);
  }
  const text = signDigits();
  exactLength = <i32>(writeExponent(digitsEnd, lastExponent) - text);
  return text;
}

function signDigits(): usize {
  if (isNegative) store<u8>(firstDigit - 1, MINUS);
  return firstDigit - <usize>isNegative;
}

/** The tail's digit is one place below the least exponent, so the digits must reach down to that. */
function touchForTail(): void {
  if (EXPONENT_LEAST < lowest) lowest = EXPONENT_LEAST;
  if (EXPONENT_LEAST > highest) highest = EXPONENT_LEAST;
}

/** Lays the sum out in decimal, with one place below all others for the sign of `tail`. False where it is zero. */
function layDigits(tail: i64): bool {
  if (lowest > highest) return false;
  let digits = carryDigits(tail);
  // A power of ten has no digit but zeros here: its 1 is the complement's carry.
  if (isNegative && complementDigits(digits, DIGITS_END)) store<u8>(--digits, ZERO + 1);
  while (digits < DIGITS_END && load<u8>(digits) == ZERO) digits++;
  if (digits == DIGITS_END) return false;
  let last = DIGITS_END - 1;
  while (load<u8>(last) == ZERO) last--;
  firstDigit = digits;
  digitsEnd = last + 1;
  lastExponent = lowest - <i32>(tail != 0) + <i32>(DIGITS_END - digitsEnd);
  return true;
}

/** What the buckets hold of 10^`exponent`: the lower half of its own, and the upper half of one below. */
function heldAt(exponent: i32): i64 {
  let held: i64 = exponent <= highest ? load<i64>(bucketOf(exponent), 8) : 0;
  const below = exponent - UPPER_PLACES;
  if (below >= lowest && below <= highest) held += load<i64>(bucketOf(below));
  return held;
}

/**
 * Turns the buckets into decimal digits that end before DIGITS_END, in ten's complement, and answers the address of the
 * first. From the least exponent up, each bucket with what is carried into it leaves one digit and carries the rest.
 */
function carryDigits(tail: i64): usize {
  let p = DIGITS_END;
  let carry: i64 = 0;
  if (tail) {
    // One place below all others: +1 there, or −1 as a 9 that borrows from the place above.
    store<u8>(--p, tail > 0 ? ZERO + 1 : ZERO + 9);
    if (tail < 0) carry = -1;
  }
  let top = highest + UPPER_PLACES;
  while (top > highest && !heldAt(top)) top--;
  for (let exponent = lowest; exponent <= top || (carry != 0 && carry != -1); exponent++) {
    carry += heldAt(exponent);
    const quotient = floorTenth(carry);
    store<u8>(--p, ZERO + <u8>(carry - quotient * 10));
    carry = quotient;
  }
  isNegative = carry < 0;
  return p;
}

// @ts-ignore: decorator
@inline
function floorTenth(value: i64): i64 {
  const quotient = value / 10;
  return quotient - <i64>(value < quotient * 10);
}

/** Turns digits in ten's complement of a negative number into those of its magnitude. True: a 1 belongs before them. */
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

/** `count` digits, of which `point` are before the decimal point, where ECMAScript's Number::toString places it. */
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
