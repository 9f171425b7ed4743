/**
 * The array of a `sum`: finds, checks and adds its numbers in one pass.
 *
 * Optimistic path: a number of at most 31 characters before its exponent, and a modest one, is found with two vector
 * compares and added eight digits at a time. Runs of numbers without an exponent are left to `addPlainNumbers`, which is
 * faster still. Exact path (`addAnyNumber`): every other number, whatever its length and exponent. All add decimals as they
 * are written; nothing is rounded here.
 */

import { digitsIn } from './byte-kinds';
import { CLOSE_BRACKET, COMMA, MINUS, PLUS, POINT, ZERO } from './codes';
import { addGroup, addPair, addTail, clearSum, touch } from './decimal';
import { grammarFault, itemFault, Why } from './fault';
import { isDigit, skipNumber, skipSpace } from './json';
import { EXPONENT_GREATEST, EXPONENT_LEAST } from './layout';
import { addPlainNumbers, plainCount } from './plain-numbers';

/**
 * 32 times 00, 32 times 0f: masks for the 32 bytes before an address, by 16. Loaded from 16 + `count` on, it is 0f in the
 * last `count` of the near 16; loaded from `count` on, in what is left of `count` for the far 16. The low half of a
 * digit's character is its value.
 */
// prettier-ignore
const LAST: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 15, 15, 15, 15,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
]);

// Constant vectors that are loaded: V8 makes one anew wherever it is used, of two words, which takes longer.

/** 1 + 10·256. A lane holds left + 256·right; times this, its high byte is 10·left + right, and the rest falls away. */
const TENS: usize = memory.data<u16>([0x0a01, 0x0a01, 0x0a01, 0x0a01, 0x0a01, 0x0a01, 0x0a01, 0x0a01]);
const HUNDREDS: usize = memory.data<i16>([100, 1, 100, 1, 100, 1, 100, 1]);
/** After the weights of a positive number are those of a negative one. */
// prettier-ignore
const TEN_THOUSANDS: usize = memory.data<i16>([
  10000, 1, 10000, 1, 10000, 1, 10000, 1, -10000, -1, -10000, -1, -10000, -1, -10000, -1,
]);

/** A bit for each of the 32 bytes at `p` that is a digit, the first byte's bit lowest. */
// @ts-ignore: decorator
@inline
function digitsAt(p: usize): u32 {
  return <u32>i8x16.bitmask(digitsIn(v128.load(p))) | ((<u32>i8x16.bitmask(digitsIn(v128.load(p, 16)))) << 16);
}

/**
 * The integers that 16 characters write in each four lanes: those of `after` where `point` is 0f and of `front`
 * elsewhere. Only lanes in which `kept` is 0f count, and of each byte only the low half.
 */
// @ts-ignore: decorator
@inline
function fourDigits(front: v128, after: v128, point: v128, kept: v128): v128 {
  const digits = v128.and(v128.bitselect(after, front, point), kept);
  // Neighbours become numbers of two digits, in the high byte of a lane, and then of four: the left one by its weight, plus
  // the right one.
  const two = i16x8.shr_u(i16x8.mul(digits, v128.load(TENS)), 8);
  return i32x4.dot_i16x8_s(two, v128.load(HUNDREDS));
}

/** Of eight numbers of four digits: four of eight digits, with the sign of the weights. */
// @ts-ignore: decorator
@inline
function eightDigits(left: v128, right: v128, weights: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(left, right), weights);
}

/**
 * `p` is at the opening bracket. Answers the address after the closing one, or 0 with the fault kept: then the array is
 * no JSON or holds something that cannot be added.
 */
export function sumArray(p: usize): usize {
  clearSum();
  p = skipSpace(p + 1);
  return load<u8>(p) == CLOSE_BRACKET ? p + 1 : addItems(p, 0, 0);
}

/** A run of fewer plain numbers costs more than it saves. */
const RUN_LEAST: u32 = 8;

/** So many numbers are added one by one, at most, before another look for a run. */
const ALONE_MAX: i32 = 255;

/** How many items of the array are before the address at which the last `addItems` paused or found a fault. */
export let itemsBefore: u32 = 0;

/**
 * Adds the items from `p` on, where one begins whose index is `index`. Answers the address after the closing bracket,
 * or 0 with the fault kept. Of an array that is not all there, only what is before `pause` is looked at. `pause` is
 * after a comma and holds a 0: there the function stops and answers `pause`.
 */
export function addItems(p: usize, index: u32, pause: usize): usize {
  // How many are added one by one before the next look for a run, and how many it was last time.
  let alone = 3;
  let aloneBefore = 0;
  while (true) {
    p = addNumber(p, index);
    if (!p) {
      itemsBefore = index;
      return 0;
    }
    let next = load<u8>(p);
    if (next <= 0x20) {
      p = skipSpace(p);
      next = load<u8>(p);
    }
    if (next != COMMA) {
      itemsBefore = index;
      return next == CLOSE_BRACKET ? p + 1 : grammarFault(Why.EXPECTED_COMMA_OR_BRACKET, p);
    }
    index++;
    p++;
    // Numbers of a kind come together: where a run was short, the next look for one is later and later.
    if (alone) alone--;
    else {
      p = addPlainNumbers(p);
      index += plainCount;
      aloneBefore = plainCount < RUN_LEAST ? min(2 * aloneBefore + 1, ALONE_MAX) : 0;
      alone = aloneBefore;
    }
    p = skipSpace(p);
    if (p == pause) {
      itemsBefore = index;
      return p;
    }
  }
}

/**
 * Adds the number that begins at `start`, the array's item `index`. Answers the address after it, or 0 with the fault
 * kept. What is long, strange or no number at all goes the exact path.
 */
