/** What a scan keeps while it runs, and leaves for the host when it comes back. */

import { INPUT, STATUS, StatusField, Stop } from './layout';
import { putNumber } from './number';

/** The next byte of OUTPUT. */
let to: usize = 0;
/** The separator before the next number. */
let separator: u8 = 0x5b; // [
let numbers: i32 = 0;
/** Place of a number that the host found to be finite. */
let trusted: usize = 0;

export function beginScan(output: usize, trustedAt: i32): void {
  to = output;
  numbers = 0;
  trusted = trustedAt < 0 ? 0 : INPUT + <usize>trustedAt;
}

/** Puts out the number that is from `start` to before `end`. Answers a `Stop`: INPUT where it did. */
// @ts-ignore: decorator
@inline
export function addNumber(start: usize, end: usize): i32 {
  const after = putNumber(start, end, to + 1, trusted == start);
  if (after <= <usize>Stop.LARGE) return <i32>after;
  store<u8>(to, separator);
  separator = 0x2c; // ,
  to = after;
  numbers++;
  return Stop.INPUT;
}

function set(field: usize, value: usize): void {
  store<i32>(STATUS + field, <i32>value);
}

/** The scan comes back: all before `consumed` is done with, and `lines` ends of lines are in it. */
export function leave(stop: i32, consumed: usize, lines: i32, output: usize): void {
  set(StatusField.STOP, stop);
  set(StatusField.CONSUMED, consumed - INPUT);
  set(StatusField.OUTPUT_LENGTH, to - output);
  set(StatusField.NUMBERS, numbers);
  set(StatusField.LINES, lines);
}

/** What is wrong with the line that begins where the scan came back. */
export function blame(place: usize, placeEnd: usize, next: usize, lines: i32, why: i32 = 0, found: i32 = 0): void {
  set(StatusField.PLACE, place - INPUT);
  set(StatusField.PLACE_END, placeEnd - INPUT);
  set(StatusField.NEXT, next - INPUT);
  set(StatusField.LINES_OF_BAD, lines);
  set(StatusField.WHY, why);
  set(StatusField.FOUND, found);
}
