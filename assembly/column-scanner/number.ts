/** A number as JSON writes it, checked and copied as it is written. */
import { MINUS, POINT, ZERO } from '../codes';
import { isDigit, nonDigits, skipNumber } from '../json';
import { Stop } from './layout';

/** A number whose first digit stands for 10^308 or more may round to infinity; one below never does. */
const EXPONENT_SAFE_MAX: i64 = 307;

/** More digits of an exponent make it no larger: no number has so many other digits. */
const EXPONENT_CLAMP: i64 = 1_000_000_000_000;

/**
 * Copies the number that is from `start` to before `end` to `to`. Answers the address after the copy; or
 * Stop.NOT_A_NUMBER; or, where it is not `isTrusted`, perhaps Stop.LARGE. May write up to 31 bytes more.
 */
// @ts-ignore: decorator
@inline
export function putNumber(start: usize, end: usize, to: usize, isTrusted: bool): usize {
  const length = end - start;
  if (length <= 16) {
    if (isPlain(start, nonDigits(start) & ((1 << (<u32>length)) - 1), length)) {
      v128.store(to, v128.load(start));
      return to + length;
    }
  } else if (length <= 32) {
    const mask = <u32>(((<u64>1) << (<u64>length)) - 1);
    if (isPlain(start, (nonDigits(start) | (nonDigits(start + 16) << 16)) & mask, length)) {
      v128.store(to, v128.load(start));
      v128.store(to, v128.load(start, 16), 16);
      return to + length;
    }
  }
  return putAnyNumber(start, end, to, isTrusted);
}

/** Is it digits, perhaps with a sign before and a point inside? `others` has a bit for each byte that is not a digit. */
// @ts-ignore: decorator
@inline
function isPlain(start: usize, others: u32, length: usize): bool {
  const sign = <usize>(load<u8>(start) == MINUS);
  const marks = others & ~(<u32>sign);
  // A zero in front must be the only digit there.
  if (!marks) return length > sign && (load<u8>(start + sign) != ZERO || length == sign + 1);
  const point = <usize>ctz(marks);
  return (
    (marks & (marks - 1)) == 0 &&
    load<u8>(start + point) == POINT &&
    point > sign &&
    point + 1 < length &&
    (load<u8>(start + sign) != ZERO || point == sign + 1)
  );
}

function putAnyNumber(start: usize, end: usize, to: usize, isTrusted: bool): usize {
  if (skipNumber(start) != end) return <usize>Stop.NOT_A_NUMBER;
  if (!isTrusted && exponentOf(start, end) > EXPONENT_SAFE_MAX) return <usize>Stop.LARGE;
  memory.copy(to, start, end - start);
  return to + (end - start);
}

/** The power of ten that the first digit but 0 stands for. What has only zeros gives a low one. */
function exponentOf(start: usize, end: usize): i64 {
  let p = start + <usize>(load<u8>(start) == MINUS);
  let place: i64 = -1;
  while (p < end && load<u8>(p) == ZERO) p++;
  while (p < end && isDigit(load<u8>(p))) {
    place++;
    p++;
  }
  let isZero = place < 0;
  if (p < end && load<u8>(p) == POINT) {
    p++;
    while (isZero && p < end && load<u8>(p) == ZERO) {
      place--;
      p++;
    }
    while (p < end && isDigit(load<u8>(p))) {
      isZero = false;
      p++;
    }
  }
  if (isZero) return i64.MIN_VALUE;
  return p < end ? place + writtenExponent(p + 1, end) : place;
}

/** `p` is after the `e`. */
function writtenExponent(p: usize, end: usize): i64 {
  const isNegative = load<u8>(p) == MINUS;
  if (!isDigit(load<u8>(p))) p++;
  let exponent: i64 = 0;
  for (; p < end; p++) {
    if (exponent < EXPONENT_CLAMP) exponent = exponent * 10 + <i64>(load<u8>(p) - ZERO);
  }
  return isNegative ? -exponent : exponent;
}
