/**
 * The array of a `sum`: finds, checks and adds its numbers in one pass.
 *
 * Optimistic path: a number of at most 31 characters, of which 16 before a point, with a modest exponent, is found with
 * two vector compares and added as one to three groups of up to 19 digits; runs of short ones are left to
 * `addShortNumbers`. Exact path (`addAnyNumber`): every other number, whatever its length and exponent. All add decimals
 * as they are written; nothing is rounded here.
 */
import { addGroup, addTail, clearSum } from './decimal';
import { CLOSE_BRACKET, COMMA, MINUS, PLUS, POINT, ZERO } from './codes';
import { grammarFault, itemFault, Why } from './fault';
import { isDigit, nonDigits, skipNumber, skipSpace } from './json';
import { EXPONENT_GREATEST, EXPONENT_LEAST } from './layout';
import { addShortNumbers, SHORT_LENGTH_MAX, shortCount } from './short-numbers';

/**
 * 16 times 00, 16 times ff, 16 times 00. Loaded from `count` on, it keeps the last `count` lanes; from 16 + `count` on,
 * it is ff in all lanes but the last `count`.
 */
// prettier-ignore
const WINDOW: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/** The digits of the 16 bytes that end before `end`, as numbers. */
// @ts-ignore: decorator
@inline
function digitsBefore(end: usize): v128 {
  return i8x16.sub(v128.load(end - 16), i8x16.splat(<i8>ZERO));
}

/** The integer that the last `count` (0 to 16) lanes write in decimal. */
// @ts-ignore: decorator
@inline
function valueOf(digits: v128, count: i32): u64 {
  const kept = v128.and(digits, v128.load(WINDOW + <usize>count));
  // Neighbours become numbers of two digits, of four, of eight: the left one by its weight, plus the right one.
  const two = i16x8.add(
    i16x8.mul(v128.and(kept, i16x8.splat(0x00ff)), i16x8.splat(10)),
    i16x8.shr_u(kept, 8),
  );
  const four = i32x4.dot_i16x8_s(two, i16x8(100, 1, 100, 1, 100, 1, 100, 1));
  const eight = i32x4.dot_i16x8_s(
    i16x8.narrow_i32x4_u(four, four),
    i16x8(10000, 1, 10000, 1, 10000, 1, 10000, 1),
  );
  const both = i64x2.extract_lane(eight, 0);
  return (both & 0xffffffff) * 100000000 + (both >>> 32);
}

/** The value of the `count` (1 to 16) digits that end before `end`. */
// @ts-ignore: decorator
@inline
function groupValue(end: usize, count: i32): u64 {
  return valueOf(digitsBefore(end), count);
}

/**
 * The value of the `count` (2 to 15) digits that end before `end`, with a point in front of the last `fractionCount`:
 * the lanes up to the point move one to the right, over it.
 */
// @ts-ignore: decorator
@inline
function pointedGroupValue(end: usize, count: i32, fractionCount: i32): u64 {
  const lanes = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const from = i8x16.add(lanes, v128.load(WINDOW + 16 + <usize>fractionCount));
  return valueOf(i8x16.swizzle(digitsBefore(end), from), count);
}

/**
 * `p` is at the opening bracket. Answers the address behind the closing one, or 0 with the fault kept: then the array is
 * no JSON or holds something that cannot be added.
 */
export function sumArray(p: usize): usize {
  clearSum();
  p = skipSpace(p + 1);
  return load<u8>(p) == CLOSE_BRACKET ? p + 1 : addItems(p, 0, 0);
}

/** How many items of the array stand before the address at which the last `addItems` paused or found a fault. */
export let itemsBefore: u32 = 0;

/**
 * Adds the items from `p` on, where one begins whose index is `index`. Answers the address behind the closing bracket,
 * or 0 with the fault kept. Of an array that is not all there, only what stands before `pause` is looked at, which is
 * behind a comma and holds a 0: there it stops and answers `pause`.
 */
