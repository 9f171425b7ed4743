/**
 * Runs of plain numbers of a `sum`: those without an exponent, and with at most 32 digits on either side of the point. Most
 * arrays hold nothing else. 64 bytes are looked at together: for each kind of byte there is a word of bits, and arithmetic on
 * these words finds the numbers and checks the grammar. So neither where a number ends, nor white space, takes a branch that
 * could not be foreseen.
 *
 * Invariant: a block of 64 bytes begins after a comma, or after white space that follows one. What is added is certainly right
 * and ends with a comma. Whatever else is there is left to `addNumber`, which also finds the faults. The bytes after the
 * array may be anything: its bracket is no part of a run.
 */
import {
  BLANKS,
  COMMAS,
  digitBits,
  eitherBits,
  equalBits,
  LINE_FEEDS,
  MINUSES,
  POINTS,
  RETURNS,
  TABS,
  ZEROS,
} from './byte-kinds';
import { addBlock, makeRoom, putColumns, TERMS_MAX } from './columns';
import { skipSpace } from './json';

/** How many numbers the last `addPlainNumbers` added. */
export let plainCount: u32 = 0;

/**
 * Adds the plain numbers from `p` on, each with the comma after it, as far as they come without interruption. Answers the
 * address of the first byte that it left.
 */
export function addPlainNumbers(p: usize): usize {
  let added: u32 = 0;
  while (true) {
    const a = v128.load(p);
    const b = v128.load(p, 16);
    const c = v128.load(p, 32);
    const d = v128.load(p, 48);
    const digits = digitBits(a, b, c, d);
    const points = equalBits(a, b, c, d, POINTS);
    let commas = equalBits(a, b, c, d, COMMAS);
    let minuses: u64 = 0;
    let spaces: u64 = 0;
    // The bytes that end the run: only what is before the first of them counts. Bits after it may be anything.
    let others = ~(digits | points | commas);
    if (others) {
      spaces = eitherBits(a, b, c, d, BLANKS, LINE_FEEDS);
      others ^= spaces;
      if (others) {
        minuses = equalBits(a, b, c, d, MINUSES);
        others ^= minuses;
        if (others) {
          const rare = eitherBits(a, b, c, d, TABS, RETURNS);
          spaces |= rare;
          others ^= rare;
        }
      }
    }
    const numbers = digits | points | minuses;
    const ends = (numbers << 1) & ~numbers;
    const firsts = (numbers & ~(numbers << 1) & ~minuses) | (minuses << 1);
    others |= misplaced(digits, points, minuses, firsts, equalBits(a, b, c, d, ZEROS));
    // Each number's end, carried over white space, comes to a comma, and there are no other commas.
    others |= ((ends + spaces) & ~spaces) ^ commas;
    const far = seventeenths(digits);
    // Of 33 digits the 17th and the last are such.
    others |= far & (far << 16);

    if (others) commas &= (others & (0 - others)) - 1;
    let count = <u32>popcnt(commas);
    if (count > TERMS_MAX) {
      commas &= 0xffffffff;
      count = <u32>popcnt(commas);
    }
    if (count) {
      const pointsOrEnds = points | (ends & ~fractionEnds(digits, points));
      makeRoom(count);
      if (far) addBlock(p, firsts, pointsOrEnds, ends, count, true, true);
      else if (minuses) addBlock(p, firsts, pointsOrEnds, ends, count, true, false);
      else addBlock(p, firsts, pointsOrEnds, ends, count, false, false);
      added += count;
    }
    let passed: usize = 64 - <usize>clz(commas);
    if (others) {
      p += passed;
      break;
    }
    if (spaces) passed = passSpaces(p, passed, spaces);
    if (!passed) break;
    p += passed;
  }
  putColumns();
  plainCount = added;
  return p;
}

/** The addition carries a bit over the digits after a point, to what follows them. Bits of digits may be left, too. */
// @ts-ignore: decorator
@inline
function fractionEnds(digits: u64, points: u64): u64 {
  return digits + (points << 1);
}

/** What the grammar of numbers forbids. `firsts` is what comes first in a number, or follows its minus. */
// @ts-ignore: decorator
@inline
function misplaced(digits: u64, points: u64, minuses: u64, firsts: u64, zeros: u64): u64 {
  const lateMinuses = minuses & ((digits | points | minuses) << 1);
  const missingDigits = (firsts | (points << 1)) & ~digits;
  const secondPoints = fractionEnds(digits, points) & points;
  const digitsAfterZero = ((firsts & zeros) << 1) & digits;
  return lateMinuses | missingDigits | secondPoints | digitsAfterZero;
}

/** The 17th, 18th … of each 17 or more bits that are set in a row. */
// @ts-ignore: decorator
@inline
function seventeenths(bits: u64): u64 {
  let row = bits & (bits << 1);
  row &= row << 2;
  row &= row << 4;
  row &= row << 8;
  return row & (bits << 16);
}

/**
 * How many bytes of the block at `p` are passed with the white space after the first `passed` ones: a block that begins with a
 * number holds more of them. Where it is half of the block, and to its end, what follows the block is passed, too.
 */
// @ts-ignore: decorator
@inline
function passSpaces(p: usize, passed: usize, spaces: u64): usize {
  const others = passed < 64 ? ~spaces >> <u64>passed : 0;
  if (!others && <u32>(spaces >> 32) == 0xffffffff) return skipSpace(p + 64) - p;
  return min<usize>(64, passed + <usize>ctz(others));
}
