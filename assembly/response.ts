/** Writes response frames. Every function takes the address to write at and answers the address after what it wrote. */
import { CLOSE_BRACE, Outcome, ZERO } from './codes';
import { itemIndex, outcomeOf, Why, where, why } from './fault';

/** Copies forward; may write up to 15 bytes past its end, which the next write covers. */
export function copyBytes(to: usize, from: usize, length: usize): usize {
  if (length > 512) memory.copy(to, from, length);
  else {
    for (let i: usize = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i));
  }
  return to + length;
}

/** The header is written by `endFrame`, once the length is known. */
// @ts-ignore: decorator
@inline
export function beginOk(frame: usize, idStart: usize, idEnd: usize): usize {
  const to = writeIdMember(frame + 4, idStart, idEnd);
  v128.store(to, v128.load(OK_TEXT));
  store<u32>(to, load<u32>(OK_TEXT, 16), 16);
  return to + 20;
}

// ,"ok":true,"result":
// prettier-ignore
const OK_TEXT: usize = memory.data<u8>([
  0x2c, 0x22, 0x6f, 0x6b, 0x22, 0x3a, 0x74, 0x72, 0x75, 0x65, 0x2c, 0x22, 0x72, 0x65, 0x73, 0x75, 0x6c, 0x74, 0x22,
  0x3a,
]);

// @ts-ignore: decorator
@inline
export function endFrame(frame: usize, to: usize): usize {
  store<u8>(to++, CLOSE_BRACE);
  store<u32>(frame, bswap<u32>(<u32>(to - frame - 4)));
  return to;
}

// @ts-ignore: decorator
@inline
function writeIdMember(to: usize, idStart: usize, idEnd: usize): usize {
  store<u32>(to, 0x6469227b); // {"id
  store<u16>(to, 0x3a22, 4); // ":
  return copyBytes(to + 6, idStart, idEnd - idStart);
}

/** `{"pong":true}`. */
export function writePong(to: usize): usize {
  return writeText(to, '{"pong":true}');
}

/** `null`. */
// @ts-ignore: decorator
@inline
export function writeNull(to: usize): usize {
  store<u32>(to, 0x6c6c756e);
  return to + 4;
}

/**
 * The response to a body with a fault. `body` and `data` are the addresses that its places count from. Where
 * `idStart` is 0 the `id` is null.
 */
export function writeFault(
  frame: usize,
  idStart: usize,
  idEnd: usize,
  body: usize,
  bodyEnd: usize,
  data: usize,
): usize {
  let to = frame + 4;
  to = idStart ? writeIdMember(to, idStart, idEnd) : writeText(to, '{"id":null');
  to = writeText(to, ',"ok":false,"error":"');
  to = writeSentence(to, body, bodyEnd, data);
  to = writeText(to, '","code":"');
  to = writeText(to, codeName(outcomeOf(why)));
  store<u8>(to++, 0x22);
  return endFrame(frame, to);
}

function codeName(outcome: i32): string {
  switch (outcome) {
    case Outcome.BAD_JSON:
      return 'BAD_JSON';
    case Outcome.BAD_REQUEST:
      return 'BAD_REQUEST';
    case Outcome.BAD_DATA:
      return 'BAD_DATA';
    default:
      return 'OUT_OF_RANGE';
  }
}

/** What, and where. Grammar faults count bytes from the body's first, faults of an item from the first of `data`. */
function writeSentence(to: usize, body: usize, bodyEnd: usize, data: usize): usize {
  if (why >= Why.SUM_TOO_LARGE) return writeText(to, sentenceOf(why));
  if (why >= Why.SUM_ITEM_NOT_NUMBER) {
    to = writeText(to, sentenceOf(why));
    to = writeNumber(writeText(to, ': index '), itemIndex);
    return writeNumber(writeText(to, ', byte '), <u32>(where - data));
  }
  if (why < Why.ID_MISSING && where == bodyEnd) {
    to = writeText(to, 'the body ends at byte ');
    to = writeNumber(to, <u32>(where - body));
    return writeText(writeText(to, ', where it should go on: '), sentenceOf(why));
  }
  to = writeText(to, sentenceOf(why));
  if (why >= Why.UPPER_NOT_STRING) return writeText(to, ' as data');
  return why == Why.ID_MISSING || why == Why.OP_MISSING
    ? to
    : writeNumber(writeText(to, ' at byte '), <u32>(where - body));
}

function sentenceOf(reason: i32): string {
  switch (reason) {
    case Why.EXPECTED_OBJECT:
      return 'expected a JSON object';
    case Why.EXPECTED_NAME:
      return 'expected a member name in quotes';
    case Why.EXPECTED_COLON:
      return 'expected a colon';
    case Why.EXPECTED_COMMA_OR_BRACE:
      return 'expected a comma or a closing brace';
    case Why.EXPECTED_COMMA_OR_BRACKET:
      return 'expected a comma or a closing bracket';
    case Why.EXPECTED_VALUE:
      return 'expected a JSON value';
    case Why.EXPECTED_DIGIT:
      return 'expected a digit';
    case Why.BAD_ESCAPE:
      return 'no such escape in a string';
    case Why.BAD_CHARACTER:
      return 'control character in a string';
    case Why.BAD_UTF8:
      return 'not UTF-8';
    case Why.TOO_DEEP:
      return 'more than 1024 levels of nesting';
    case Why.TRAILING:
      return 'there is something after the JSON object';
    case Why.ID_MISSING:
      return 'the request has no id';
    case Why.ID_NOT_STRING:
      return 'id must be a string';
    case Why.ID_TOO_LONG:
      return 'id is longer than 256 bytes';
    case Why.OP_MISSING:
      return 'the request has no op';
    case Why.OP_NOT_STRING:
      return 'op must be a string';
    case Why.TIMEOUT_NOT_POSITIVE:
      return 'timeoutMs must be a number above 0';
    case Why.TRACEPARENT_NOT_STRING:
      return 'traceparent must be a string';
    case Why.MEMBER_TWICE:
      return 'a member appears twice';
    case Why.UPPER_NOT_STRING:
      return 'upper takes a string';
    case Why.SUM_NOT_ARRAY:
      return 'sum takes an array of numbers';
    case Why.SUM_ITEM_NOT_NUMBER:
      return 'sum takes an array of numbers';
    case Why.SUM_ITEM_TOO_LARGE:
      return 'a number has no finite binary64';
    default:
      return 'the sum has no finite binary64';
  }
}

/** ASCII only. */
function writeText(to: usize, text: string): usize {
  const length = <usize>text.length;
  const from = changetype<usize>(text);
  for (let i: usize = 0; i < length; i++) store<u8>(to + i, load<u8>(from + (i << 1)));
  return to + length;
}

function writeNumber(to: usize, value: u32): usize {
  let divisor: u32 = 1;
  while (value / divisor > 9) divisor *= 10;
  for (; divisor; divisor /= 10) store<u8>(to++, ZERO + <u8>((value / divisor) % 10));
  return to;
}
