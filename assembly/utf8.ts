/** Well-formed UTF-8 (Unicode 16, table 3-7): no overlong form, no surrogate, nothing above U+10FFFF. */
import { ALL_0F, ALL_1F, ALL_5C, ALL_22, ALL_60, ALL_70, ALL_80 } from './bytes16';
import { grammarFault, Why } from './fault';

// @ts-ignore: decorator
@inline
function isContinuation(byte: u8): bool {
  return (byte & 0xc0) == 0x80;
}

/**
 * `p` is inside a string, at a byte ≥ 0x80 that begins a character. Answers the address of a byte behind it: of the next
 * quote, backslash or control character, or of a character where it is to be called again. Or 0, with the fault kept.
 *
 * Sixteen bytes at a time, each looked up with the one before it: John Keiser and Daniel Lemire, "Validating UTF-8 in
 * less than one instruction per byte", 2021. It says that something is wrong, and `skipCodePoints` then says where.
 */
export function skipWideText(start: usize): usize {
  let p = start;
  // What is in memory before `start` may be of another part of the body.
  let previous = i8x16.splat(0);
  while (true) {
    const v = v128.load(p);
    const wrong = wrongPairs(v, previous);
    const stops = v128.or(
      v128.or(i8x16.eq(v, v128.load(ALL_22)), i8x16.eq(v, v128.load(ALL_5C))),
      i8x16.eq(v, i8x16.min_u(v, v128.load(ALL_1F))),
    );
    if (v128.any_true(v128.or(wrong, stops))) {
      const stop = i8x16.bitmask(stops);
      const wrongBytes = i8x16.bitmask(i8x16.ne(wrong, i8x16.splat(0)));
      // Up to the first stop and with it, since a character that it cuts short is wrong there; or all sixteen.
      if (wrongBytes & (stop ^ (stop - 1))) return p == start ? skipCodePoints(p) : characterBefore(p);
      return p + <usize>ctz(stop);
    }
    previous = v;
    p += 16;
  }
}

/** Where the last character before `p` begins, or is cut short; all before that is well-formed. */
function characterBefore(p: usize): usize {
  p--;
  while (isContinuation(load<u8>(p))) p--;
  return p;
}

