/**
 * Strict RFC 8259 scanners. Each takes the address of a token's first byte and answers the address after it, or 0
 * with the fault kept.
 *
 * Invariant: the byte at the end of the body is 0 while a scanner runs (`body.ts` puts it there and takes it away).
 * It is no digit, no white space, no continuation byte and no legal byte of a string, so every scanner stops there
 * and none compares with the end.
 */
import { ALL_5C, ALL_20, ALL_22 } from './bytes16';
import { BACKSLASH, COLON, COMMA, MINUS, OPEN_BRACE, OPEN_BRACKET, PLUS, POINT, QUOTE, ZERO } from './codes';
import { grammarFault, Why } from './fault';
import { NESTING, NESTING_LEVELS_MAX } from './layout';
import { skipWideText } from './utf8';

/** What the strings scanned since the last clearing held. */
export let stringTraits: i32 = 0;
export const HAS_ESCAPE: i32 = 1;
export const HAS_CODE_ESCAPE: i32 = 2;
export const HAS_WIDE: i32 = 4;

// @ts-ignore: decorator
@inline
export function clearStringTraits(): void {
  stringTraits = 0;
}

// @ts-ignore: decorator
@inline
export function skipSpace(p: usize): usize {
  if (load<u8>(p) > 0x20) return p;
  // One space or one line's end is the common case, and worth no call.
  if (load<u8>(p, 1) > 0x20 && isSpace(load<u8>(p))) return p + 1;
  return skipSpaceRun(p);
}

/** `byte` is at most 0x20. */
// @ts-ignore: decorator
@inline
function isSpace(byte: u8): bool {
  return <bool>((SPACES >>> <u64>byte) & 1);
}

/** A bit for each white space byte: tab, line feed, carriage return, space. */
const SPACES: u64 = 0x100002600;

function skipSpaceRun(p: usize): usize {
  while (true) {
    const v = v128.load(p);
    const space = v128.or(
      v128.or(i8x16.eq(v, i8x16.splat(0x20)), i8x16.eq(v, i8x16.splat(0x0a))),
      v128.or(i8x16.eq(v, i8x16.splat(0x0d)), i8x16.eq(v, i8x16.splat(0x09))),
    );
    const other = i8x16.bitmask(space) ^ 0xffff;
    if (other) return p + <usize>ctz(other);
    p += 16;
  }
}

/** `p` is at the opening quote. */
export function skipString(p: usize): usize {
  return skipStringRest(p + 1);
}

/** `p` is inside a string, not inside an escape or a character. */
export function skipStringRest(p: usize): usize {
  while (true) {
    const special = i8x16.bitmask(specialBytes(v128.load(p)));
    p = special ? p + <usize>ctz(special) : nextSpecial(p + 16);
    const byte = load<u8>(p);
    if (byte == QUOTE) return p + 1;
    if (byte == BACKSLASH) p = skipEscape(p);
    else if (byte >= 0x80) {
      stringTraits |= HAS_WIDE;
      p = skipWideText(p);
    } else return grammarFault(Why.BAD_CHARACTER, p);
    if (!p) return 0;
  }
}

/** A byte is not 0 where a string does not simply go on. */
// @ts-ignore: decorator
@inline
function specialBytes(v: v128): v128 {
  // One signed comparison finds control characters and, being negative, every byte of a wide character.
  return v128.or(
    v128.or(i8x16.eq(v, v128.load(ALL_22)), i8x16.eq(v, v128.load(ALL_5C))),
    i8x16.gt_s(v128.load(ALL_20), v),
  );
}

/** The address of the first byte from `p` on at which a string does not simply go on: of long text, 64 bytes at a time. */
function nextSpecial(p: usize): usize {
  while (true) {
    const a = specialBytes(v128.load(p));
    const b = specialBytes(v128.load(p, 16));
    const c = specialBytes(v128.load(p, 32));
    const d = specialBytes(v128.load(p, 48));
    if (v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) {
      const low = <u64>i8x16.bitmask(a) | ((<u64>i8x16.bitmask(b)) << 16);
      const high = <u64>i8x16.bitmask(c) | ((<u64>i8x16.bitmask(d)) << 16);
      return p + <usize>ctz(low | (high << 32));
    }
    p += 64;
  }
}

function skipEscape(p: usize): usize {
  stringTraits |= HAS_ESCAPE;
  switch (load<u8>(p, 1)) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return p + 2;
    case 0x75: // u
      stringTraits |= HAS_CODE_ESCAPE;
      for (let i: usize = 2; i < 6; i++) {
        if (hexValue(load<u8>(p + i)) < 0) return grammarFault(Why.BAD_ESCAPE, p + i);
      }
      return p + 6;
    default:
      return grammarFault(Why.BAD_ESCAPE, p + 1);
  }
}

