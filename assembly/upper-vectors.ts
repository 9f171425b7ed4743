/**
 * Upper case of sixteen bytes at a time. `v` are the bytes, `before` the same one earlier, and `upper` what is made of
 * them so far. Each function changes the characters that are its own and leaves the others.
 *
 * A byte that becomes FF, which no text has, is a mark: something has to go by itself there. A character of two bytes has
 * it at the second one; its first byte may then be anything.
 *
 * What is written out here, in numbers, no version of Unicode can change: letters that have each other as upper and lower
 * case keep it for ever (the stability policy of Unicode). `case-map.ts` still holds it against the host.
 */
import {
  ALL_1F,
  ALL_3F,
  ALL_8F,
  ALL_9A,
  ALL_9F,
  ALL_10,
  ALL_20,
  ALL_30,
  ALL_80,
  ALL_90,
  ALL_A0,
  ALL_AF,
  ALL_B0,
  ALL_B5,
  ALL_B7,
  ALL_BF,
  ALL_C2,
  ALL_C3,
  ALL_CE,
  ALL_CF,
  ALL_D0,
  ALL_D1,
  ALL_E0,
  ALL_FE,
} from './bytes16';
import { PLAIN_FROM } from './case-map';
import { CASE_PAIRS, CASE_PLAIN } from './layout';

// @ts-ignore: decorator
@inline
export function upperAscii(v: v128): v128 {
  // As signed bytes, the letters become the 26 least, so that one signed comparison finds them.
  const isLower = i8x16.lt_s(i8x16.add(v, v128.load(ALL_1F)), v128.load(ALL_9A));
  return v128.xor(v, v128.and(isLower, v128.load(ALL_20)));
}

/** Marks the first bytes of characters of three or four bytes that may have case. `after` are the bytes one later. */
// @ts-ignore: decorator
@inline
export function markLong(upper: v128, v: v128, after: v128): v128 {
  const isLead = i8x16.eq(v, i8x16.max_u(v, v128.load(ALL_E0)));
  if (!i8x16.bitmask(isLead)) return upper;
  // Both are 0 for first bytes above EF.
  const lead = i8x16.sub(v, v128.load(ALL_E0));
  const from = i8x16.swizzle(v128.load(PLAIN_FROM), lead);
  const count = i8x16.swizzle(v128.load(CASE_PLAIN), lead);
  const left = i8x16.sub_sat_u(count, i8x16.sub(after, from));
  return v128.or(upper, v128.and(isLead, i8x16.eq(left, i8x16.splat(0))));
}

/** C2 and C3. After C3, A0 to BE lose 20, but for B7, the division sign. Marked: B5 after C2, and 9F and BF after C3. */
// @ts-ignore: decorator
@inline
export function upperLatin1(upper: v128, v: v128, before: v128): v128 {
  const isAfterC3 = i8x16.eq(before, v128.load(ALL_C3));
  const isLower = v128.and(isAfterC3, i8x16.gt_s(v, v128.load(ALL_9F)));
  const marks = v128.or(
    v128.and(
      isAfterC3,
      v128.or(i8x16.eq(v128.or(v, v128.load(ALL_20)), v128.load(ALL_BF)), i8x16.eq(v, v128.load(ALL_B7))),
    ),
    v128.and(i8x16.eq(before, v128.load(ALL_C2)), i8x16.eq(v, v128.load(ALL_B5))),
  );
  return v128.or(i8x16.sub(upper, v128.and(isLower, v128.load(ALL_20))), marks);
}

/**
 * D0 and D1. After D0, B0 and up lose 20. D1 becomes D0, where 80 to 8F gain 20 and 90 to 9F lose 10. Marked: A0 and up
 * after D1.
 */
// @ts-ignore: decorator
@inline
export function upperCyrillic(upper: v128, v: v128, before: v128): v128 {
  const isAfterD0 = i8x16.eq(before, v128.load(ALL_D0));
  const isAfterD1 = i8x16.eq(before, v128.load(ALL_D1));
  const less = v128.and(v128.and(isAfterD0, i8x16.gt_s(v, v128.load(ALL_AF))), v128.load(ALL_20));
  const isLate = i8x16.gt_s(v, v128.load(ALL_8F));
  const more = i8x16.sub(v128.load(ALL_20), v128.and(isLate, v128.load(ALL_30)));
  const isD1 = i8x16.eq(v, v128.load(ALL_D1));
  const shifted = i8x16.sub(i8x16.add(i8x16.add(upper, isD1), v128.and(isAfterD1, more)), less);
  return v128.or(shifted, v128.and(isAfterD1, i8x16.gt_s(v, v128.load(ALL_9F))));
}