// @ts-ignore: decorator
@inline
export function addNumber(start: usize, index: u32): usize {
  const negative = load<u8>(start) == MINUS;
  const whole = start + <usize>negative;
  // Counted from `start`, so that the vectors need not wait until the sign is known: a processor works on several numbers
  // at a time only as far as the next one's address comes soon.
  const others = ~(digitsAt(start) | <u32>negative);
  const wholeCount = <i32>(ctz(others) - <u32>negative);
  let p = start + <usize>ctz(others);
  // No digit at all, no end in sight, or a needless 0 in front.
  if (<u32>(wholeCount - 1) >= 30 || <i32>(load<u8>(whole) == ZERO) & <i32>(wholeCount > 1)) {
    return addAnyNumber(start, index);
  }
  let fractionCount = 0;
  // Without a point all digits are after it.
  let afterPoint: usize = 32;
  if (load<u8>(p) == POINT) {
    const length = <usize>ctz(others & (others - 1));
    fractionCount = <i32>(start + length - p) - 1;
    if (fractionCount == 0 || length == 32) return addAnyNumber(start, index);
    afterPoint = <usize>fractionCount;
    p = start + length;
  }
  const count = wholeCount + fractionCount;
  const digitsEnd = p;
  let exponent = 0;
  if ((load<u8>(p) | 0x20) == 0x65) {
    p++;
    const sign = load<u8>(p);
    p += <usize>(sign == MINUS || sign == PLUS);
    // One digit or two without a branch, then a third.
    const first = <u32>load<u8>(p) - ZERO;
    if (first > 9) return addAnyNumber(start, index);
    const second = <u32>load<u8>(p, 1) - ZERO;
    const isLonger = second < 10;
    exponent = select(first * 10 + second, first, isLonger);
    p += <usize>(1 + <i32>isLonger);
    if (isDigit(load<u8>(p))) {
      exponent = exponent * 10 + <i32>(load<u8>(p) - ZERO);
      p++;
      if (isDigit(load<u8>(p))) return addAnyNumber(start, index);
    }
    const negation = -(<i32>(sign == MINUS));
    exponent = (exponent ^ negation) - negation;
    // A digit at 10^308 may be one too large: it needs a closer look. The least exponent is out of reach: three digits of
    // an exponent and 29 of a fraction end at 10^-1028.
    if (exponent + wholeCount > EXPONENT_GREATEST) return addAnyNumber(start, index);
  }
  exponent -= fractionCount;
  const weights = v128.load(TEN_THOUSANDS + ((<usize>negative) << 4));
  // What is before the point moves one to the right, over it.
  const text = digitsEnd - 33;
  const low = fourDigits(
    v128.load(text, 16),
    v128.load(text, 17),
    v128.load(LAST + 16 + afterPoint),
    v128.load(LAST + 16 + <usize>count),
  );
  // Not 16, though the near sixteen would do: doubles have 16 or 17 digits in no order that could be foreseen.
  if (count <= 15) {
    addPair(exponent, i64x2.extend_low_i32x4_s(eightDigits(low, low, weights)));
    touch(exponent, exponent);
    return p;
  }
  const high = fourDigits(
    v128.load(text),
    v128.load(text, 1),
    v128.load(LAST + afterPoint),
    v128.load(LAST + <usize>count),
  );
  const eight = eightDigits(low, high, weights);
  addPair(exponent, i64x2.extend_low_i32x4_s(eight));
  addPair(exponent + 16, i64x2.extend_high_i32x4_s(eight));
  touch(exponent, exponent + 16);
  return p;
}

/**
 * Exact path. A number of any length: its digits are taken from the first that is not 0, in groups of 16, down to
 * the least exponent; below that only "is there a digit that is not 0" counts.
 */
export function addAnyNumber(start: usize, index: u32): usize {
  const first = load<u8>(start);
  if (first != MINUS && !isDigit(first)) return itemFault(Why.SUM_ITEM_NOT_NUMBER, start, index);
  const after = skipNumber(start);
  if (!after) return 0;
  const negative = first == MINUS;
  const whole = start + <usize>negative;

  // The digits lie in [whole, digitsEnd) around the point, if there is one.
  let pointAt: usize = 0;
  let digitsEnd = after;
  let leading: usize = 0;
  for (let p = whole; p < after; p++) {
    const byte = load<u8>(p);
    if (byte == POINT) pointAt = p;
    else if (!isDigit(byte)) {
      digitsEnd = p;
      break;
    } else if (byte != ZERO && !leading) leading = p;
  }
  if (!leading) return after;
  const exponent = digitsEnd == after ? 0 : readExponent(digitsEnd + 1, after);
  const units = pointAt ? pointAt : digitsEnd;
  // 10^top is the place of the first digit that is not 0.
  const top: i64 = exponent + (leading < units ? <i64>(units - leading) - 1 : -(<i64>(leading - units)));
  if (top >= <i64>EXPONENT_GREATEST && isTooLarge(leading, digitsEnd, top)) {
    return itemFault(Why.SUM_ITEM_TOO_LARGE, start, index);
  }
  if (top < <i64>EXPONENT_LEAST) {
    addTail(negative);
    return after;
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
  return after;
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
    const limit = load<u8>(changetype<usize>(TOO_LARGE) + ((<usize>i) << 1));
    if (byte != limit) return byte > limit;
    i++;
  }
  // Equal as far as the number goes: it is as large only if nothing but zeros is left of the limit.
  for (; i < TOO_LARGE.length; i++) {
    if (load<u8>(changetype<usize>(TOO_LARGE) + ((<usize>i) << 1)) != ZERO) return false;
  }
  return true;
}
