/**
 * Short numbers of a `sum`: the commas of 64 bytes are found at once, and each number before one, up to 8 characters
 * without its sign or an integer of up to 16 digits, is read with a load or two, checked and converted in those words.
 * What a run adds is gathered by decimal exponent, and put to the sum when the run ends.
 *
 * It takes only what is plainly a number; whatever else stands there it leaves to `addNumber`, which also finds the
 * faults. The bytes behind the array may be anything: a number counts only up to its comma, and the closing bracket is
 * no part of one.
 */
import { COMMA, MINUS, POINT, ZERO } from './codes';
import { addSmall } from './decimal';
import { isSpace, skipSpace } from './json';

/** How many numbers the last `addShortNumbers` added. */
export let shortCount: u32 = 0;

const ALL_ZERO: u64 = 0x3030303030303030;

/** Longer integers, with their sign, do not begin a run, though up to 16 digits may go on in one. */
const BEGINNING_MAX: usize = 14;

/**
 * Is a number such as stands in [`start`, `end`) short, so that others like it may follow? Decimals just above 8
 * characters are not: doubles with few digits would begin runs that end at once.
 */
// @ts-ignore: decorator
@inline
export function beginsRun(start: usize, end: usize): bool {
  if (end - start > BEGINNING_MAX) return false;
  return end - start <= 8 || (notDigits(load<u64>(start, 1) ^ ALL_ZERO) | notDigits(load<u64>(end - 8) ^ ALL_ZERO)) == 0;
}

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
function eightDigitsOf(digits: u64): i64 {
  const two = ((digits * 0xa01) >> 8) & 0x00ff00ff00ff00ff;
  const four = ((two * 0x640001) >> 16) & 0x0000ffff0000ffff;
  return <i64>((four * 0x271000000001) >> 32);
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

/** The last `count` (1 to 8) bytes before `end`, as digits: 0 to 9 for each byte that is one, and 0 in front. */
// @ts-ignore: decorator
@inline
function digitsBefore(end: usize, count: i32): u64 {
  return (load<u64>(end - 8) ^ ALL_ZERO) & keep(count);
}

/** What is to be added to 9 to make 15, in each byte. */
const NINE: u64 = 0x0606060606060606;

/** Bits of the high half of each byte that is greater than 15 less that byte of `complement`. */
// @ts-ignore: decorator
@inline
function above(digits: u64, complement: u64): u64 {
  return ((digits + complement) | digits) & 0xf0f0f0f0f0f0f0f0;
}

/** Bits of the high half of each byte that is above 9. */
// @ts-ignore: decorator
@inline
function notDigits(digits: u64): u64 {
  return above(digits, NINE);
}

const POINT_DIGIT: u64 = <u64>(POINT ^ ZERO);

/**
 * What a run has gathered: an i64 for each of 10^0, 10^−1 … 10^−6, and the last for 10^8. They lie in memory, because the
 * loop below wants more registers than there are, and are 0 between runs.
 */
const GATHERED: usize = memory.data<i64>([0, 0, 0, 0, 0, 0, 0, 0]);
const GATHERED_COUNT: i32 = 8;
const UPPER_EIGHT: i32 = 7;

/** Adds the value, negative where `sign` is −1 and not where it is 0. */
// @ts-ignore: decorator
@inline
function gather(place: i32, value: i64, sign: i64): void {
  const at = GATHERED + (<usize>place << 3);
  store<i64>(at, load<i64>(at) + ((value ^ sign) - sign));
}

/**
 * The white space that was skipped last, if it was of 0 to 7 bytes: how many, a mask that keeps as many of a word, and the
 * bytes themselves. What is printed with an indentation has the same before each number.
 */
const SPACE_BYTES: usize = memory.data<u32>([0]);
const SPACE_MASK: usize = memory.data<u64>([0]);
const SPACE: usize = memory.data<u64>([0]);

/**
 * Skips white space; fast where it is the same as last time. What is kept is white space alone, so what equals it is that,
 * whichever array it came from. Longer white space may begin the same: then the byte behind is white space, too.
 */
// @ts-ignore: decorator
@inline
function skipSameSpace(p: usize): usize {
  const behind = p + load<u32>(SPACE_BYTES);
  const isSame = (load<u64>(p) & load<u64>(SPACE_MASK)) == load<u64>(SPACE);
  return isSame && load<u8>(behind) > 0x20 ? behind : skipOtherSpace(p);
}

function skipOtherSpace(p: usize): usize {
  const behind = skipSpace(p);
  const count = behind - p;
  if (count < 8) {
    const mask = ((<u64>1) << (<u64>count << 3)) - 1;
    store<u32>(SPACE_BYTES, <u32>count);
    store<u64>(SPACE_MASK, mask);
    store<u64>(SPACE, load<u64>(p) & mask);
  }
  return behind;
}

/**
 * Adds the short numbers from `p` on, each with the comma behind it, as far as they come without interruption. Answers
 * the address of the first byte that it left.
 */
export function addShortNumbers(p: usize): usize {
  let count: u32 = 0;
  while (true) {
    let commas = commasAt(p);
    count += <u32>popcnt(commas);
    let start = p;
    while (commas) {
      const end = p + <usize>ctz(commas);
      let first = start;
      let sign: i64 = 0;
      let byte = load<u8>(first);
      if (byte < ZERO) {
        if (byte <= 0x20) {
          // One byte of white space takes no more than a look at it.
          first = load<u8>(first, 1) > 0x20 && isSpace(byte) ? first + 1 : skipSameSpace(first);
          byte = load<u8>(first);
        }
        sign = -(<i64>(byte == MINUS));
        first -= <usize>sign;
      }
      const length = <i32>(end - first);
      if (<u32>(length - 1) < 8) {
        const digits = digitsBefore(end, length);
        const others = notDigits(digits);
        if (others == 0) {
          const value = eightDigitsOf(digits);
          if (value < load<i64>(LEAST + (<usize>length << 3))) return finish(start, count, commas);
          gather(0, value, sign);
        } else {
          // One point, with a digit on either side and no needless zero in front.
          const bit = <u64>ctz(others) & 0x38;
          // It leaves 0 where the point is, and only there: a digit from 1 on has come of another character.
          const pointless = digits ^ (POINT_DIGIT << bit);
          const fraction = 7 - <i32>(bit >> 3);
          const isWrong =
            <i32>(above(pointless, NINE + ((<u64>9) << bit)) != 0) |
            <i32>(<u32>(fraction - 1) >= <u32>(length - 2)) |
            (<i32>(length - fraction > 2) & <i32>(load<u8>(first) == ZERO));
          if (isWrong) return finish(start, count, commas);
          // The digits in front of the point move up, over it.
          const front = pointless & (((<u64>1) << bit) - 1);
          gather(fraction, eightDigitsOf(pointless - front + (front << 8)), sign);
        }
      } else {
        if (<u32>(length - 9) >= 8) return finish(start, count, commas);
        const upper = digitsBefore(end - 8, length - 8);
        const lower = load<u64>(end - 8) ^ ALL_ZERO;
        const isWrong = <i32>((notDigits(upper) | notDigits(lower)) != 0) | <i32>(load<u8>(first) == ZERO);
        if (isWrong) return finish(start, count, commas);
        gather(UPPER_EIGHT, eightDigitsOf(upper), sign);
        gather(0, eightDigitsOf(lower), sign);
      }
      commas &= commas - 1;
      start = end + 1;
    }
    if (start == p) return finish(start, count, commas);
    p = start;
  }
}

/** Puts what was gathered to the sum; answers `p`. Numbers before the commas that are left were counted too early. */
function finish(p: usize, count: u32, commasLeft: u64): usize {
  for (let place = 0; place < GATHERED_COUNT; place++) {
    const at = GATHERED + (<usize>place << 3);
    const value = load<i64>(at);
    if (!value) continue;
    addSmall(place == UPPER_EIGHT ? 8 : -place, value);
    store<i64>(at, 0);
  }
  shortCount = count - <u32>popcnt(commasLeft);
  return p;
}
