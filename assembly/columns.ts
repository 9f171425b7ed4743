/**
 * Adds decimals by columns, as on paper: first, for each place before and after the point, the digits that stand there;
 * then what the columns are worth. Sixteen places of a number take a load, a mask and an addition. What multiplies comes
 * only when the columns are put to the sum, which is after some thousands of numbers.
 *
 * Invariant: no column overflows. Those of up to TERMS_MAX numbers are bytes; they are gathered up to GATHERINGS_MAX times in
 * lanes of 16 bits. All columns are 0 between runs.
 *
 * Which bytes are numbers, and that they are, is left to `plain-numbers.ts`.
 */
import { MINUSES } from './byte-kinds';
import { addSmall } from './decimal';

/** 28 · 9 = 252: how many digits a byte can add up. */
export const TERMS_MAX: u32 = 28;

/** 128 · 252 = 32256: how often a signed lane of 16 bits can gather as much. */
const GATHERINGS_MAX: i32 = 128;

/** The places on either side of the point that are near it; as many more are far. */
const NEAR_PLACES: usize = 16;

/**
 * 32 times 00, 32 times 0f, 33 times 00: masks for the bytes that are a number's. Before the point these are a vector's last
 * ones, after it the first ones, of an integer −1. The low half of a digit's character is its value.
 */
// prettier-ignore
const KEPT: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 15, 15, 15, 15,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/**
 * The columns as bytes: sixteen before the point, after it, far before and far after it; those of all numbers, and then those of
 * the negative ones among them.
 */
const COLUMNS: usize = memory.data<u64>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const BEFORE: usize = 0;
const AFTER: usize = 16;
const FAR_BEFORE: usize = 32;
const FAR_AFTER: usize = 48;
const NEGATIVE: usize = 64;

/** What is gathered of each: the even columns and the odd ones, in 16 bits each. The negative ones are taken away from all. */
// prettier-ignore
const GATHERED: usize = memory.data<u64>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/** How many numbers the columns of bytes hold, and how often they were gathered. */
let terms: u32 = 0;
let gatherings: i32 = 0;
/** Is something far among what was added? */
let isAnyFar: bool = false;

const THOUSANDS: usize = memory.data<i16>([1000, 10, 1000, 10, 1000, 10, 1000, 10]);
const HUNDREDS: usize = memory.data<i16>([100, 1, 100, 1, 100, 1, 100, 1]);

/** Makes room in the columns for `count` numbers, TERMS_MAX at most. */
// @ts-ignore: decorator
@inline
export function makeRoom(count: u32): void {
  if (terms + count > TERMS_MAX) {
    gatherColumns();
    terms = 0;
  }
  terms += count;
}

/**
 * Adds the first `count` numbers of a block, for which there is room. The words have a bit for each number's first digit, for
 * its point or, without one, its end, and for its end, counted from `p`.
 *
 * `isSigned` and `isFar` are constants, so that each use is a loop of its own. Without `isSigned` no number is negative;
 * without `isFar` none has places that are far. What is far is signed.
 */
