/**
 * One number of each line of JSON (NDJSON, JSON Lines): values in, items of a JSON array out. Each line is checked as a whole.
 *
 * Invariant: a line feed stands at the end of the text (`index.ts` puts it there). While a line is read its own line feed is
 * a 0, where every scanner of JSON stops.
 */
import { clearFault, grammarFault, Why, where, why } from '../fault';
import { skipSpace } from '../json';
import { Found, Stop } from './layout';
import { clearFound, findAlong, found, foundAt, foundEnd } from './path';
import { addNumber, blame, leave } from './status';

const LINE_FEED: u8 = 0x0a;

/** Scans from `from` to before `end`, which is the end of all text where `isLast`. */
export function scanLines(from: usize, end: usize, isLast: bool, output: usize): void {
  let p = from;
  let lines = 0;
  while (p < end) {
    const lineEnd = findLineEnd(p);
    // It is the one behind the text.
    if (lineEnd >= end && !isLast) break;
    const newlines = <i32>(lineEnd < end);
    store<u8>(lineEnd, 0);
    const stop = readLine(p, lineEnd);
    store<u8>(lineEnd, LINE_FEED);
    if (stop != Stop.INPUT) {
      const isGrammar = stop == Stop.NOT_JSON;
      leave(stop, p, lines, output);
      blame(isGrammar ? where : foundAt, isGrammar ? where : foundEnd, lineEnd + newlines, newlines, why, found);
      return;
    }
    lines += newlines;
    p = lineEnd + 1;
  }
  leave(Stop.INPUT, p > end ? end : p, lines, output);
}

function findLineEnd(p: usize): usize {
  while (true) {
    const ends = i8x16.bitmask(i8x16.eq(v128.load(p), i8x16.splat(LINE_FEED)));
    if (ends) return p + <usize>ctz(ends);
    p += 16;
  }
}

function readLine(p: usize, lineEnd: usize): i32 {
  p = skipSpace(p);
  if (p == lineEnd) return Stop.INPUT;
  clearFault();
  clearFound();
  p = findAlong(p);
  if (p) p = skipSpace(p);
  if (p != lineEnd) {
    if (p) grammarFault(Why.TRAILING, p);
    return Stop.NOT_JSON;
  }
  return found == Found.NUMBER ? addNumber(foundAt, foundEnd) : Stop.NO_NUMBER_THERE;
}