/** 0 to 15, or −1. */
export function hexValue(byte: u8): i32 {
  if (isDigit(byte)) return byte - ZERO;
  const letter = (byte | 0x20) - 0x61;
  return letter < 6 ? <i32>letter + 10 : -1;
}

// @ts-ignore: decorator
@inline
export function isDigit(byte: u8): bool {
  return <u8>(byte - ZERO) < 10;
}

/** A bit for each of the 16 bytes at `p` that is not a digit, the first byte's bit lowest. */
// @ts-ignore: decorator
@inline
export function nonDigits(p: usize): u32 {
  // As signed bytes, digits become the ten least, so that one signed comparison finds them: processors have no other.
  const shifted = i8x16.sub(v128.load(p), i8x16.splat(<i8>(ZERO + 0x80)));
  return <u32>i8x16.bitmask(i8x16.lt_s(shifted, i8x16.splat(-128 + 10))) ^ 0xffff;
}

// @ts-ignore: decorator
@inline
function skipDigits(p: usize): usize {
  let other = nonDigits(p);
  while (!other) {
    p += 16;
    other = nonDigits(p);
  }
  return p + <usize>ctz(other);
}

/** `p` is at a `-` or at what should be a digit. */
export function skipNumber(p: usize): usize {
  p += <usize>(load<u8>(p) == MINUS);
  if (load<u8>(p) == ZERO) p++;
  else {
    if (!isDigit(load<u8>(p))) return grammarFault(Why.EXPECTED_DIGIT, p);
    p = skipDigits(p + 1);
  }
  if (load<u8>(p) == POINT) {
    p++;
    if (!isDigit(load<u8>(p))) return grammarFault(Why.EXPECTED_DIGIT, p);
    p = skipDigits(p + 1);
  }
  if ((load<u8>(p) | 0x20) == 0x65) {
    p++;
    const sign = load<u8>(p);
    p += <usize>(sign == PLUS || sign == MINUS);
    if (!isDigit(load<u8>(p))) return grammarFault(Why.EXPECTED_DIGIT, p);
    p = skipDigits(p + 1);
  }
  return p;
}

function skipScalar(p: usize): usize {
  const byte = load<u8>(p);
  if (byte == QUOTE) return skipString(p);
  if (byte == MINUS || isDigit(byte)) return skipNumber(p);
  if (load<u32>(p) == 0x65757274 || load<u32>(p) == 0x6c6c756e) return p + 4; // true, null
  if (byte == 0x66 && load<u32>(p, 1) == 0x65736c61) return p + 5; // false
  return grammarFault(Why.EXPECTED_VALUE, p);
}

/** `p` is at a member's name; answers the address of its value. */
function skipName(p: usize): usize {
  if (load<u8>(p) != QUOTE) return grammarFault(Why.EXPECTED_NAME, p);
  p = skipString(p);
  return p ? skipColon(p) : 0;
}

export function skipColon(p: usize): usize {
  p = skipSpace(p);
  if (load<u8>(p) != COLON) return grammarFault(Why.EXPECTED_COLON, p);
  return skipSpace(p + 1);
}

/**
 * Any value. `levels` brackets are open around it. Brackets that open inside are kept one byte each in NESTING, so
 * that depth costs no stack.
 */
export function skipValue(p: usize, levels: i32): usize {
  const outside = levels;
  while (true) {
    const byte = load<u8>(p);
    if (byte == OPEN_BRACE || byte == OPEN_BRACKET) {
      if (levels == NESTING_LEVELS_MAX) return grammarFault(Why.TOO_DEEP, p);
      p = skipSpace(p + 1);
      // The closing bracket of either kind is two above its opening one.
      if (load<u8>(p) != byte + 2) {
        store<u8>(NESTING + <usize>levels, byte);
        levels++;
        if (byte == OPEN_BRACE) {
          p = skipName(p);
          if (!p) return 0;
        }
        continue;
      }
      p++;
    } else {
      p = skipScalar(p);
      if (!p) return 0;
    }
    // After a value: close what closes here, up to a comma that brings the next value.
    while (true) {
      if (levels == outside) return p;
      p = skipSpace(p);
      const open = load<u8>(NESTING + <usize>(levels - 1));
      const next = load<u8>(p);
      if (next == COMMA) {
        p = skipSpace(p + 1);
        if (open == OPEN_BRACE) {
          p = skipName(p);
          if (!p) return 0;
        }
        break;
      }
      if (next != open + 2) {
        return grammarFault(open == OPEN_BRACE ? Why.EXPECTED_COMMA_OR_BRACE : Why.EXPECTED_COMMA_OR_BRACKET, p);
      }
      p++;
      levels--;
    }
  }
}
