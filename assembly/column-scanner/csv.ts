/**
 * One column of delimited text (RFC 4180): fields in, items of a JSON array out.
 *
 * Invariant: a line feed stands at the end of the text and a quote after it (`index.ts` puts them there), so no search
 * compares with the end. A line that has no end yet is left for the next scan, as if it had not been looked at.
 */
import { QUOTE } from '../codes';
import { Stop } from './layout';
import { addNumber, blame, leave } from './status';

const LINE_FEED: u8 = 0x0a;
const CARRIAGE_RETURN: u8 = 0x0d;
const SPACE: u8 = 0x20;
const TAB: u8 = 0x09;

let delimiter: u8 = 0;
/** The end of the text. */
let limit: usize = 0;

/** Ends of lines inside of the quoted fields of the line at hand. */
let quotedLines: i32 = 0;
/** The closing quote of the quoted field that was passed last. */
let closingQuote: usize = 0;
/** The wanted field of the line at hand, without its quotes. */
let valueAt: usize = 0;
let valueEnd: usize = 0;
/** The first thing that is wrong with the line at hand: a `Stop`, and where. */
let fault: i32 = Stop.INPUT;
let faultAt: usize = 0;

/** Scans from `from` to before `end`, which is the end of all text where `isLast`. */
export function scanTable(from: usize, end: usize, isLast: bool, between: u8, column: i32, output: usize): void {
  delimiter = between;
  limit = end;
  let p = from;
  let lines = 0;
  while (p < end) {
    quotedLines = 0;
    fault = Stop.INPUT;
    const next = passLine(p, column);
    // A line that ends at the line feed behind the text has only come in part.
    if (next > end && !isLast) break;
    const newlines = quotedLines + <i32>(next <= end);
    if (!isBlank(p, next)) {
      if (fault == Stop.INPUT) readValue();
      if (fault != Stop.INPUT) {
        leave(fault, p, lines, output);
        blame(faultAt, valueEnd, next > end ? end : next, newlines);
        return;
      }
    }
    lines += newlines;
    p = next;
  }
  leave(Stop.INPUT, p > end ? end : p, lines, output);
}

/** Is nothing in the line that is from `p` to before `next`? */
function isBlank(p: usize, next: usize): bool {
  return next - p == 1 || (next - p == 2 && load<u8>(p) == CARRIAGE_RETURN);
}

/** Puts out the number, which may have white space around it. */
function readValue(): void {
  while (valueAt < valueEnd && isSpace(load<u8>(valueAt))) valueAt++;
  while (valueAt < valueEnd && isSpace(load<u8>(valueEnd - 1))) valueEnd--;
  fault = valueAt == valueEnd ? Stop.EMPTY : addNumber(valueAt, valueEnd);
  faultAt = valueAt;
}

// @ts-ignore: decorator
@inline
function isSpace(byte: u8): bool {
  return byte == SPACE || byte == TAB;
}

/** Finds the wanted field of the line that begins at `p`. Answers where the next line begins. */
function passLine(p: usize, column: i32): usize {
  for (let passed = 0; passed < column; passed++) {
    const end = passField(p);
    if (load<u8>(end) == LINE_FEED) {
      blameLine(Stop.TOO_FEW_COLUMNS, end);
      return end + 1;
    }
    p = end + 1;
  }
  const end = passField(p);
  const isLineEnd = load<u8>(end) == LINE_FEED;
  if (load<u8>(p) == QUOTE) {
    valueAt = p + 1;
    valueEnd = closingQuote;
  } else {
    valueAt = p;
    valueEnd = end - <usize>(isLineEnd && end > p && load<u8>(end - 1) == CARRIAGE_RETURN);
  }
  return (isLineEnd ? end : passFields(end)) + 1;
}

function blameLine(stop: i32, at: usize): void {
  if (fault != Stop.INPUT) return;
  fault = stop;
  faultAt = at;
  valueEnd = at;
}

/** `p` is where a field begins. Answers the address of the delimiter or line feed after it. */
// @ts-ignore: decorator
@inline
function passField(p: usize): usize {
  return load<u8>(p) == QUOTE ? passQuoted(p) : passBare(p);
}

// @ts-ignore: decorator
@inline
function passBare(p: usize): usize {
  while (true) {
    const v = v128.load(p);
    const ends = i8x16.bitmask(v128.or(i8x16.eq(v, i8x16.splat(delimiter)), i8x16.eq(v, i8x16.splat(LINE_FEED))));
    if (ends) return p + <usize>ctz(ends);
    p += 16;
  }
}

/** `p` is at the opening quote. */
function passQuoted(p: usize): usize {
  const opening = p++;
  while (true) {
    const v = v128.load(p);
    const newlines = i8x16.bitmask(i8x16.eq(v, i8x16.splat(LINE_FEED)));
    const quotes = i8x16.bitmask(i8x16.eq(v, i8x16.splat(QUOTE)));
    if (!quotes) {
      quotedLines += popcnt(newlines);
      p += 16;
      continue;
    }
    quotedLines += popcnt(newlines & ((quotes & -quotes) - 1));
    p += <usize>ctz(quotes);
    if (p > limit) {
      blameLine(Stop.UNCLOSED_QUOTE, opening);
      closingQuote = limit;
      return limit;
    }
    if (load<u8>(p, 1) != QUOTE) break;
    p += 2;
  }
  closingQuote = p++;
  if (load<u8>(p) == CARRIAGE_RETURN && load<u8>(p, 1) == LINE_FEED) p++;
  const byte = load<u8>(p);
  if (byte == delimiter || byte == LINE_FEED) return p;
  blameLine(Stop.TEXT_AFTER_QUOTE, p);
  return passBare(p);
}

/** `p` is at the delimiter before a field. Answers the address of the line feed that ends the line. */
function passFields(p: usize): usize {
  while (true) {
    const v = v128.load(p);
    const marks = i8x16.bitmask(v128.or(i8x16.eq(v, i8x16.splat(QUOTE)), i8x16.eq(v, i8x16.splat(LINE_FEED))));
    if (!marks) {
      p += 16;
      continue;
    }
    p += <usize>ctz(marks);
    if (load<u8>(p) == LINE_FEED) return p;
    // Only where a field begins does a quote mean anything.
    if (load<u8>(p - 1) != delimiter) {
      p++;
      continue;
    }
    p = passQuoted(p);
    if (load<u8>(p) == LINE_FEED) return p;
  }
}
