/**
 * Short numbers of a `sum`: the commas of 64 bytes are found at once, and each number of up to 8 characters is read with
 * one load, checked and converted in that word. Integers of a run meet in a register.
 *
 * It takes only what is plainly a number; whatever else stands there it leaves to `addNumber`, which also finds the
 * faults. The bytes behind the array may be anything: a number counts only up to its comma, and the closing bracket is
 * no part of one.
 */
import { COMMA, MINUS, POINT, ZERO } from './codes';
import { addSmall } from './decimal';
import { skipSpace } from './json';

/** Longer numbers are not short. */
export const SHORT_LENGTH_MAX: i32 = 8;

/** How many numbers the last `addShortNumbers` added. */
export let shortCount: u32 = 0;

/** A bit for each of the 64 bytes at `p` that is a comma, the first byte's bit lowest. */
// @ts-ignore: decorator
@inline
function commasAt(p: usize): u64 {
  const comma = i8x16.splat(<i8>COMMA);
  const low = equal16(p, comma) | (equal16(p + 16, comma) << 16);
  const high = equal16(p + 32, comma) | (equal16(p + 48, comma) << 16);
  return <u64>low | (<u64>high << 32);
}

// @ts-ignore: decorator
@inline
function equal16(p: usize, bytes: v128): u32 {
  return <u32>i8x16.bitmask(i8x16.eq(v128.load(p), bytes));
}

/**
 * The integer whose decimal digits are the bytes of `digits`, the first in the lowest byte: neighbours become numbers of
 * two digits, of four, of eight (Daniel Lemire, "Quickly parsing eight digits", 2018).
 */
// @ts-ignore: decorator
@inline
function eightDigits(digits: u64): i64 {
  const two = digits * 10 + (digits >> 8);
  return <i64>(
    (((two & 0x000000ff000000ff) * 0x000f424000000064 + ((two >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >> 32)
  );
}

/** Masks that keep the last 0 to 8 bytes of a word, the highest ones. */
const KEEP: usize = memory.data<u64>([
  0, 0xff00000000000000, 0xffff000000000000, 0xffffff0000000000, 0xffffffff00000000, 0xffffffffff000000,
  0xffffffffffff0000, 0xffffffffffffff00, 0xffffffffffffffff,
]);

/** The least integer of 1 to 8 digits that has no needless zero in front. */
const LEAST: usize = memory.data<i64>([0, 0, 10, 100, 1000, 10000, 100000, 1000000, 10000000]);

// @ts-ignore: decorator
@inline
function keep(count: i32): u64 {
  return load<u64>(KEEP + (<usize>count << 3));
}

/** The last `count` bytes before `end`, as digits: 0 to 9 for each byte that is one, and 0 in front. */
// @ts-ignore: decorator
@inline
function digitsBefore(end: usize, count: i32): u64 {
  return (load<u64>(end - 8) ^ 0x3030303030303030) & keep(count);
}

/** Bits of the high half of each byte that is above 9. */
// @ts-ignore: decorator
@inline
function notDigits(digits: u64): u64 {
  return ((digits + 0x0606060606060606) | digits) & 0xf0f0f0f0f0f0f0f0;
}

/** What `notDigits` gives for a point, and the point itself as a digit. */
const POINT_BITS: u64 = 0x30;
const POINT_DIGIT: u64 = <u64>(POINT ^ ZERO);

/**
 * Adds the short numbers from `p` on, each with the comma behind it, as far as they come without interruption. Answers
 * the address of the first byte that it left.
 */
export function addShortNumbers(p: usize): usize {
  let count: u32 = 0;
  let integers: i64 = 0;
  while (true) {
    let commas = commasAt(p);
    let start = p;
    while (commas) {
      const end = p + <usize>ctz(commas);
      commas &= commas - 1;
      let first = start;
      let sign: i64 = 0;
      if (load<u8>(first) < ZERO) {
        first = skipSpace(first);
        sign = -(<i64>(load<u8>(first) == MINUS));
        first -= <usize>sign;
      }
      const length = <i32>(end - first);
      if (<u32>(length - 1) >= <u32>SHORT_LENGTH_MAX) return finish(start, count, integers);
      const digits = digitsBefore(end, length);
      const others = notDigits(digits);
      if (others == 0) {
        const value = eightDigits(digits);
        if (value < load<i64>(LEAST + (<usize>length << 3))) return finish(start, count, integers);
        integers += (value ^ sign) - sign;
      } else {
        // One point, with a digit on either side and no needless zero in front.
        const bit = <u64>ctz(others) & 0x38;
        const fraction = 7 - <i32>(bit >> 3);
        const whole = length - 1 - fraction;
        const isPoint = others == POINT_BITS << bit && ((digits >> bit) & 0xff) == POINT_DIGIT;
        const isWellFormed = isPoint && fraction > 0 && whole > 0 && (whole == 1 || load<u8>(first) != ZERO);
        if (!isWellFormed) return finish(start, count, integers);
        // The digits in front of the point move up, over it.
        const value = eightDigits((digits & keep(fraction)) | ((digits & ~keep(fraction + 1)) << 8));
        addSmall(-fraction, (value ^ sign) - sign);
      }
      start = end + 1;
      count++;
    }
    if (start == p) return finish(start, count, integers);
    p = start;
  }
}

/** Leaves what was gathered in registers; answers `p`. */
function finish(p: usize, count: u32, integers: i64): usize {
  if (integers) addSmall(0, integers);
  shortCount = count;
  return p;
}