/** A byte is not 0 where it cannot follow the bytes before it. A character cut by the end of `v` shows in the next one. */
// @ts-ignore: decorator
@inline
function wrongPairs(v: v128, previous: v128): v128 {
  const before1 = i8x16.shuffle(previous, v, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  const before2 = i8x16.shuffle(previous, v, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  const before3 = i8x16.shuffle(previous, v, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28);
  const wrong = v128.and(
    v128.and(
      i8x16.swizzle(v128.load(BY_HIGH_BEFORE), highHalves(before1)),
      i8x16.swizzle(v128.load(BY_LOW_BEFORE), v128.and(before1, v128.load(ALL_0F))),
    ),
    i8x16.swizzle(v128.load(BY_HIGH), highHalves(v)),
  );
  // The third byte of three or four, and the fourth: there two continuations in a row are right, and nothing else is.
  // The bytes E0 to FF less 60, and F0 to FF less 70, have the bit of TWO_CONTINUATIONS.
  const isLate = v128.or(i8x16.sub_sat_u(before2, v128.load(ALL_60)), i8x16.sub_sat_u(before3, v128.load(ALL_70)));
  return v128.xor(wrong, v128.and(isLate, v128.load(ALL_80)));
}

// @ts-ignore: decorator
@inline
function highHalves(v: v128): v128 {
  return v128.and(i16x8.shr_u(v, 4), v128.load(ALL_0F));
}

// What can be wrong with two bytes; each is wrong where all three tables have it.
const TOO_SHORT: u8 = 0x01; // a first byte, or ASCII, where a continuation is due
const TOO_LONG: u8 = 0x02; // a continuation after ASCII
const OVERLONG_3: u8 = 0x04;
const TOO_LARGE: u8 = 0x08; // F4 90 and up, F5 and up
const SURROGATE: u8 = 0x10;
const OVERLONG_2: u8 = 0x20;
const OVERLONG_4: u8 = 0x40; // also F5 80 and up: above U+10FFFF, and not among those of TOO_LARGE
const TWO_CONTINUATIONS: u8 = 0x80;
/** Those that do not depend on the low half of the first byte. */
const ANY_LOW: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

/** By the high half of the byte before. */
// prettier-ignore
const BY_HIGH_BEFORE: usize = memory.data<u8>([
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TOO_LONG,
  TWO_CONTINUATIONS,
  TWO_CONTINUATIONS,
  TWO_CONTINUATIONS,
  TWO_CONTINUATIONS,
  TOO_SHORT | OVERLONG_2,
  TOO_SHORT,
  TOO_SHORT | OVERLONG_3 | SURROGATE,
  TOO_SHORT | TOO_LARGE | OVERLONG_4,
]);

/** By the low half of the byte before. */
// prettier-ignore
const BY_LOW_BEFORE: usize = memory.data<u8>([
  ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
  ANY_LOW | OVERLONG_2,
  ANY_LOW,
  ANY_LOW,
  ANY_LOW | TOO_LARGE,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4 | SURROGATE,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
  ANY_LOW | TOO_LARGE | OVERLONG_4,
]);

/** By the high half of the byte itself. */
// prettier-ignore
const BY_HIGH: usize = memory.data<u8>([
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | OVERLONG_4,
  TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE,
  TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
  TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
]);

/** `p` is at a byte ≥ 0x80. Answers the address of the next byte below 0x80, or 0 with the fault kept. */
function skipCodePoints(p: usize): usize {
  while (true) {
    const lead = load<u8>(p);
    if (lead < 0x80) return p;
    const second = load<u8>(p, 1);
    if (lead < 0xe0) {
      if (lead < 0xc2 || !isContinuation(second)) return grammarFault(Why.BAD_UTF8, p);
      p += 2;
    } else if (lead < 0xf0) {
      // E0 would be overlong below A0; ED from A0 on would be a surrogate.
      const wrong = lead == 0xe0 ? second < 0xa0 : lead == 0xed && second > 0x9f;
      if (wrong || !isContinuation(second) || !isContinuation(load<u8>(p, 2))) return grammarFault(Why.BAD_UTF8, p);
      p += 3;
    } else {
      // F0 would be overlong below 90; F4 from 90 on would be above U+10FFFF.
      const wrong = lead == 0xf0 ? second < 0x90 : lead == 0xf4 ? second > 0x8f : lead > 0xf4;
      if (wrong || !isContinuation(second) || !isContinuation(load<u8>(p, 2)) || !isContinuation(load<u8>(p, 3))) {
        return grammarFault(Why.BAD_UTF8, p);
      }
      p += 4;
    }
  }
}

/** The code point at `p`, in text that is well-formed. */
export function readUtf8(p: usize): u32 {
  const lead = <u32>load<u8>(p);
  if (lead < 0x80) return lead;
  const second = <u32>load<u8>(p, 1) & 0x3f;
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | second;
  const third = <u32>load<u8>(p, 2) & 0x3f;
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | (second << 6) | third;
  return ((lead & 0x07) << 18) | (second << 12) | (third << 6) | (<u32>load<u8>(p, 3) & 0x3f);
}

/** How many bytes the character has that begins with this byte. */
export function utf8Length(lead: u8): usize {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Writes a code point that is no surrogate; answers the address after it. */
export function writeUtf8(to: usize, point: u32): usize {
  if (point < 0x80) {
    store<u8>(to, point);
    return to + 1;
  }
  const last = 0x80 | (point & 0x3f);
  if (point < 0x800) {
    store<u16>(to, 0xc0 | (point >> 6) | (last << 8));
    return to + 2;
  }
  const beforeLast = 0x80 | ((point >> 6) & 0x3f);
  if (point < 0x10000) {
    store<u16>(to, 0xe0 | (point >> 12) | (beforeLast << 8));
    store<u8>(to, last, 2);
    return to + 3;
  }
  store<u32>(to, 0xf0 | (point >> 18) | ((0x80 | ((point >> 12) & 0x3f)) << 8) | (beforeLast << 16) | (last << 24));
  return to + 4;
}
