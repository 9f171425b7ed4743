/**
 * The members of a request, in any order: `id`, `op`, `data`, `timeoutMs`, `traceparent`; others are checked as JSON
 * and passed over. Leaves the tokens' places in globals for `body.ts`, or a fault.
 *
 * A `sum` whose `op` comes before its `data` is added while it is scanned; in every other case the data is scanned
 * first and the operation looks at it afterwards.
 */
import { CLOSE_BRACE, CLOSE_BRACKET, COMMA, OPEN_BRACE, OPEN_BRACKET, Operation, QUOTE } from './codes';
import { fault, grammarFault, Why } from './fault';
import {
  clearStringTraits,
  HAS_ESCAPE,
  hexValue,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
  stringTraits,
} from './json';
import { sumArray } from './sum';

const ID_BYTES_MAX: usize = 256;

/** Each token with its quotes; a start of 0 means that the member is absent. */
export let idStart: usize = 0;
export let idEnd: usize = 0;
export let opStart: usize = 0;
export let opEnd: usize = 0;
export let dataStart: usize = 0;
export let dataEnd: usize = 0;
/** What the strings of `data` held: see `stringTraits`. */
export let dataTraits: i32 = 0;
/** Was `data` added while it was scanned? */
export let dataSummed: bool = false;
export let timeoutStart: usize = 0;
export let timeoutEnd: usize = 0;
export let traceparentStart: usize = 0;
export let traceparentEnd: usize = 0;
/** The engine's own operation that `op` names, or `Operation.NONE`. */
export let operation: i32 = Operation.NONE;

export namespace Member {
  export const OTHER: i32 = 0;
  export const ID: i32 = 1;
  export const OP: i32 = 2;
  export const DATA: i32 = 3;
  export const TIMEOUT: i32 = 4;
  export const TRACEPARENT: i32 = 5;
}

/** Takes up a body that comes in parts: which members were seen, and where the id's token is kept. */
export function resumeEnvelope(seen: i32, id: usize, idLength: usize, op: i32): void {
  clearEnvelope();
  if (seen & Seen.ID) {
    idStart = id;
    idEnd = id + idLength;
  }
  // Of the others only counts that they were there.
  opStart = <usize>(seen & Seen.OP);
  dataStart = <usize>(seen & Seen.DATA);
  timeoutStart = <usize>(seen & Seen.TIMEOUT);
  traceparentStart = <usize>(seen & Seen.TRACEPARENT);
  operation = op;
}

/** Which members were seen, for `resumeEnvelope`. */
export function seenMembers(): i32 {
  return (
    (idStart ? Seen.ID : 0) |
    (opStart ? Seen.OP : 0) |
    (dataStart ? Seen.DATA : 0) |
    (timeoutStart ? Seen.TIMEOUT : 0) |
    (traceparentStart ? Seen.TRACEPARENT : 0)
  );
}

namespace Seen {
  export const ID: i32 = 1;
  export const OP: i32 = 2;
  export const DATA: i32 = 4;
  export const TIMEOUT: i32 = 8;
  export const TRACEPARENT: i32 = 16;
}

/** The id's token has moved. */
export function moveId(to: usize): void {
  memory.copy(to, idStart, idEnd - idStart);
  idEnd = to + (idEnd - idStart);
  idStart = to;
}

/** `data` begins at `p`; answers false, with the fault kept, where it stood before. */
export function beginData(p: usize, name: usize): bool {
  if (dataStart) return fault(Why.MEMBER_TWICE, name) != 0;
  dataStart = p;
  return true;
}

/** The value of `data` is cut, and will be looked at again from its start. */
export function forgetData(): void {
  dataStart = 0;
}

function clearEnvelope(): void {
  idStart = opStart = dataStart = timeoutStart = traceparentStart = 0;
  dataSummed = false;
  operation = Operation.NONE;
}

/**
 * Scans the body from `start` to `end`. Answers true where it is JSON; whether it is also a request says `why`.
 * Of a body that is cut (`isCut`), what was read before the cut is in the globals. With `addNothing` a `sum` is only
 * scanned.
 */