/**
 * CE and CF. What is added after CE to A0 to AF and to B0 to BF, and after CF, which becomes CE, to 80 to 8F. Marked: 90
 * and B0 after CE, where one character becomes three, and 8F and up after CF.
 */
// @ts-ignore: decorator
@inline
export function upperGreek(upper: v128, v: v128, before: v128): v128 {
  const isAfterCE = i8x16.eq(before, v128.load(ALL_CE));
  const isAfterCF = i8x16.eq(before, v128.load(ALL_CF));
  const afterCE = v128.or(
    i8x16.swizzle(v128.load(GREEK_A0), i8x16.sub(v, v128.load(ALL_A0))),
    i8x16.swizzle(v128.load(GREEK_B0), i8x16.sub(v, v128.load(ALL_B0))),
  );
  const afterCF = i8x16.swizzle(v128.load(GREEK_80), i8x16.sub(v, v128.load(ALL_80)));
  const more = v128.or(v128.and(isAfterCE, afterCE), v128.and(isAfterCF, afterCF));
  const shifted = i8x16.add(i8x16.add(upper, i8x16.eq(v, v128.load(ALL_CF))), more);
  const marks = v128.or(
    v128.and(isAfterCE, i8x16.eq(v, v128.load(ALL_90))),
    v128.and(isAfterCF, i8x16.gt_s(v, v128.load(ALL_8F))),
  );
  return v128.or(shifted, marks);
}

const GREEK_A0: usize = memory.data<i8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -0x26, -0x25, -0x25, -0x25], 16);
// biome-ignore format: the sixteen of one byte
const GREEK_B0: usize = memory.data<i8>([
  0x4f, -32, -32, -32, -32, -32, -32, -32, -32, -32, -32, -32, -32, -32, -32, -32,
], 16);
const GREEK_80: usize = memory.data<i8>([32, 32, 33, 32, 32, 32, 32, 32, 32, 32, 32, 32, 0, 1, 1, 0x70], 16);

/** Characters that begin with `even` or the byte after it, by CASE_PAIRS. `p` is the address of `v`. */
// @ts-ignore: decorator
@inline
export function upperPair(upper: v128, v: v128, before: v128, even: u8, p: usize): v128 {
  const row = CASE_PAIRS + ((<usize>(even - 0xc2)) << 6);
  const evens = i8x16.splat(even);
  const isLead = i8x16.eq(v128.and(v, v128.load(ALL_FE)), evens);
  const isTrail = i8x16.eq(v128.and(before, v128.load(ALL_FE)), evens);
  const isAfterOdd = v128.andnot(isTrail, i8x16.eq(before, evens));
  const entries = v128.and(isTrail, pairEntries(row, v, isAfterOdd));
  // Of a character that begins with the last byte, the second one is behind `v`.
  const last = load<u8>(row + ((<usize>load<u8>(p, 15) & 1) << 6) + (<usize>load<u8>(p, 16) & 0x3f));
  const nextEntries = i8x16.replace_lane(
    i8x16.shuffle(entries, i8x16.splat(0), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16),
    15,
    last,
  );
  // Bit 7 of an entry is the sign: it makes the first byte the odd one.
  const lead = i8x16.sub(evens, i8x16.lt_s(nextEntries, i8x16.splat(0)));
  const trail = v128.or(v128.and(entries, v128.load(ALL_3F)), v128.load(ALL_80));
  const marks = v128.and(isTrail, i8x16.eq(entries, i8x16.splat(0)));
  return v128.or(v128.bitselect(lead, v128.bitselect(trail, upper, isTrail), isLead), marks);
}

/** For second bytes, their entries in a row of CASE_PAIRS. */
// @ts-ignore: decorator
@inline
function pairEntries(row: usize, v: v128, isAfterOdd: v128): v128 {
  // Swizzle gives 0 for what is not from 0 to 15, so that one of four finds an entry.
  const index0 = v128.xor(v, v128.load(ALL_80));
  const index1 = i8x16.sub(index0, v128.load(ALL_10));
  const index2 = i8x16.sub(index1, v128.load(ALL_10));
  const index3 = i8x16.sub(index2, v128.load(ALL_10));
  const ofEven = v128.or(
    v128.or(i8x16.swizzle(v128.load(row), index0), i8x16.swizzle(v128.load(row, 16), index1)),
    v128.or(i8x16.swizzle(v128.load(row, 32), index2), i8x16.swizzle(v128.load(row, 48), index3)),
  );
  const ofOdd = v128.or(
    v128.or(i8x16.swizzle(v128.load(row, 64), index0), i8x16.swizzle(v128.load(row, 80), index1)),
    v128.or(i8x16.swizzle(v128.load(row, 96), index2), i8x16.swizzle(v128.load(row, 112), index3)),
  );
  return v128.bitselect(ofOdd, ofEven, isAfterOdd);
}
