/**
 * The ABI: what the host may call, and where it puts and finds bytes. Called one at a time; each call leaves its
 * results in STATUS and overwrites those of the call before. `src/engine/engine.ts` is the only caller.
 */
import {
  ALL_OPERATIONS,
  allowOperations,
  answerBody,
  count,
  isControl,
  operationOf,
  outcome,
  responseAt,
  writeHandout,
} from './body';
import { Outcome, Stop } from './codes';
import { forgetCutTimeout, operation, readEnvelope } from './envelope';
import { clearFault, where } from './fault';
import { skipSpace, skipValue } from './json';
import {
  ARENA,
  BODY,
  BODY_CHECK_BYTES,
  BODY_STATE_BYTES,
  COUNTS,
  GUARD,
  HANDOUT_BYTES,
  HANDOUTS,
  HANDOUTS_MAX,
  INLINE_BYTES_MAX,
  INPUT,
  INPUT_BYTES,
  OUTPUT,
  OUTPUT_END,
  PART,
  PART_BYTES_MAX,
  replyBytesMax,
  STATUS,
  STATUS_ANSWERED,
  STATUS_CONSUMED,
  STATUS_HANDOUTS,
  STATUS_OPERATION,
  STATUS_OUTCOME,
  STATUS_OUTPUT_LENGTH,
  STATUS_OUTPUT_OFFSET,
  STATUS_STOP,
} from './layout';
import { answerParts, leaveSum, partsOutcome } from './part-answer';
import { Body, keepBody, resumeBody } from './part-body';
import { addPart, beginArray } from './parts';

export const statusOffset: usize = STATUS;
export const countsOffset: usize = COUNTS;
export const handoutsOffset: usize = HANDOUTS;
export const handoutBytes: usize = HANDOUT_BYTES;
export const handoutsMax: i32 = HANDOUTS_MAX;
export const inputOffset: usize = INPUT;
export const inputBytes: i32 = INPUT_BYTES;
export const outputOffset: usize = OUTPUT;
export const arenaOffset: usize = ARENA;
export const guardBytes: i32 = GUARD;
export const bodyStateOffset: usize = BODY;
export const bodyStateBytes: i32 = BODY_STATE_BYTES;
/** Bytes of it that are enough for a body that is only checked. */
export const bodyCheckBytes: i32 = BODY_CHECK_BYTES;
export const partOffset: usize = PART;
export const partBytesMax: i32 = PART_BYTES_MAX;
/** Where asc's static data ends; it must stay below `statusOffset`. */
export const staticEnd: usize = __heap_base;
export const allOperations: i32 = ALL_OPERATIONS;

/** From now on `run` and `answer` answer the operations whose bits are set, and hand the others out. */
export function allow(mask: i32): void {
  allowOperations(mask);
}

/**
 * Decodes the first `length` bytes of INPUT, which begin at a frame's border, and answers every whole frame there
 * with a reply in OUTPUT or, where it is not for the engine or `handOutAll` asks so, with a record in HANDOUTS.
 */
export function run(length: i32, handOutAll: bool): void {
  const limit = INPUT + <usize>length;
  let frame = INPUT;
  let to = OUTPUT;
  let handouts = 0;
  let answered = 0;
  let stop = Stop.INPUT;
  while (frame + 4 <= limit) {
    const size = bswap<u32>(load<u32>(frame));
    if (size > INLINE_BYTES_MAX) {
      stop = Stop.LARGE;
      break;
    }
    const body = frame + 4;
    const end = body + <usize>size;
    if (end > limit) break;
    if (to + replyBytesMax(<usize>size) > OUTPUT_END || handouts == HANDOUTS_MAX) {
      stop = Stop.OUTPUT;
      break;
    }
    to = answerBody(body, end, to, handOutAll, false);
    frame = end;
    if (outcome != Outcome.HANDED_OUT) answered++;
    else {
      writeHandout(handouts++, INPUT);
      // Control acts before what follows it, whether that came in the same read or not.
      if (isControl()) {
        stop = Stop.OUTPUT;
        break;
      }
    }
    invariants(frame, limit, to, handouts);
  }
  store<i32>(STATUS, <i32>(frame - INPUT), STATUS_CONSUMED);
  store<i32>(STATUS, <i32>(to - OUTPUT), STATUS_OUTPUT_LENGTH);
  store<i32>(STATUS, handouts, STATUS_HANDOUTS);
  store<i32>(STATUS, answered, STATUS_ANSWERED);
  store<i32>(STATUS, stop, STATUS_STOP);
}