export function readEnvelope(start: usize, end: usize, addNothing: bool, isCut: bool): bool {
  clearEnvelope();
  let p = skipSpace(start);
  if (load<u8>(p) != OPEN_BRACE) return grammarFault(Why.EXPECTED_OBJECT, p) != 0;
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_BRACE) p++;
  else {
    while (true) {
      p = readMember(p, addNothing, isCut ? end : 0);
      if (!p) return false;
      p = skipSpace(p);
      const next = load<u8>(p);
      p++;
      if (next == COMMA) p = skipSpace(p);
      else if (next == CLOSE_BRACE) break;
      else return grammarFault(Why.EXPECTED_COMMA_OR_BRACE, p - 1) != 0;
    }
  }
  p = skipSpace(p);
  if (p != end) return grammarFault(Why.TRAILING, p) != 0;
  if (!idStart) fault(Why.ID_MISSING, end);
  else if (!opStart) fault(Why.OP_MISSING, end);
  return true;
}

/** @param cut where the body is cut, or 0 */
function readMember(p: usize, addNothing: bool, cut: usize): usize {
  const name = p;
  if (load<u8>(p) != QUOTE) return grammarFault(Why.EXPECTED_NAME, p);
  clearStringTraits();
  p = skipString(p);
  if (!p) return 0;
  const member = memberNamed(name + 1, p - 1, stringTraits);
  p = skipColon(p);
  if (!p) return 0;
  switch (member) {
    case Member.ID:
      return readId(p, name);
    case Member.OP:
      return readOp(p, name);
    case Member.DATA:
      return readData(p, name, addNothing, cut);
    case Member.TIMEOUT:
      return readTimeout(p, name);
    case Member.TRACEPARENT:
      return readTraceparent(p, name);
    default:
      return skipValue(p, 1);
  }
}

// The names as little-endian words, so that a comparison is one load.
const ID_WORD: u16 = 0x6469;
const OP_WORD: u16 = 0x706f;
const DATA_WORD: u32 = 0x61746164;

export function memberNamed(start: usize, end: usize, traits: i32): i32 {
  if (traits & HAS_ESCAPE) {
    end = unescapeName(start, end);
    start = NAME;
  }
  switch (<i32>(end - start)) {
    case 2: {
      const word = load<u16>(start);
      return word == ID_WORD ? Member.ID : word == OP_WORD ? Member.OP : Member.OTHER;
    }
    case 4:
      return load<u32>(start) == DATA_WORD ? Member.DATA : Member.OTHER;
    case 9:
      return equals(start, TIMEOUT_NAME, 9) ? Member.TIMEOUT : Member.OTHER;
    case 11:
      return equals(start, TRACEPARENT_NAME, 11) ? Member.TRACEPARENT : Member.OTHER;
    default:
      return Member.OTHER;
  }
}

const TIMEOUT_NAME: usize = memory.data<u8>([0x74, 0x69, 0x6d, 0x65, 0x6f, 0x75, 0x74, 0x4d, 0x73]);
// prettier-ignore
const TRACEPARENT_NAME: usize = memory.data<u8>([0x74, 0x72, 0x61, 0x63, 0x65, 0x70, 0x61, 0x72, 0x65, 0x6e, 0x74]);

/** Room for the unescaped form of a name or an `op`; longer ones are none that the engine knows. */
const NAME_BYTES: usize = 16;
const NAME: usize = memory.data(16);

/**
 * Writes the first bytes of an escaped string's value to NAME and answers the end of what it wrote. A character that
 * is not ASCII is written as 0xff, which no known name holds.
 */
function unescapeName(start: usize, end: usize): usize {
  let to = NAME;
  let p = start;
  while (p < end && to < NAME + NAME_BYTES) {
    let byte = load<u8>(p++);
    if (byte == 0x5c) {
      const escaped = load<u8>(p++);
      if (escaped == 0x75) {
        let unit = 0;
        for (let i: usize = 0; i < 4; i++) unit = (unit << 4) | hexValue(load<u8>(p + i));
        p += 4;
        byte = unit < 0x80 ? <u8>unit : 0xff;
      } else {
        // The other escapes are themselves or control characters; no known name has either.
        byte = 0xff;
      }
    }
    store<u8>(to++, byte);
  }
  return to;
}

