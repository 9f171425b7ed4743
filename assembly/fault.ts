/**
 * The first fault of the body at hand: why, and where. A grammar fault ends the scan; a fault of the envelope or of
 * the data is kept while the rest of the body is still checked, since only JSON can be a bad request.
 */
import { Outcome } from './codes';

export namespace Why {
  export const NOTHING: i32 = 0;
  // BAD_JSON
  export const EXPECTED_OBJECT: i32 = 1;
  export const EXPECTED_NAME: i32 = 2;
  export const EXPECTED_COLON: i32 = 3;
  export const EXPECTED_COMMA_OR_BRACE: i32 = 4;
  export const EXPECTED_COMMA_OR_BRACKET: i32 = 5;
  export const EXPECTED_VALUE: i32 = 6;
  export const EXPECTED_DIGIT: i32 = 7;
  export const BAD_ESCAPE: i32 = 8;
  export const BAD_CHARACTER: i32 = 9;
  export const BAD_UTF8: i32 = 10;
  export const TOO_DEEP: i32 = 11;
  export const TRAILING: i32 = 12;
  // BAD_REQUEST
  export const ID_MISSING: i32 = 20;
  export const ID_NOT_STRING: i32 = 21;
  export const ID_TOO_LONG: i32 = 22;
  export const OP_MISSING: i32 = 23;
  export const OP_NOT_STRING: i32 = 24;
  export const TIMEOUT_NOT_POSITIVE: i32 = 25;
  export const TRACEPARENT_NOT_STRING: i32 = 26;
  export const MEMBER_TWICE: i32 = 27;
  // BAD_DATA
  export const UPPER_NOT_STRING: i32 = 40;
  export const SUM_NOT_ARRAY: i32 = 41;
  export const SUM_ITEM_NOT_NUMBER: i32 = 42;
  // OUT_OF_RANGE
  export const SUM_ITEM_TOO_LARGE: i32 = 60;
  export const SUM_TOO_LARGE: i32 = 61;
}

export let why: i32 = Why.NOTHING;
/** Address of the byte at fault. */
export let where: usize = 0;
/** Index in the array, for a fault of an item. */
export let itemIndex: u32 = 0;

// @ts-ignore: decorator
@inline
export function clearFault(): void {
  why = Why.NOTHING;
}

/** Takes up what was kept of a body that comes in parts. */
export function resumeFault(reason: i32, at: usize, index: u32): void {
  why = reason;
  where = at;
  itemIndex = index;
}

/** Keeps a fault unless there is an earlier one. Always answers 0, the scanners' "no position". */
export function fault(reason: i32, at: usize): usize {
  if (why == Why.NOTHING) {
    why = reason;
    where = at;
  }
  return 0;
}

/** A grammar fault outranks whatever was kept of the envelope: the body is no JSON at all. */
export function grammarFault(reason: i32, at: usize): usize {
  why = reason;
  where = at;
  return 0;
}

export function itemFault(reason: i32, at: usize, index: u32): usize {
  if (why == Why.NOTHING) itemIndex = index;
  return fault(reason, at);
}

/** The protocol's code for a reason. */
export function outcomeOf(reason: i32): i32 {
  if (reason >= Why.SUM_ITEM_TOO_LARGE) return Outcome.OUT_OF_RANGE;
  if (reason >= Why.UPPER_NOT_STRING) return Outcome.BAD_DATA;
  if (reason >= Why.ID_MISSING) return Outcome.BAD_REQUEST;
  return reason == Why.NOTHING ? Outcome.OK : Outcome.BAD_JSON;
}