function invariants(frame: usize, limit: usize, to: usize, handouts: i32): void {
  assert(INPUT <= frame && frame <= limit, 'the cursor is at a frame border inside the input');
  assert(OUTPUT <= to && to <= OUTPUT_END, 'the replies are inside the output');
  assert(0 <= handouts && handouts <= HANDOUTS_MAX, 'the records are inside their table');
}

/**
 * Answers one body of any size. It is in the arena, and the room for its reply follows, with a guard between. An `echo`
 * is answered around its data instead: STATUS says where the reply is.
 * Where it is handed out, the record's places count from the body's first byte.
 */
export function answer(length: i32): void {
  const end = ARENA + <usize>length;
  const frame = end + <usize>GUARD;
  const to = answerBody(ARENA, end, frame, false, true);
  const isHandedOut = outcome == Outcome.HANDED_OUT;
  if (isHandedOut) writeHandout(0, ARENA);
  store<u32>(STATUS, <u32>responseAt, STATUS_OUTPUT_OFFSET);
  store<i32>(STATUS, <i32>(to - responseAt), STATUS_OUTPUT_LENGTH);
  store<i32>(STATUS, <i32>isHandedOut, STATUS_HANDOUTS);
  store<i32>(STATUS, operationOf, STATUS_OPERATION);
  store<i32>(STATUS, outcome, STATUS_OUTCOME);
}

/** Takes up a body that comes in parts; the host has put its state in place. */
export function resume(): void {
  resumeBody();
}

/** Begins a body that is the array of a sum by itself; `part` leaves its sum in STATUS, not a response. */
export function beginSum(): void {
  memory.fill(BODY, 0, BODY_STATE_BYTES);
  resumeBody();
  beginArray();
}

/** Leaves the state of such a body in place for the host to keep. */
export function suspend(): void {
  keepBody();
}

/**
 * Looks at the next `length` bytes of the body, which are at PART + `shift`. False: more parts are wanted. True: the response
 * is in OUTPUT, with its length and what it is in STATUS (of an `echo` without its result: see `answerParts`); no more
 * parts are wanted.
 */
export function part(shift: i32, length: i32, isLast: bool): bool {
  if (!addPart(PART + <usize>shift, length, isLast)) return false;
  if (Body.isBare) {
    leaveSum();
    return true;
  }
  const end = answerParts();
  store<i32>(STATUS, <i32>(end - OUTPUT), STATUS_OUTPUT_LENGTH);
  store<i32>(STATUS, operation, STATUS_OPERATION);
  store<i32>(STATUS, partsOutcome, STATUS_OUTCOME);
  if (partsOutcome != Outcome.HANDED_OUT) count(operation, partsOutcome);
  return true;
}

/**
 * Reads the envelope of a body's first `length` bytes, which are in INPUT, as far as it goes, and leaves it as the
 * first record.
 */
export function peek(length: i32): void {
  const end = INPUT + <usize>length;
  const next = load<u8>(end);
  store<u8>(end, 0);
  clearFault();
  readEnvelope(INPUT, end, true, true);
  forgetCutTimeout(end);
  store<u8>(end, next);
  writeHandout(0, INPUT);
}

/** Is the text of `length` bytes in the arena one JSON value? Answers −1, or the place of the first fault. */
export function check(length: i32): i32 {
  const end = ARENA + <usize>length;
  const next = load<u8>(end);
  store<u8>(end, 0);
  clearFault();
  const p = skipValue(skipSpace(ARENA), 0);
  const place = p ? skipSpace(p) : where;
  store<u8>(end, next);
  return p && place == end ? -1 : <i32>(place - ARENA);
}
