/**
 * A body that comes in parts: checked and added as they come, in constant memory, whatever its length. Any cut of it,
 * at every byte, gives the same answer.
 *
 * Each part is in memory with a 0 after it, as the scanners of `json.ts` want it. What they find wrong at that 0
 * only tells that more is to come, unless the part is the last. A token that is cut there is carried over and read
 * again with what follows; one that is longer than CARRY_BYTES_MAX is read in pieces (`State.STRING`, `State.NUMBER`).
 *
 * The first fault is the answer, as soon as the request's id is known as well; what follows it is not looked at.
 *
 * Places are kept as offsets in the body. While a part is looked at they are addresses, `origin` less: those of bytes
 * that are gone may wrap around, and only their differences count.
 */
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  Operation,
  Outcome,
  QUOTE,
} from './codes';
import { clearSum } from './decimal';
import {
  beginData,
  forgetData,
  idStart,
  Member,
  memberNamed,
  moveId,
  operation,
  takeId,
  takeOp,
  takeTimeout,
  takeTraceparent,
} from './envelope';
import {
  clearFault,
  fault,
  grammarFault,
  itemFault,
  itemIndex,
  outcomeOf,
  resumeFault,
  Why,
  where,
  why,
} from './fault';
import { clearStringTraits, isDigit, skipSpace, stringTraits } from './json';
import { BODY_CARRY, BODY_ID, CARRY_BYTES_MAX, NESTING, NESTING_LEVELS_MAX } from './layout';
import { addLongNumber, beginLongNumber, isWholeLongNumber, passLongNumber } from './long-number';
import { Body } from './part-body';
import { State } from './part-states';
import {
  afterLastComma,
  beginPart,
  isCut,
  isLast,
  isLongCut,
  isPartsEnd,
  limit,
  literalEnd,
  numberEnd,
  stringRest,
} from './part-tokens';
import { addItems, addNumber, itemsBefore } from './sum';

/** Bytes of the whole body, once the last part is here. */
export let bodyEnd: usize = 0;

/** Of a body of which nothing has come: it is the array of a sum and nothing else. */
export function beginArray(): void {
  Body.state = State.ARRAY;
  Body.isBare = true;
}

/** Looks at the next `length` bytes of the body, at `at`. True: the body's answer is known; there are no more parts. */
export function addPart(at: usize, length: i32, last: bool): bool {
  const start = at - <usize>Body.carried;
  memory.copy(start, BODY_CARRY, Body.carried);
  const end = at + <usize>length;
  const origin = <usize>Body.through - start;
  beginPart(start, end, last);
  const next = load<u8>(limit);
  store<u8>(limit, 0);
  bodyEnd = last ? end + origin : usize.MAX_VALUE;
  shift(0 - origin);
  const p = scan(start);
  shift(origin);
  store<u8>(limit, next);
  if (!p) return true;
  Body.carried = <i32>(end - p);
  Body.through += <u32>(p - start);
  assert(Body.carried <= <i32>CARRY_BYTES_MAX + 8, 'what is carried fits');
  memory.copy(BODY_CARRY, p, Body.carried);
  return false;
}

/** Places are offsets in the body between parts, and addresses while one is looked at. */
function shift(by: usize): void {
  Body.nameAt += by;
  Body.dataAt += by;
  Body.dataEnd += by;
  Body.numberAt += by;
  if (why != Why.NOTHING) resumeFault(why, where + by, itemIndex);
}

/** Answers the address of the first byte that is still wanted, or 0 where the body's answer is known. */
function scan(p: usize): usize {
  while (true) {
    if (why != Why.NOTHING && (idStart || Body.isBare || outcomeOf(why) == Outcome.BAD_JSON)) return 0;
    if (Body.state == State.AFTER_VALUE) noteDataEnd(p);
    if (Body.state != State.STRING && Body.state != State.NUMBER) p = skipSpace(p);
    if (p == limit) {
      if (!isLast) return p;
      if (Body.state == State.END) return 0;
    }
    const at = p;
    p = step(p);
    if (isCut) return at > p ? at : p;
    if (!p) p = at;
  }
}

/** `p` is after a value. */
// @ts-ignore: decorator
@inline
function noteDataEnd(p: usize): void {
  if (Body.levels != 1 || Body.member != Member.DATA) return;
  Body.dataEnd = p;
  Body.member = Member.OTHER;
}

