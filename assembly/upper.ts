/**
 * `upper`, from UTF-8 to UTF-8, sixteen bytes at a time where no character changes its length: ASCII, characters of two
 * bytes, and what has no case. Any other character goes by itself, through `case-map.ts`; a string with one that only the
 * host can tell is the host's as a whole.
 *
 * The token was checked by the scanner: it is well-formed UTF-8 with sound escapes. Escapes of characters become these
 * characters, where JSON lets them stand by themselves; a lone surrogate stays an escape.
 */
import { ALL_5C, ALL_C0, ALL_E0, ALL_FE } from './bytes16';
import { prepareCases, writeUpperPoint } from './case-map';
import { BACKSLASH, QUOTE } from './codes';
import { upperCase } from './host';
import { HAS_CODE_ESCAPE, HAS_WIDE, hexValue } from './json';
import { markLong, upperAscii, upperCyrillic, upperGreek, upperLatin1, upperPair } from './upper-vectors';
import { readUtf8, utf8Length } from './utf8';

/** Writes the upper case of the string token [start, end) at `to`; answers the address after it. */
export function writeUpper(to: usize, start: usize, end: usize, traits: i32): usize {
  if (!traits) return writeAscii(to, start, end);
  const isOurs = !(traits & (HAS_WIDE | HAS_CODE_ESCAPE)) || prepareCases();
  const after = isOurs ? writeMixed(to, start, end) : 0;
  return after ? after : to + <usize>upperCase(start, <i32>(end - start), to);
}

/** May write up to 15 bytes past its end, which the next write covers; so may `writeMixed`. */
function writeAscii(to: usize, start: usize, end: usize): usize {
  const length = end - start;
  for (let i: usize = 0; i < length; i += 16) v128.store(to + i, upperAscii(v128.load(start + i)));
  return to + length;
}

/** Answers 0 where the host must be asked. */
function writeMixed(to: usize, p: usize, end: usize): usize {
  // Does the byte before `p` begin a character of two bytes?
  let isCut: u32 = 0;
  while (p < end) {
    const v = v128.load(p);
    let upper = v128.or(upperAscii(v), i8x16.eq(v, v128.load(ALL_5C)));
    if (i8x16.bitmask(v) | isCut) {
      upper = markLong(upper, v, v128.load(p, 1));
      // A bit for each byte from the one before `p` on.
      let leads = isCut | ((<u32>i8x16.bitmask(i8x16.eq(v128.and(v, v128.load(ALL_E0)), v128.load(ALL_C0)))) << 1);
      isCut = leads >> 16;
      while (leads) {
        const before = v128.load(p - 1);
        const even = load<u8>(p - 1 + <usize>ctz(leads)) & 0xfe;
        if (even == 0xc2) upper = upperLatin1(upper, v, before);
        else if (even == 0xd0) upper = upperCyrillic(upper, v, before);
        else if (even == 0xce) upper = upperGreek(upper, v, before);
        else upper = upperPair(upper, v, before, even, p);
        // The byte before `p` is the first in its turn, so it is done, too.
        const done = i8x16.eq(v128.and(v, v128.load(ALL_FE)), i8x16.splat(even));
        leads &= ~(((<u32>i8x16.bitmask(done)) << 1) | 1);
      }
    }
    v128.store(to, upper);
    const marks = i8x16.bitmask(i8x16.eq(upper, i8x16.splat(-1)));
    if (marks) {
      let place = <usize>ctz(marks);
      // Of a character of two bytes the second one is marked.
      place -= <usize>((load<u8>(p + place) & 0xc0) == 0x80);
      if (p + place < end) {
        to = writeSingles(to + place, p + place);
        if (!to) return 0;
        p = singlesEnd;
        isCut = 0;
        continue;
      }
    }
    p += 16;
    to += 16;
  }
  return to - (p - end);
}

/** Where the last `writeSingles` came to. */
let singlesEnd: usize = 0;

/**
 * Writes what stands at `p`, an escape or a character that is not ASCII, and what follows of such for some sixteen bytes:
 * where there is one there are often more. Answers 0 where the host must be asked.
 */
function writeSingles(to: usize, p: usize): usize {
  const enough = p + 16;
  let byte = load<u8>(p);
  do {
    if (byte == BACKSLASH) {
      to = writeEscaped(to, p);
      p = singlesEnd;
    } else {
      to = writeUpperPoint(to, readUtf8(p));
      p += utf8Length(byte);
    }
    if (!to) return 0;
    byte = load<u8>(p);
  } while (p < enough && (byte >= 0x80 || byte == BACKSLASH));
  singlesEnd = p;
  return to;
}

/** `p` is at an escape. Leaves the address after it in `singlesEnd`. */
function writeEscaped(to: usize, p: usize): usize {
  if (load<u8>(p, 1) != 0x75) {
    // The letter of an escape is no letter of the text.
    singlesEnd = p + 2;
    store<u16>(to, load<u16>(p));
    return to + 2;
  }
  const point = codeUnit(p);
  singlesEnd = p + 6;
  if ((point & 0xfc00) == 0xd800 && load<u16>(p, 6) == ESCAPED_UNIT) {
    const low = codeUnit(p + 6);
    if ((low & 0xfc00) == 0xdc00) {
      singlesEnd = p + 12;
      return writeUpperPoint(to, 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00));
    }
  }
  const mustStay = (point & 0xf800) == 0xd800 || point < 0x20 || point == QUOTE || point == BACKSLASH;
  if (!mustStay) return writeUpperPoint(to, point);
  store<u32>(to, load<u32>(p));
  store<u16>(to, load<u16>(p, 4), 4);
  return to + 6;
}

/** A backslash and a `u`. */
const ESCAPED_UNIT: u16 = 0x755c;

/** Of the escape at `p`. */
function codeUnit(p: usize): u32 {
  let unit = 0;
  for (let i: usize = 2; i < 6; i++) unit = (unit << 4) | hexValue(load<u8>(p + i));
  return <u32>unit;
}
