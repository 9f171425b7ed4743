/**
 * A body that comes in parts: checked and added as they come, in constant memory, whatever its length. Any cut of it,
 * at every byte, gives the same answer.
 *
 * Each part stands in memory with a 0 behind it, as the scanners of `json.ts` want it. What they find wrong at that 0
 * only tells that more is to come, unless the part is the last. A token that is cut there is carried over and read
 * again with what follows; one that is longer than CARRY_BYTES_MAX is read in pieces (`State.STRING`, `State.NUMBER`).
 *
 * The first fault is the answer, as soon as the request's id is known as well; what stands behind it is not looked at.
 *
 * Places are kept as offsets in the body. While a part is looked at they are addresses, `origin` less: those of bytes
 * that are gone may wrap around, and only their differences count.
 */
import {
  CLOSE_BRACE, CLOSE_BRACKET, COLON, COMMA, MINUS, OPEN_BRACE, OPEN_BRACKET, Operation, Outcome, QUOTE,
} from './codes';
import { clearSum, highest, lowest, resumeSum, tails } from './decimal';
import {
  beginData, idEnd, idStart, Member, memberNamed, moveId, operation, resumeEnvelope, seenMembers, takeId, takeOp, takeTimeout,
  takeTraceparent,
} from './envelope';
import { clearFault, fault, grammarFault, itemFault, itemIndex, outcomeOf, resumeFault, where, Why, why } from './fault';
import { clearStringTraits, isDigit, skipSpace, stringTraits } from './json';
import { BODY, BODY_CARRY, BODY_ID, CARRY_BYTES_MAX, NESTING, NESTING_LEVELS_MAX } from './layout';
import {
  addLongNumber, beginLongNumber, isWholeLongNumber, keepLongNumber, passLongNumber, resumeLongNumber,
} from './long-number';
import { State } from './part-states';
import {
  beginPart, behindLastComma, isCut, isLast, isLongCut, isPartsEnd, limit, literalEnd, numberEnd, stringRest,
} from './part-tokens';
import { addItems, addNumber, itemsBefore } from './sum';

// Kept from part to part, in fields of BODY.
export let state: i32 = State.REQUEST;
export let then: i32 = 0;
/** Open brackets. The array of a sum is not counted. */
let levels: i32 = 0;
let member: i32 = Member.OTHER;
/** Is it only an array, without a request around it? */
export let isBare: bool = false;
/** Has the array been added to its end? */
export let isSummed: bool = false;
let nameAt: usize = 0;
export let dataAt: usize = 0;
/** The index of the array's next item. */
export let index: u32 = 0;
/** Bytes of the body that are through, and of those behind them that are carried. */
let through: u32 = 0;
let carried: i32 = 0;
/** Where the long number at hand begins. */
let numberAt: usize = 0;

// The part at hand.
/** Bytes of the whole body, once the last part is here. */
export let bodyEnd: usize = 0;
/**
 * Takes up the body whose state the host has put at BODY. All zero is one of which nothing has come; that its sum then
 * has touched one bucket, which holds nothing, makes no difference.
 */
export function resumeBody(): void {
  state = load<i32>(BODY);
  then = load<i32>(BODY, 4);
  levels = load<i32>(BODY, 8);
  member = load<i32>(BODY, 12);
  isBare = load<i32>(BODY, 16) != 0;
  nameAt = load<u32>(BODY, 20);
  dataAt = load<u32>(BODY, 24);
  index = load<u32>(BODY, 28);
  through = load<u32>(BODY, 32);
  carried = load<i32>(BODY, 36);
  numberAt = load<u32>(BODY, 40);
  isSummed = load<i32>(BODY, 44) != 0;
  resumeLongNumber(BODY + 48);
  resumeEnvelope(load<i32>(BODY, 72), BODY_ID, load<u32>(BODY, 76), load<i32>(BODY, 80));
  resumeFault(load<i32>(BODY, 84), load<u32>(BODY, 88), load<u32>(BODY, 92));
  resumeSum(load<i32>(BODY, 96), load<i32>(BODY, 100), load<i64>(BODY, 104));
}

/** Leaves the body's state at BODY, where the host may take it from. */
export function keepBody(): void {
  store<i32>(BODY, state);
  store<i32>(BODY, then, 4);
  store<i32>(BODY, levels, 8);
  store<i32>(BODY, member, 12);
  store<i32>(BODY, <i32>isBare, 16);
  store<u32>(BODY, <u32>nameAt, 20);
  store<u32>(BODY, <u32>dataAt, 24);
  store<u32>(BODY, index, 28);
  store<u32>(BODY, through, 32);
  store<i32>(BODY, carried, 36);
  store<u32>(BODY, <u32>numberAt, 40);
  store<i32>(BODY, <i32>isSummed, 44);
  keepLongNumber(BODY + 48);
  store<i32>(BODY, seenMembers(), 72);
  store<u32>(BODY, idStart ? <u32>(idEnd - idStart) : 0, 76);
  store<i32>(BODY, operation, 80);
  store<i32>(BODY, why, 84);
  store<u32>(BODY, <u32>where, 88);
  store<u32>(BODY, itemIndex, 92);
  store<i32>(BODY, lowest, 96);
  store<i32>(BODY, highest, 100);
  store<i64>(BODY, tails, 104);
}