/** One step from `p`. Answers where to go on, or 0 with a fault kept; leaves `isCut` where it needs more. */
function step(p: usize): usize {
  const byte = load<u8>(p);
  switch (Body.state) {
    case State.REQUEST:
      return byte == OPEN_BRACE ? open(p, byte) : grammarFault(Why.EXPECTED_OBJECT, p);
    case State.ARRAY:
      if (byte == OPEN_BRACKET) return beginTerms(p);
      if (!readValue(p)) return 0;
      Body.state = State.ARRAY;
      return fault(Why.SUM_NOT_ARRAY, p);
    case State.FIRST_NAME:
      return byte == CLOSE_BRACE ? close(p) : readName(p);
    case State.NAME:
      return readName(p);
    case State.AFTER_NAME:
      if (byte != COLON) return grammarFault(Why.EXPECTED_COLON, p);
      Body.state = State.VALUE;
      return p + 1;
    case State.VALUE:
      return Body.levels == 1 ? readMemberValue(p) : readValue(p);
    case State.FIRST_ITEM:
      return byte == CLOSE_BRACKET ? close(p) : readValue(p);
    case State.AFTER_VALUE:
      return readAfterValue(p);
    case State.FIRST_TERM:
      return byte == CLOSE_BRACKET ? endTerms(p + 1) : readTerms(p);
    case State.TERM:
      return readTerms(p);
    case State.AFTER_TERM:
      if (byte == CLOSE_BRACKET) return endTerms(p + 1);
      if (byte != COMMA) return grammarFault(Why.EXPECTED_COMMA_OR_BRACKET, p);
      Body.index++;
      Body.state = State.TERM;
      return p + 1;
    case State.STRING:
      p = stringRest(p);
      if (p && !isCut) Body.state = Body.afterToken;
      return p;
    case State.NUMBER:
      return passNumber(p);
    default:
      return grammarFault(Why.TRAILING, p);
  }
}

/** `p` is at an opening bracket of either kind. */
function open(p: usize, bracket: u8): usize {
  if (Body.levels == NESTING_LEVELS_MAX) return grammarFault(Why.TOO_DEEP, p);
  store<u8>(NESTING + <usize>Body.levels, bracket);
  Body.levels++;
  Body.state = bracket == OPEN_BRACE ? State.FIRST_NAME : State.FIRST_ITEM;
  return p + 1;
}

function close(p: usize): usize {
  Body.levels--;
  Body.state = Body.levels ? State.AFTER_VALUE : State.END;
  return p + 1;
}

function readAfterValue(p: usize): usize {
  const bracket = load<u8>(NESTING + <usize>(Body.levels - 1));
  const byte = load<u8>(p);
  if (byte == COMMA) {
    Body.state = bracket == OPEN_BRACE ? State.NAME : State.VALUE;
    return p + 1;
  }
  // The closing bracket of either kind is two above its opening one.
  if (byte == bracket + 2) return close(p);
  return grammarFault(bracket == OPEN_BRACE ? Why.EXPECTED_COMMA_OR_BRACE : Why.EXPECTED_COMMA_OR_BRACKET, p);
}

/**
 * The string at `p`, whole: answers the address after it. Where the part ends inside of it: 0, and `isCut`, or, where
 * it is long already, the state is STRING and the answer where to go on. `follows` is the state after it.
 */
function readString(p: usize, follows: i32): usize {
  clearStringTraits();
  Body.afterToken = follows;
  const rest = stringRest(p + 1);
  if (!isCut) {
    if (rest) Body.state = follows;
    return rest;
  }
  if (!isLongCut(p)) return 0;
  Body.state = State.STRING;
  return rest;
}

function readName(p: usize): usize {
  if (load<u8>(p) != QUOTE) return grammarFault(Why.EXPECTED_NAME, p);
  Body.nameAt = p;
  const end = readString(p, State.AFTER_NAME);
  // A long name is none that is known.
  const isWhole = end && Body.state == State.AFTER_NAME;
  if (Body.levels == 1) Body.member = isWhole ? memberNamed(p + 1, end - 1, stringTraits) : Member.OTHER;
  return end;
}

/** The value of one of the request's own members. */
function readMemberValue(p: usize): usize {
  switch (Body.member) {
    case Member.ID:
    case Member.OP:
    case Member.TIMEOUT:
    case Member.TRACEPARENT:
      return readToken(p);
    case Member.DATA:
      if (!beginData(p, Body.nameAt)) return readValue(p);
      Body.dataAt = p;
      // After a fault there is nothing to add, only to be checked.
      if (operation != Operation.SUM || why != Why.NOTHING) {
        const end = readValue(p);
        if (!end && isCut) forgetData();
        return end;
      }
      if (load<u8>(p) == OPEN_BRACKET) return beginTerms(p);
      fault(Why.SUM_NOT_ARRAY, p);
      return readValue(p);
    default:
      return readValue(p);
  }
}

