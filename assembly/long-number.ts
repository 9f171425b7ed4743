/**
 * A number that is too long to be carried whole from part to part: read byte by byte, in constant memory, and added once
 * its end is known, since only its exponent tells what its digits are worth.
 *
 * Of its digits, the first BODY_DIGITS_MAX from the first that is not 0 are kept: more than lie between the greatest place
 * of a binary64 and the least that is added exactly. Of the others counts whether one is not 0.
 */
import { MINUS, PLUS, POINT, ZERO } from './codes';
import { isDigit } from './json';
import { BODY, BODY_DIGITS, BODY_DIGITS_MAX, BodyField, TEXT } from './layout';
import { addAnyNumber } from './sum';

/** How far a long number has been read. */
namespace Digit {
  export const START: i32 = 0;
  export const AFTER_SIGN: i32 = 1;
  export const ZERO: i32 = 2;
  export const WHOLE: i32 = 3;
  export const POINT: i32 = 4;
  export const FRACTION: i32 = 5;
  export const E: i32 = 6;
  export const E_SIGN: i32 = 7;
  export const EXPONENT: i32 = 8;
}

let digit: i32 = Digit.START;
let isNegative: bool = false;
let isNegativeExponent: bool = false;
/** Was a digit that is not 0 left out? */
let isMore: bool = false;
let digitsKept: i32 = 0;
/** 10^`place` is the place of the first digit that is not 0, as far as the point tells. */
let place: i64 = 0;
let exponent: i64 = 0;

export function beginLongNumber(): void {
  digit = Digit.START;
  isNegative = isNegativeExponent = isMore = false;
  digitsKept = 0;
  place = exponent = 0;
}

/** Takes up the number that `keepLongNumber` has left in fields of BODY; its digits are at BODY_DIGITS. */
export function resumeLongNumber(): void {
  place = load<i64>(BODY, BodyField.NUMBER_PLACE);
  exponent = load<i64>(BODY, BodyField.NUMBER_EXPONENT);
  digitsKept = load<i32>(BODY, BodyField.DIGITS_KEPT);
  digit = load<u8>(BODY, BodyField.DIGIT);
  const traits = load<u8>(BODY, BodyField.NUMBER_TRAITS);
  isNegative = (traits & 1) != 0;
  isNegativeExponent = (traits & 2) != 0;
  isMore = (traits & 4) != 0;
}

export function keepLongNumber(): void {
  store<i64>(BODY, place, BodyField.NUMBER_PLACE);
  store<i64>(BODY, exponent, BodyField.NUMBER_EXPONENT);
  store<i32>(BODY, digitsKept, BodyField.DIGITS_KEPT);
  store<u8>(BODY, <u8>digit, BodyField.DIGIT);
  const traits = <u8>isNegative | ((<u8>isNegativeExponent) << 1) | ((<u8>isMore) << 2);
  store<u8>(BODY, traits, BodyField.NUMBER_TRAITS);
}

function keepDigit(byte: u8, isWhole: bool): void {
  if (digitsKept == 0) {
    if (byte == ZERO) {
      place -= <i64>!isWhole;
      return;
    }
    place -= <i64>!isWhole;
  } else place += <i64>isWhole;
  if (digitsKept < BODY_DIGITS_MAX) {
    store<u8>(BODY_DIGITS + <usize>digitsKept, byte);
    digitsKept++;
  } else if (byte != ZERO) isMore = true;
}

/** Far beyond any length that a number of 4 GiB could balance. */
const EXPONENT_HUGE: i64 = 1 << 40;

/** Reads on, up to `limit`. Answers the address of the first byte that is not the number's, or `limit`. */
export function passLongNumber(p: usize, limit: usize): usize {
  while (p != limit) {
    const byte = load<u8>(p);
    if (isDigit(byte)) {
      if (digit == Digit.ZERO) break;
      if (digit <= Digit.AFTER_SIGN) digit = byte == ZERO ? Digit.ZERO : Digit.WHOLE;
      else if (digit == Digit.POINT) digit = Digit.FRACTION;
      else if (digit == Digit.E || digit == Digit.E_SIGN) digit = Digit.EXPONENT;
      if (digit != Digit.EXPONENT) keepDigit(byte, digit != Digit.FRACTION);
      else if (exponent < EXPONENT_HUGE) exponent = exponent * 10 + <i64>(byte - ZERO);
    } else if (byte == MINUS && digit == Digit.START) {
      digit = Digit.AFTER_SIGN;
      isNegative = true;
    } else if (byte == POINT && (digit == Digit.ZERO || digit == Digit.WHOLE)) {
      digit = Digit.POINT;
    } else if ((byte | 0x20) == 0x65 && (digit == Digit.ZERO || digit == Digit.WHOLE || digit == Digit.FRACTION)) {
      digit = Digit.E;
    } else if ((byte == MINUS || byte == PLUS) && digit == Digit.E) {
      digit = Digit.E_SIGN;
      isNegativeExponent = byte == MINUS;
    } else break;
    p++;
  }
  return p;
}

/** Whether the number may end here. */
export function isWholeLongNumber(): bool {
  return digit == Digit.ZERO || digit == Digit.WHOLE || digit == Digit.FRACTION || digit == Digit.EXPONENT;
}

/** Adds the number, as the item of that index. False, with the fault kept, where it is too large. */
export function addLongNumber(index: u32): bool {
  if (digitsKept == 0) return true;
  writeLongNumber();
  return addAnyNumber(TEXT, index) != 0;
}

/** Writes what was kept of a long number at TEXT, a 0 after it: `-d.ddd…e±n`. A digit that was left out counts as a 1. */
function writeLongNumber(): void {
  let to = TEXT;
  if (isNegative) store<u8>(to++, MINUS);
  store<u8>(to++, load<u8>(BODY_DIGITS));
  store<u8>(to++, POINT);
  memory.copy(to, BODY_DIGITS + 1, digitsKept - 1);
  to += <usize>(digitsKept - 1);
  store<u8>(to++, isMore ? ZERO + 1 : ZERO);
  store<u8>(to++, 0x65);
  let size = place + (isNegativeExponent ? -exponent : exponent);
  if (size < 0) {
    store<u8>(to++, MINUS);
    size = -size;
  }
  let divisor: i64 = 1;
  while (size / divisor > 9) divisor *= 10;
  for (; divisor; divisor /= 10) store<u8>(to++, ZERO + <u8>((size / divisor) % 10));
  store<u8>(to, 0);
}