export function addItems(p: usize, index: u32, pause: usize): usize {
  while (true) {
    const start = p;
    p = addNumber(p, index);
    if (!p) {
      itemsBefore = index;
      return 0;
    }
    const isShort = p - start <= <usize>SHORT_LENGTH_MAX;
    p = skipSpace(p);
    const next = load<u8>(p);
    if (next != COMMA) {
      itemsBefore = index;
      return next == CLOSE_BRACKET ? p + 1 : grammarFault(Why.EXPECTED_COMMA_OR_BRACKET, p);
    }
    index++;
    p++;
    // Numbers of a kind come together: behind a short one, more are looked for.
    if (isShort) {
      p = addShortNumbers(p);
      index += shortCount;
    }
    p = skipSpace(p);
    if (p == pause) {
      itemsBefore = index;
      return p;
    }
  }
}

/** Greater exponents are the exact path's. */
const EXPONENT_FAST: i32 = 1000;

// @ts-ignore: decorator
@inline
export function addNumber(start: usize, index: u32): usize {
  const negative = load<u8>(start) == MINUS;
  const whole = start + <usize>negative;
  const others = nonDigits(whole) | (nonDigits(whole + 16) << 16);
  const wholeCount = <i32>ctz(others);
  const wholeEnd = whole + <usize>wholeCount;
  // No digit at all, one that may not lead, or no end in sight.
  if (wholeCount == 0 || wholeCount == 32 || (load<u8>(whole) == ZERO && wholeCount > 1)) {
    return addAnyNumber(start, index);
  }
  let p = wholeEnd;
  let fractionCount = 0;
  if (load<u8>(p) == POINT) {
    if (wholeCount > 16) return addAnyNumber(start, index);
    fractionCount = <i32>ctz(others & (others - 1)) - wholeCount - 1;
    if (fractionCount == 0 || wholeCount + fractionCount == 31) return addAnyNumber(start, index);
    p += <usize>(fractionCount + 1);
  }
  const digitsEnd = p;
  let exponent = 0;
  if ((load<u8>(p) | 0x20) == 0x65) {
    p++;
    const sign = load<u8>(p);
    p += <usize>(sign == MINUS || sign == PLUS);
    if (!isDigit(load<u8>(p))) return addAnyNumber(start, index);
    while (isDigit(load<u8>(p))) {
      exponent = exponent * 10 + <i32>(load<u8>(p) - ZERO);
      if (exponent >= EXPONENT_FAST) return addAnyNumber(start, index);
      p++;
    }
    if (sign == MINUS) exponent = -exponent;
    // A digit at 10^308 may be one too large, one below the least exponent is not added: both need a closer look.
    if (exponent + wholeCount > EXPONENT_GREATEST || exponent - fractionCount < EXPONENT_LEAST) {
      return addAnyNumber(start, index);
    }
  }
  if (fractionCount == 0) {
    addGroup(exponent, groupValue(wholeEnd, min(wholeCount, 16)), negative);
    if (wholeCount > 16) addGroup(exponent + 16, groupValue(wholeEnd - 16, wholeCount - 16), negative);
  } else if (wholeCount + fractionCount < 16) {
    addGroup(
      exponent - fractionCount,
      pointedGroupValue(digitsEnd, wholeCount + fractionCount, fractionCount),
      negative,
    );
  } else {
    if (load<u8>(whole) != ZERO) addGroup(exponent, groupValue(wholeEnd, wholeCount), negative);
    const near = min(fractionCount, 16);
    let value = groupValue(wholeEnd + 1 + <usize>near, near);
    const rest = fractionCount - near;
    if (rest > 3) {
      addGroup(exponent - near, value, negative);
      value = groupValue(digitsEnd, rest);
    } else if (rest) {
      // Up to 19 digits fit into one group: it is the rest's few that are cheap to add here.
      for (let digit = digitsEnd - <usize>rest; digit < digitsEnd; digit++) {
        value = value * 10 + <u64>(load<u8>(digit) - ZERO);
      }
    }
    addGroup(exponent - fractionCount, value, negative);
  }
  return p;
}