/** A member that is to be a short token. What is too long to be looked at whole, or a bracket, is none that will do. */
function readToken(p: usize): usize {
  const end = readValue(p);
  if (!end) return 0;
  const isWhole = Body.state == State.AFTER_VALUE && end - p < CARRY_BYTES_MAX;
  switch (Body.member) {
    case Member.ID:
      takeId(p, isWhole ? end : p + CARRY_BYTES_MAX, Body.nameAt);
      if (idStart == p) moveId(BODY_ID);
      break;
    case Member.OP:
      takeOp(p, isWhole ? end : p + CARRY_BYTES_MAX, Body.nameAt, stringTraits);
      break;
    case Member.TIMEOUT:
      takeTimeout(p, isWhole ? end : p, Body.nameAt);
      break;
    default:
      takeTraceparent(p, Body.nameAt);
  }
  return end;
}

/** Any value: a scalar is passed over, a bracket opened. */
function readValue(p: usize): usize {
  const byte = load<u8>(p);
  if (byte == OPEN_BRACE || byte == OPEN_BRACKET) return open(p, byte);
  if (byte == QUOTE) return readString(p, State.AFTER_VALUE);
  if (byte == MINUS || isDigit(byte)) {
    const end = wholeNumber(p, State.AFTER_VALUE);
    if (end && Body.state != State.NUMBER) Body.state = State.AFTER_VALUE;
    return end;
  }
  const end = literalEnd(p);
  if (end) Body.state = State.AFTER_VALUE;
  return end;
}

/**
 * The address after the number at `p`. Where the part ends inside of it: 0, and `isCut`, or, where it is long already,
 * the state is NUMBER and the answer `p`.
 */
function wholeNumber(p: usize, follows: i32): usize {
  const end = numberEnd(p);
  if (!isCut) return end;
  if (!isLongCut(p)) return 0;
  Body.state = State.NUMBER;
  Body.afterToken = follows;
  Body.numberAt = p;
  beginLongNumber();
  return p;
}

function beginTerms(p: usize): usize {
  clearSum();
  Body.index = 0;
  Body.state = State.FIRST_TERM;
  return p + 1;
}

/** `p` is after the array's closing bracket. */
function endTerms(p: usize): usize {
  Body.isSummed = true;
  Body.state = Body.levels ? State.AFTER_VALUE : State.END;
  return p;
}

/** The array of a sum, from an item on: as many as there are commas in the part, or else this one. */
function readTerms(p: usize): usize {
  const pause: usize = isLast ? 0 : afterLastComma(p);
  if (!isLast && !pause) return readTerm(p);
  let kept: u8 = 0;
  if (pause) {
    kept = load<u8>(pause);
    store<u8>(pause, 0);
  }
  const end = addItems(p, Body.index, pause);
  if (pause) store<u8>(pause, kept);
  if (!end) {
    Body.index = itemsBefore;
    return refuseTerm();
  }
  if (end != pause) return endTerms(end);
  Body.index = itemsBefore;
  Body.state = State.TERM;
  return end;
}

/** One item, near the part's end. */
function readTerm(p: usize): usize {
  const byte = load<u8>(p);
  if (byte != MINUS && !isDigit(byte)) {
    itemFault(Why.SUM_ITEM_NOT_NUMBER, p, Body.index);
    return refuseTerm();
  }
  const whole = wholeNumber(p, State.AFTER_TERM);
  if (!whole || Body.state == State.NUMBER) return whole;
  const end = addNumber(p, Body.index);
  if (!end) return refuseTerm();
  Body.state = State.AFTER_TERM;
  return end;
}

/** An item cannot be added. Where it is no value at all, the body is no JSON; else it is left to `readValue`. */
function refuseTerm(): usize {
  if (outcomeOf(why) == Outcome.BAD_JSON) return 0;
  const at = where;
  if (why == Why.SUM_ITEM_NOT_NUMBER) {
    const byte = load<u8>(at);
    if (byte != QUOTE && byte != OPEN_BRACE && byte != OPEN_BRACKET) {
      const end = literalEnd(at);
      if (isCut) {
        // What is before it has been added. It is looked at again when it is whole.
        clearFault();
        Body.state = State.TERM;
        return at;
      }
      if (!end) return 0;
    }
  }
  checkOnly(State.VALUE);
  return at;
}

/** A long number, as far as the part goes. */
function passNumber(p: usize): usize {
  p = passLongNumber(p, isLast ? 0 : limit);
  if (isPartsEnd(p)) return p;
  if (!isWholeLongNumber()) return grammarFault(Why.EXPECTED_DIGIT, p);
  Body.state = Body.afterToken;
  if (Body.afterToken != State.AFTER_TERM || addLongNumber(Body.index)) return p;
  resumeFault(why, Body.numberAt, itemIndex);
  checkOnly(State.AFTER_VALUE);
  return p;
}

/** The rest of the array is only checked, until the id is known. */
function checkOnly(next: i32): void {
  store<u8>(NESTING + <usize>Body.levels, OPEN_BRACKET);
  Body.levels++;
  Body.state = next;
}
