/**
 * Which bytes are of a kind: in a vector, −1 for each byte that is and 0 for the others; of 64 bytes, which are four vectors, a
 * word with a bit for each that is, the first byte's bit lowest (Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019).
 */
// Constant vectors that are loaded: V8 makes one anew wherever it is used, of two words, which takes longer.

/** Subtracted from a byte, it makes the digits −128 … −119, the ten least signed bytes. */
const FROM_DIGIT: usize = memory.data<u64>([0xb0b0b0b0b0b0b0b0, 0xb0b0b0b0b0b0b0b0]);
/** −118, the least signed byte that is then no digit. */
const AFTER_DIGITS: usize = memory.data<u64>([0x8a8a8a8a8a8a8a8a, 0x8a8a8a8a8a8a8a8a]);

/** Sixteen times the same byte. */
export const TABS: usize = memory.data<u64>([0x0909090909090909, 0x0909090909090909]);
export const LINE_FEEDS: usize = memory.data<u64>([0x0a0a0a0a0a0a0a0a, 0x0a0a0a0a0a0a0a0a]);
export const RETURNS: usize = memory.data<u64>([0x0d0d0d0d0d0d0d0d, 0x0d0d0d0d0d0d0d0d]);
export const BLANKS: usize = memory.data<u64>([0x2020202020202020, 0x2020202020202020]);
export const COMMAS: usize = memory.data<u64>([0x2c2c2c2c2c2c2c2c, 0x2c2c2c2c2c2c2c2c]);
export const MINUSES: usize = memory.data<u64>([0x2d2d2d2d2d2d2d2d, 0x2d2d2d2d2d2d2d2d]);
export const POINTS: usize = memory.data<u64>([0x2e2e2e2e2e2e2e2e, 0x2e2e2e2e2e2e2e2e]);
export const ZEROS: usize = memory.data<u64>([0x3030303030303030, 0x3030303030303030]);

// @ts-ignore: decorator
@inline
export function digitsIn(text: v128): v128 {
  return i8x16.lt_s(i8x16.sub(text, v128.load(FROM_DIGIT)), v128.load(AFTER_DIGITS));
}

// @ts-ignore: decorator
@inline
function bitsOf(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u32>i8x16.bitmask(a) | ((<u32>i8x16.bitmask(b)) << 16);
  const high = <u32>i8x16.bitmask(c) | ((<u32>i8x16.bitmask(d)) << 16);
  return <u64>low | ((<u64>high) << 32);
}

// @ts-ignore: decorator
@inline
export function digitBits(a: v128, b: v128, c: v128, d: v128): u64 {
  return bitsOf(digitsIn(a), digitsIn(b), digitsIn(c), digitsIn(d));
}

/** `bytes` is the address of sixteen times the byte that is looked for. */
// @ts-ignore: decorator
@inline
export function equalBits(a: v128, b: v128, c: v128, d: v128, bytes: usize): u64 {
  const each = v128.load(bytes);
  return bitsOf(i8x16.eq(a, each), i8x16.eq(b, each), i8x16.eq(c, each), i8x16.eq(d, each));
}

/** The same for two bytes, either of which will do. */
// @ts-ignore: decorator
@inline
export function eitherBits(a: v128, b: v128, c: v128, d: v128, bytes: usize, others: usize): u64 {
  const each = v128.load(bytes);
  const other = v128.load(others);
  return bitsOf(eitherIn(a, each, other), eitherIn(b, each, other), eitherIn(c, each, other), eitherIn(d, each, other));
}

// @ts-ignore: decorator
@inline
function eitherIn(text: v128, each: v128, other: v128): v128 {
  return v128.or(i8x16.eq(text, each), i8x16.eq(text, other));
}
