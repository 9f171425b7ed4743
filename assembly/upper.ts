/**
 * `upper`: ASCII here, sixteen letters at a time; a string with other characters, or with escapes of code units that
 * may stand for them, is the host's.
 */
import { BACKSLASH } from './codes';
import { upperCase } from './host';
import { HAS_CODE_ESCAPE, HAS_ESCAPE, HAS_WIDE } from './json';

/** Writes the upper case of the string token [start, end) at `to`; answers the address behind it. */
export function writeUpper(to: usize, start: usize, end: usize, traits: i32): usize {
  if (traits & (HAS_WIDE | HAS_CODE_ESCAPE)) return to + <usize>upperCase(start, <i32>(end - start), to);
  if (traits & HAS_ESCAPE) return writeEscapedAscii(to, start, end);
  return writeAscii(to, start, end);
}

/** May write up to 15 bytes behind its end, which the next write covers. */
function writeAscii(to: usize, start: usize, end: usize): usize {
  const length = end - start;
  for (let i: usize = 0; i < length; i += 16) {
    const v = v128.load(start + i);
    const isLower = i8x16.lt_u(i8x16.sub(v, i8x16.splat(0x61)), i8x16.splat(26));
    v128.store(to + i, v128.xor(v, v128.and(isLower, i8x16.splat(0x20))));
  }
  return to + length;
}

/** The letter of an escape is no letter of the text. */
function writeEscapedAscii(to: usize, start: usize, end: usize): usize {
  for (let p = start; p < end; p++) {
    const byte = load<u8>(p);
    if (byte == BACKSLASH) {
      store<u16>(to, load<u16>(p));
      to += 2;
      p++;
    } else {
      store<u8>(to++, <u8>(byte - 0x61) < 26 ? byte ^ 0x20 : byte);
    }
  }
  return to;
}