/** Of a body of which nothing has come: it is the array of a sum and nothing else. */
export function beginArray(): void {
  state = State.ARRAY;
  isBare = true;
}

/** Looks at the next `length` bytes of the body, at `at`. True: the body's answer is known; there are no more parts. */
export function addPart(at: usize, length: i32, last: bool): bool {
  const start = at - <usize>carried;
  memory.copy(start, BODY_CARRY, carried);
  const end = at + <usize>length;
  const origin = <usize>through - start;
  beginPart(start, end, last);
  const next = load<u8>(limit);
  store<u8>(limit, 0);
  bodyEnd = last ? end + origin : usize.MAX_VALUE;
  shift(0 - origin);
  const p = scan(start);
  shift(origin);
  store<u8>(limit, next);
  if (!p) return true;
  carried = <i32>(end - p);
  through += <u32>(p - start);
  assert(carried <= <i32>CARRY_BYTES_MAX + 8, 'what is carried fits');
  memory.copy(BODY_CARRY, p, carried);
  return false;
}

/** Places are offsets in the body between parts, and addresses while one is looked at. */
function shift(by: usize): void {
  nameAt += by;
  dataAt += by;
  numberAt += by;
  if (why != Why.NOTHING) resumeFault(why, where + by, itemIndex);
}

/** Answers the address of the first byte that is still wanted, or 0 where the body's answer is known. */
function scan(p: usize): usize {
  while (true) {
    if (why != Why.NOTHING && (idStart || isBare || outcomeOf(why) == Outcome.BAD_JSON)) return 0;
    if (state != State.STRING && state != State.NUMBER) p = skipSpace(p);
    if (p == limit) {
      if (!isLast) return p;
      if (state == State.END) return 0;
    }
    const at = p;
    p = step(p);
    if (isCut) return at > p ? at : p;
    if (!p) p = at;
  }
}

/** One step from `p`. Answers where to go on, or 0 with a fault kept; leaves `isCut` where it needs more. */
function step(p: usize): usize {
  const byte = load<u8>(p);
  switch (state) {
    case State.REQUEST:
      return byte == OPEN_BRACE ? open(p, byte) : grammarFault(Why.EXPECTED_OBJECT, p);
    case State.ARRAY:
      if (byte == OPEN_BRACKET) return beginTerms(p);
      if (!readValue(p)) return 0;
      state = State.ARRAY;
      return fault(Why.SUM_NOT_ARRAY, p);
    case State.FIRST_NAME:
      return byte == CLOSE_BRACE ? close(p) : readName(p);
    case State.NAME:
      return readName(p);
    case State.BEHIND_NAME:
      if (byte != COLON) return grammarFault(Why.EXPECTED_COLON, p);
      state = State.VALUE;
      return p + 1;
    case State.VALUE:
      return levels == 1 ? readMemberValue(p) : readValue(p);
    case State.FIRST_ITEM:
      return byte == CLOSE_BRACKET ? close(p) : readValue(p);
    case State.BEHIND_VALUE:
      return readBehindValue(p);
    case State.FIRST_TERM:
      return byte == CLOSE_BRACKET ? endTerms(p + 1) : readTerms(p);
    case State.TERM:
      return readTerms(p);
    case State.BEHIND_TERM:
      if (byte == CLOSE_BRACKET) return endTerms(p + 1);
      if (byte != COMMA) return grammarFault(Why.EXPECTED_COMMA_OR_BRACKET, p);
      index++;
      state = State.TERM;
      return p + 1;
    case State.STRING:
      p = stringRest(p);
      if (p && !isCut) state = then;
      return p;
    case State.NUMBER:
      return passNumber(p);
    default:
      return grammarFault(Why.TRAILING, p);
  }
}

/** `p` is at an opening bracket of either kind. */
function open(p: usize, bracket: u8): usize {
  if (levels == NESTING_LEVELS_MAX) return grammarFault(Why.TOO_DEEP, p);
  store<u8>(NESTING + <usize>levels, bracket);
  levels++;
  state = bracket == OPEN_BRACE ? State.FIRST_NAME : State.FIRST_ITEM;
  return p + 1;
}

function close(p: usize): usize {
  levels--;
  state = levels ? State.BEHIND_VALUE : State.END;
  return p + 1;
}

function readBehindValue(p: usize): usize {
  const bracket = load<u8>(NESTING + <usize>(levels - 1));
  const byte = load<u8>(p);
  if (byte == COMMA) {
    state = bracket == OPEN_BRACE ? State.NAME : State.VALUE;
    return p + 1;
  }
  // The closing bracket of either kind is two above its opening one.
  if (byte == bracket + 2) return close(p);
  return grammarFault(bracket == OPEN_BRACE ? Why.EXPECTED_COMMA_OR_BRACE : Why.EXPECTED_COMMA_OR_BRACKET, p);
}

