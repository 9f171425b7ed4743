/**
 * Walks a JSON value along PATH and checks all of it. Of members with the same name the last one counts, as for JSON.parse:
 * what was found below an earlier one is forgotten.
 */
import { BACKSLASH, CLOSE_BRACE, CLOSE_BRACKET, COMMA, MINUS, OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../codes';
import { grammarFault, Why } from '../fault';
import { hexValue, isDigit, skipColon, skipNumber, skipSpace, skipString, skipValue } from '../json';
import { Found, PATH, PATH_END } from './layout';

export let found: i32 = Found.NOTHING;
/** What was found; with NOTHING, the value in which the path goes no further. */
export let foundAt: usize = 0;
export let foundEnd: usize = 0;

export function clearFound(): void {
  found = Found.NOTHING;
}

/** `p` is at a value's first byte. Answers the address after it, or 0 with the fault kept. */
export function findAlong(p: usize): usize {
  return walk(p, PATH, 0);
}

function walk(p: usize, step: usize, levels: i32): usize {
  const kind = load<i32>(step);
  const byte = load<u8>(p);
  foundAt = p;
  found = Found.NOTHING;
  if (kind == PATH_END) {
    const isNumber = byte == MINUS || isDigit(byte);
    const end = isNumber ? skipNumber(p) : skipValue(p, levels);
    found = isNumber ? Found.NUMBER : Found.OTHER;
    foundEnd = end;
    return end;
  }
  if (kind >= 0 && byte == OPEN_BRACE) return walkMembers(p, step, levels);
  if (kind < 0 && byte == OPEN_BRACKET) return walkItems(p, step, levels);
  foundEnd = skipValue(p, levels);
  return foundEnd;
}

/** `p` is at the opening brace. */
function walkMembers(p: usize, step: usize, levels: i32): usize {
  foundEnd = p + 1;
  const length = load<i32>(step);
  const name = step + 4;
  const after = name + <usize>((length + 3) & ~3);
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_BRACE) return p + 1;
  while (true) {
    if (load<u8>(p) != QUOTE) return grammarFault(Why.EXPECTED_NAME, p);
    const token = p + 1;
    p = skipString(p);
    if (!p) return 0;
    const isWanted = isName(token, p - 1, name, length);
    p = skipColon(p);
    if (!p) return 0;
    p = isWanted ? walk(p, after, levels + 1) : skipValue(p, levels + 1);
    if (!p) return 0;
    p = skipSpace(p);
    const byte = load<u8>(p);
    if (byte == CLOSE_BRACE) return p + 1;
    if (byte != COMMA) return grammarFault(Why.EXPECTED_COMMA_OR_BRACE, p);
    p = skipSpace(p + 1);
  }
}

/** `p` is at the opening bracket. */
function walkItems(p: usize, step: usize, levels: i32): usize {
  foundEnd = p + 1;
  const wanted = -1 - load<i32>(step);
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_BRACKET) return p + 1;
  let index = 0;
  while (true) {
    p = index++ == wanted ? walk(p, step + 4, levels + 1) : skipValue(p, levels + 1);
    if (!p) return 0;
    p = skipSpace(p);
    const byte = load<u8>(p);
    if (byte == CLOSE_BRACKET) return p + 1;
    if (byte != COMMA) return grammarFault(Why.EXPECTED_COMMA_OR_BRACKET, p);
    p = skipSpace(p + 1);
  }
}

/** Is the string's inside, from `p` to before `end`, the name? It is a good string, and may have escapes. */
function isName(p: usize, end: usize, name: usize, length: i32): bool {
  const nameEnd = name + <usize>length;
  while (p < end) {
    const byte = load<u8>(p);
    if (byte != BACKSLASH) {
      if (name == nameEnd || byte != load<u8>(name)) return false;
      p++;
      name++;
      continue;
    }
    let point: u32;
    if (load<u8>(p, 1) != 0x75) {
      point = unescaped(load<u8>(p, 1));
      p += 2;
    } else {
      point = unit(p);
      p += 6;
      const isPair = (point & 0xfc00) == 0xd800 && p < end && load<u16>(p) == 0x755c && (unit(p) & 0xfc00) == 0xdc00;
      if (isPair) {
        point = 0x10000 + ((point & 0x3ff) << 10) + (unit(p) & 0x3ff);
        p += 6;
      }
    }
    name = passPoint(point, name, nameEnd);
    if (!name) return false;
  }
  return name == nameEnd;
}

function unescaped(letter: u8): u32 {
  switch (letter) {
    case 0x62: // b
      return 0x08;
    case 0x66: // f
      return 0x0c;
    case 0x6e: // n
      return 0x0a;
    case 0x72: // r
      return 0x0d;
    case 0x74: // t
      return 0x09;
    default:
      return letter;
  }
}

/** The UTF-16 unit of an escape such as \u0041 at `p`. */
function unit(p: usize): u32 {
  let value = 0;
  for (let i: usize = 2; i < 6; i++) value = (value << 4) | hexValue(load<u8>(p + i));
  return value;
}

/** Answers the address after the code point, where its UTF-8 is at `p` and before `end`; else 0. */
function passPoint(point: u32, p: usize, end: usize): usize {
  if (point < 0x80) return p < end && load<u8>(p) == <u8>point ? p + 1 : 0;
  const more: u32 = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  if (end - p <= <usize>more) return 0;
  const marks: u32 = more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0;
  if (load<u8>(p) != <u8>(marks | (point >> (6 * more)))) return 0;
  for (let i: u32 = 1; i <= more; i++) {
    if (load<u8>(p + <usize>i) != <u8>(0x80 | ((point >> (6 * (more - i))) & 0x3f))) return 0;
  }
  return p + <usize>more + 1;
}