function equals(a: usize, b: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

function readId(p: usize, name: usize): usize {
  const end = skipValue(p, 1);
  if (end) takeId(p, end, name);
  return end;
}

/** The member's value is the JSON token [p, end). */
export function takeId(p: usize, end: usize, name: usize): void {
  if (idStart) fault(Why.MEMBER_TWICE, name);
  else if (load<u8>(p) != QUOTE) fault(Why.ID_NOT_STRING, p);
  else if (end - p - 2 > ID_BYTES_MAX) fault(Why.ID_TOO_LONG, p);
  else {
    idStart = p;
    idEnd = end;
  }
}

function readOp(p: usize, name: usize): usize {
  clearStringTraits();
  const end = skipValue(p, 1);
  if (end) takeOp(p, end, name, stringTraits);
  return end;
}

/** The member's value is the JSON token [p, end), with these traits where it is a string. */
export function takeOp(p: usize, end: usize, name: usize, traits: i32): void {
  if (opStart) fault(Why.MEMBER_TWICE, name);
  else if (load<u8>(p) != QUOTE) fault(Why.OP_NOT_STRING, p);
  else {
    opStart = p;
    opEnd = end;
    operation = operationNamed(p + 1, end - 1, traits);
  }
}

const ECHO_WORD: u32 = 0x6f686365;
const SUM_WORD: u32 = 0x006d7573;
const UPPE_WORD: u32 = 0x65707075;
const PING_WORD: u32 = 0x6e697024;

function operationNamed(start: usize, end: usize, traits: i32): i32 {
  if (traits & HAS_ESCAPE) {
    end = unescapeName(start, end);
    start = NAME;
  }
  const word = load<u32>(start);
  switch (<i32>(end - start)) {
    case 3:
      return (word & 0xffffff) == SUM_WORD ? Operation.SUM : Operation.NONE;
    case 4:
      return word == ECHO_WORD ? Operation.ECHO : Operation.NONE;
    case 5:
      if (word == UPPE_WORD && load<u8>(start, 4) == 0x72) return Operation.UPPER;
      return word == PING_WORD && load<u8>(start, 4) == 0x67 ? Operation.PING : Operation.NONE;
    default:
      return Operation.NONE;
  }
}

function readData(p: usize, name: usize, addNothing: bool, cut: usize): usize {
  if (dataStart) {
    fault(Why.MEMBER_TWICE, name);
    return skipValue(p, 1);
  }
  dataStart = p;
  dataEnd = 0;
  // An array that does not end before the cut need not be scanned to know that.
  if (cut && load<u8>(p) == OPEN_BRACKET && !hasByte(CLOSE_BRACKET, p, cut)) return 0;
  clearStringTraits();
  let end: usize = 0;
  if (operation == Operation.SUM && load<u8>(p) == OPEN_BRACKET && !addNothing) {
    end = sumArray(p);
    dataSummed = end != 0;
  }
  // Also where the array held something that cannot be added: is it JSON at all?
  if (!end) end = skipValue(p, 1);
  dataEnd = end;
  dataTraits = stringTraits;
  return end;
}

/** Whether one of the bytes [p, end) is that byte. Some of those after them may be taken for it. */
function hasByte(byte: u8, p: usize, end: usize): bool {
  const wanted = i8x16.splat(<i8>byte);
  for (; p < end; p += 16) {
    if (v128.any_true(i8x16.eq(v128.load(p), wanted))) return true;
  }
  return false;
}

function readTimeout(p: usize, name: usize): usize {
  const end = skipValue(p, 1);
  if (end) takeTimeout(p, end, name);
  return end;
}

/** The member's value is the JSON token [p, end). */
export function takeTimeout(p: usize, end: usize, name: usize): void {
  if (timeoutStart) fault(Why.MEMBER_TWICE, name);
  timeoutStart = p;
  timeoutEnd = end;
  if (!isPositiveNumber(p, end)) fault(Why.TIMEOUT_NOT_POSITIVE, p);
}

/** Of a body cut at `end`: a number that reaches it may have more digits. */
export function forgetCutTimeout(end: usize): void {
  if (timeoutEnd == end) timeoutStart = 0;
}

/** Of a token that is valid JSON: a number without a sign that has a digit other than 0 before its exponent. */
function isPositiveNumber(p: usize, end: usize): bool {
  if (load<u8>(p) - 0x30 > 9) return false;
  for (; p < end; p++) {
    const byte = load<u8>(p);
    if ((byte | 0x20) == 0x65) return false;
    if (byte > 0x30) return true;
  }
  return false;
}

function readTraceparent(p: usize, name: usize): usize {
  const end = skipValue(p, 1);
  if (!end) return 0;
  takeTraceparent(p, name);
  traceparentEnd = end;
  return end;
}

/** The member's value is a JSON token that begins at `p`. */
export function takeTraceparent(p: usize, name: usize): void {
  if (traceparentStart) fault(Why.MEMBER_TWICE, name);
  traceparentStart = p;
  if (load<u8>(p) != QUOTE) fault(Why.TRACEPARENT_NOT_STRING, p);
}