/**
 * Exact path. A number of any length: its digits are taken from the first that is not 0, in groups of 16, down to
 * the least exponent; below that only "is there a digit that is not 0" counts.
 */
export function addAnyNumber(start: usize, index: u32): usize {
  const first = load<u8>(start);
  if (first != MINUS && !isDigit(first)) return itemFault(Why.SUM_ITEM_NOT_NUMBER, start, index);
  const behind = skipNumber(start);
  if (!behind) return 0;
  const negative = first == MINUS;
  const whole = start + <usize>negative;

  // The digits lie in [whole, digitsEnd) around the point, if there is one.
  let pointAt: usize = 0;
  let digitsEnd = behind;
  let leading: usize = 0;
  for (let p = whole; p < behind; p++) {
    const byte = load<u8>(p);
    if (byte == POINT) pointAt = p;
    else if (!isDigit(byte)) {
      digitsEnd = p;
      break;
    } else if (byte != ZERO && !leading) leading = p;
  }
  if (!leading) return behind;
  const exponent = digitsEnd == behind ? 0 : readExponent(digitsEnd + 1, behind);
  const units = pointAt ? pointAt : digitsEnd;
  // 10^top is the place of the first digit that is not 0.
  const top: i64 = exponent + (leading < units ? <i64>(units - leading) - 1 : -<i64>(leading - units));
  if (top >= <i64>EXPONENT_GREATEST && isTooLarge(leading, digitsEnd, top)) {
    return itemFault(Why.SUM_ITEM_TOO_LARGE, start, index);
  }
  if (top < <i64>EXPONENT_LEAST) {
    addTail(negative);
    return behind;
  }

  let place = <i32>top;
  let group: u64 = 0;
  let count = 0;
  let p = leading;
  for (; p < digitsEnd && place >= EXPONENT_LEAST; p++) {
    if (p == pointAt) continue;
    group = group * 10 + <u64>(load<u8>(p) - ZERO);
    count++;
    if (count == 16) {
      addGroup(place, group, negative);
      group = 0;
      count = 0;
    }
    place--;
  }
  if (count) addGroup(place + 1, group, negative);
  for (; p < digitsEnd; p++) {
    if (p != pointAt && load<u8>(p) != ZERO) {
      addTail(negative);
      break;
    }
  }
  return behind;
}

/** Far beyond any length that a number of 4 GiB could balance. */
const EXPONENT_HUGE: i64 = 1 << 40;

function readExponent(p: usize, end: usize): i64 {
  const sign = load<u8>(p);
  if (sign == MINUS || sign == PLUS) p++;
  let exponent: i64 = 0;
  for (; p < end; p++) {
    if (exponent < EXPONENT_HUGE) exponent = exponent * 10 + <i64>(load<u8>(p) - ZERO);
  }
  return sign == MINUS ? -exponent : exponent;
}

/**
 * 2^1024 − 2^970, the least number that rounds to infinity: half a unit above the greatest binary64. It has 309
 * digits, so that its first is at 10^308.
 */
const TOO_LARGE: string =
  '1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490179775872070963302864166' +
  '9288791094655554785194040263065748867150582068190890200070838367627385484581771153176447573027006985557136695962' +
  '2842914819860834936475292719074168444365510704342711559699508093042880177904174497792';

function isTooLarge(leading: usize, digitsEnd: usize, top: i64): bool {
  if (top > <i64>EXPONENT_GREATEST) return true;
  let i = 0;
  for (let p = leading; p < digitsEnd && i < TOO_LARGE.length; p++) {
    const byte = load<u8>(p);
    if (byte == POINT) continue;
    const limit = load<u8>(changetype<usize>(TOO_LARGE) + (<usize>i << 1));
    if (byte != limit) return byte > limit;
    i++;
  }
  // Equal as far as the number goes: it is as large only if nothing but zeros is left of the limit.
  for (; i < TOO_LARGE.length; i++) {
    if (load<u8>(changetype<usize>(TOO_LARGE) + (<usize>i << 1)) != ZERO) return false;
  }
  return true;
}