/**
 * The string at `p`, whole: answers the address behind it. Where the part ends inside of it: 0, and `isCut`, or, where
 * it is long already, the state is STRING and the answer where to go on. `follows` is the state behind it.
 */
function readString(p: usize, follows: i32): usize {
  clearStringTraits();
  then = follows;
  const rest = stringRest(p + 1);
  if (!isCut) {
    if (rest) state = follows;
    return rest;
  }
  if (!isLongCut(p)) return 0;
  state = State.STRING;
  return rest;
}

function readName(p: usize): usize {
  if (load<u8>(p) != QUOTE) return grammarFault(Why.EXPECTED_NAME, p);
  nameAt = p;
  const end = readString(p, State.BEHIND_NAME);
  // A long name is none that is known.
  const isWhole = end && state == State.BEHIND_NAME;
  if (levels == 1) member = isWhole ? memberNamed(p + 1, end - 1, stringTraits) : Member.OTHER;
  return end;
}

/** The value of one of the request's own members. */
function readMemberValue(p: usize): usize {
  switch (member) {
    case Member.ID:
    case Member.OP:
    case Member.TIMEOUT:
    case Member.TRACEPARENT:
      return readToken(p);
    case Member.DATA:
      if (!beginData(p, nameAt)) return readValue(p);
      dataAt = p;
      // Behind a fault there is nothing to add, only to be checked.
      if (operation != Operation.SUM || why != Why.NOTHING) return readValue(p);
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
  const isWhole = state == State.BEHIND_VALUE && end - p < CARRY_BYTES_MAX;
  switch (member) {
    case Member.ID:
      takeId(p, isWhole ? end : p + CARRY_BYTES_MAX, nameAt);
      if (idStart == p) moveId(BODY_ID);
      break;
    case Member.OP:
      takeOp(p, isWhole ? end : p + CARRY_BYTES_MAX, nameAt, stringTraits);
      break;
    case Member.TIMEOUT:
      takeTimeout(p, isWhole ? end : p, nameAt);
      break;
    default:
      takeTraceparent(p, nameAt);
  }
  return end;
}

/** Any value: a scalar is passed over, a bracket opened. */
function readValue(p: usize): usize {
  const byte = load<u8>(p);
  if (byte == OPEN_BRACE || byte == OPEN_BRACKET) return open(p, byte);
  if (byte == QUOTE) return readString(p, State.BEHIND_VALUE);
  if (byte == MINUS || isDigit(byte)) {
    const end = wholeNumber(p, State.BEHIND_VALUE);
    if (end && state != State.NUMBER) state = State.BEHIND_VALUE;
    return end;
  }
  const end = literalEnd(p);
  if (end) state = State.BEHIND_VALUE;
  return end;
}

/**
 * The address behind the number at `p`. Where the part ends inside of it: 0, and `isCut`, or, where it is long already,
 * the state is NUMBER and the answer `p`.
 */
function wholeNumber(p: usize, follows: i32): usize {
  const end = numberEnd(p);
  if (!isCut) return end;
  if (!isLongCut(p)) return 0;
  state = State.NUMBER;
  then = follows;
  numberAt = p;
  beginLongNumber();
  return p;
}

function beginTerms(p: usize): usize {
  clearSum();
  index = 0;
  state = State.FIRST_TERM;
  return p + 1;
}

/** `p` is behind the array's closing bracket. */
function endTerms(p: usize): usize {
  isSummed = true;
  state = levels ? State.BEHIND_VALUE : State.END;
  return p;
}

/** The array of a sum, from an item on: as many as there are commas in the part, or else this one. */
function readTerms(p: usize): usize {
  const pause: usize = isLast ? 0 : behindLastComma(p);
  if (!isLast && !pause) return readTerm(p);
  let kept: u8 = 0;
  if (pause) {
    kept = load<u8>(pause);
    store<u8>(pause, 0);
  }
  const end = addItems(p, index, pause);
  if (pause) store<u8>(pause, kept);
  if (!end) {
    index = itemsBefore;
    return refuseTerm();
  }
  if (end != pause) return endTerms(end);
  index = itemsBefore;
  state = State.TERM;
  return end;
}

/** One item, near the part's end. */
function readTerm(p: usize): usize {
  const byte = load<u8>(p);
  if (byte != MINUS && !isDigit(byte)) {
    itemFault(Why.SUM_ITEM_NOT_NUMBER, p, index);
    return refuseTerm();
  }
  const whole = wholeNumber(p, State.BEHIND_TERM);
  if (!whole || state == State.NUMBER) return whole;
  const end = addNumber(p, index);
  if (!end) return refuseTerm();
  state = State.BEHIND_TERM;
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
        // What stands before it has been added; it is looked at again when it is whole.
        clearFault();
        state = State.TERM;
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
  state = then;
  if (then != State.BEHIND_TERM || addLongNumber(index)) return p;
  resumeFault(why, numberAt, itemIndex);
  checkOnly(State.BEHIND_VALUE);
  return p;
}

/** The rest of the array is only checked, until the id is known. */
function checkOnly(next: i32): void {
  store<u8>(NESTING + <usize>levels, OPEN_BRACKET);
  levels++;
  state = next;
}
