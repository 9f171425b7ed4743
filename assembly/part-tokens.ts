/**
 * Tokens near the end of a part of a body. The part has a 0 after it, where the scanners of `json.ts` stop: what they
 * find wrong there only tells that the token goes on in the next part, unless this is the last one.
 */
import { BACKSLASH, COMMA } from './codes';
import { grammarFault, itemIndex, resumeFault, Why, where, why } from './fault';
import { skipNumber, skipStringRest } from './json';
import { CARRY_BYTES_MAX } from './layout';

/** Where the part ends, as far as its characters are whole. */
export let limit: usize = 0;
/** Does the body end with the part? */
export let isLast: bool = false;
/** The token that was looked for last is cut by the part's end. */
export let isCut: bool = false;

/** The part [start, end) is looked at from now on. */
export function beginPart(start: usize, end: usize, last: bool): void {
  limit = last ? end : wholeCharacters(start, end);
  isLast = last;
  isCut = false;
}

/** The address after the last character of [start, end) that is whole. */
function wholeCharacters(start: usize, end: usize): usize {
  for (let i: usize = 1; i < 4 && end - i >= start; i++) {
    const byte = load<u8>(end - i);
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const bytes: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return i < bytes ? end - i : end;
    }
  }
  return end;
}

/** Of a token at `p` that is cut: is it too long to be carried? It is to be read in pieces then, and is not cut. */
export function isLongCut(p: usize): bool {
  isCut = limit - p < CARRY_BYTES_MAX;
  return !isCut;
}

/** Inside a token that is read in pieces: is there no more of it in this part? */
export function isPartsEnd(p: usize): bool {
  isCut = p == limit && !isLast;
  return isCut;
}

/** Goes on inside a string. Where the part ends inside of it: `isCut`, and where to go on. */
export function stringRest(p: usize): usize {
  const reason = why;
  const reasonAt = where;
  const end = skipStringRest(p);
  if (end || isLast || where != limit) return end;
  // Not a fault: an escape, or the string itself, is cut.
  const isEscape = why == Why.BAD_ESCAPE;
  resumeFault(reason, reasonAt, itemIndex);
  isCut = true;
  let at = limit;
  if (isEscape) {
    do at--;
    while (load<u8>(at) != BACKSLASH);
  }
  return at;
}

/** The address after the number at `p`, or 0 with a fault or `isCut`: one that reaches the part's end may go on. */
export function numberEnd(p: usize): usize {
  const reason = why;
  const reasonAt = where;
  const end = skipNumber(p);
  if (isLast || (end ? end : where) != limit) return end;
  if (!end) resumeFault(reason, reasonAt, itemIndex);
  isCut = true;
  return 0;
}

/** The address after `true`, `false` or `null`, or 0 with a fault or `isCut`. */
export function literalEnd(p: usize): usize {
  if (load<u32>(p) == 0x65757274 || load<u32>(p) == 0x6c6c756e) return p + 4; // true, null
  if (load<u8>(p) == 0x66 && load<u32>(p, 1) == 0x65736c61) return p + 5; // false
  const first = load<u8>(p);
  if (!isLast && limit - p < 5 && (first == 0x74 || first == 0x6e || first == 0x66)) {
    isCut = true;
    return 0;
  }
  return grammarFault(Why.EXPECTED_VALUE, p);
}

/** The address after the last comma of the part that is not before `p`, or 0. */
export function afterLastComma(p: usize): usize {
  for (let end = limit; end > p; end--) {
    if (load<u8>(end - 1) == COMMA) return end;
  }
  return 0;
}