// @ts-ignore: decorator
@inline
export function addBlock(p: usize, firsts: u64, points: u64, ends: u64, count: u32, isSigned: bool, isFar: bool): void {
  let before = v128.load(COLUMNS, BEFORE);
  let after = v128.load(COLUMNS, AFTER);
  let farBefore = isFar ? v128.load(COLUMNS, FAR_BEFORE) : before;
  let farAfter = isFar ? v128.load(COLUMNS, FAR_AFTER) : after;
  let negativeBefore = isSigned ? v128.load(COLUMNS, NEGATIVE + BEFORE) : before;
  let negativeAfter = isSigned ? v128.load(COLUMNS, NEGATIVE + AFTER) : after;
  let negativeFarBefore = isFar ? v128.load(COLUMNS, NEGATIVE + FAR_BEFORE) : before;
  let negativeFarAfter = isFar ? v128.load(COLUMNS, NEGATIVE + FAR_AFTER) : after;
  const minus = v128.load(MINUSES);
  // Constant offsets cost nothing, but cannot be negative: all are from here.
  const origin = p - 2 * NEAR_PLACES;
  do {
    const first = <usize>ctz(firsts);
    const point = <usize>ctz(points);
    const text = origin + point;
    const keepBefore = KEPT + point - first;
    const keepAfter = KEPT + 33 + point - <usize>ctz(ends);
    const digitsBefore = v128.and(v128.load(text, 16), v128.load(keepBefore, 16));
    const digitsAfter = v128.and(v128.load(text, 33), v128.load(keepAfter, 32));
    before = i8x16.add(before, digitsBefore);
    after = i8x16.add(after, digitsAfter);
    // All ones where the byte before is a minus; a branch could not be foreseen.
    const sign = isSigned ? i8x16.eq(v128.load8_splat(origin + first, 31), minus) : minus;
    if (isSigned) {
      negativeBefore = i8x16.add(negativeBefore, v128.and(digitsBefore, sign));
      negativeAfter = i8x16.add(negativeAfter, v128.and(digitsAfter, sign));
    }
    if (isFar) {
      const digitsFarBefore = v128.and(v128.load(text), v128.load(keepBefore));
      const digitsFarAfter = v128.and(v128.load(text, 49), v128.load(keepAfter, 48));
      farBefore = i8x16.add(farBefore, digitsFarBefore);
      farAfter = i8x16.add(farAfter, digitsFarAfter);
      negativeFarBefore = i8x16.add(negativeFarBefore, v128.and(digitsFarBefore, sign));
      negativeFarAfter = i8x16.add(negativeFarAfter, v128.and(digitsFarAfter, sign));
    }
    firsts &= firsts - 1;
    points &= points - 1;
    ends &= ends - 1;
  } while (--count);
  v128.store(COLUMNS, before, BEFORE);
  v128.store(COLUMNS, after, AFTER);
  if (isSigned) {
    v128.store(COLUMNS, negativeBefore, NEGATIVE + BEFORE);
    v128.store(COLUMNS, negativeAfter, NEGATIVE + AFTER);
  }
  if (isFar) {
    isAnyFar = true;
    v128.store(COLUMNS, farBefore, FAR_BEFORE);
    v128.store(COLUMNS, farAfter, FAR_AFTER);
    v128.store(COLUMNS, negativeFarBefore, NEGATIVE + FAR_BEFORE);
    v128.store(COLUMNS, negativeFarAfter, NEGATIVE + FAR_AFTER);
  }
}

/** Gathers the columns of bytes, which are 0 afterwards. */
// @ts-ignore: decorator
@inline
function gatherColumns(): void {
  gather(BEFORE);
  gather(AFTER);
  gather(NEGATIVE + BEFORE);
  gather(NEGATIVE + AFTER);
  if (isAnyFar) {
    gather(FAR_BEFORE);
    gather(FAR_AFTER);
    gather(NEGATIVE + FAR_BEFORE);
    gather(NEGATIVE + FAR_AFTER);
  }
  gatherings++;
  if (gatherings == GATHERINGS_MAX) putGathered();
}

// @ts-ignore: decorator
@inline
function gather(which: usize): void {
  const columns = v128.load(COLUMNS + which);
  const to = GATHERED + 2 * which;
  v128.store(COLUMNS + which, i64x2.splat(0));
  v128.store(to, i16x8.add(v128.load(to), v128.and(columns, i16x8.splat(0xff))));
  v128.store(to, i16x8.add(v128.load(to, 16), i16x8.shr_u(columns, 8)), 16);
}

/** Puts all columns to the sum. */
export function putColumns(): void {
  if (!terms) return;
  terms = 0;
  gatherColumns();
  putGathered();
  isAnyFar = false;
}

function putGathered(): void {
  gatherings = 0;
  putPlaces(GATHERED + 2 * BEFORE, 0);
  putPlaces(GATHERED + 2 * AFTER, -16);
  if (!isAnyFar) return;
  putPlaces(GATHERED + 2 * FAR_BEFORE, 16);
  putPlaces(GATHERED + 2 * FAR_AFTER, -32);
}

/** Sixteen places; the last is that of 10^`exponent`. */
function putPlaces(at: usize, exponent: i32): void {
  const all = takeFours(at);
  const negative = takeFours(at + 2 * NEGATIVE);
  const fours = i32x4.sub(all, i32x4.add(negative, negative));
  const upper = <i64>i32x4.extract_lane(fours, 0) * 10000 + <i64>i32x4.extract_lane(fours, 1);
  const lower = <i64>i32x4.extract_lane(fours, 2) * 10000 + <i64>i32x4.extract_lane(fours, 3);
  if (upper) addSmall(exponent + 8, upper);
  if (lower) addSmall(exponent, lower);
}

/** What each four columns are worth, the highest places in the lowest lane. The columns are 0 afterwards. */
// @ts-ignore: decorator
@inline
function takeFours(at: usize): v128 {
  const even = i32x4.dot_i16x8_s(v128.load(at), v128.load(THOUSANDS));
  const odd = i32x4.dot_i16x8_s(v128.load(at, 16), v128.load(HUNDREDS));
  v128.store(at, i64x2.splat(0));
  v128.store(at, i64x2.splat(0), 16);
  return i32x4.add(even, odd);
}
