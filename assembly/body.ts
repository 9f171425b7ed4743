/** One request body: scanned, executed where the operation is the engine's own, answered. */
import { BACKSLASH, DOLLAR, OPEN_BRACKET, Operation, Outcome, QUOTE } from './codes';
import { writeSum } from './decimal';
import {
  dataEnd,
  dataStart,
  dataSummed,
  dataTraits,
  idEnd,
  idStart,
  opEnd,
  operation,
  opStart,
  readEnvelope,
  timeoutEnd,
  timeoutStart,
  traceparentEnd,
  traceparentStart,
} from './envelope';
import { clearFault, fault, outcomeOf, Why, why } from './fault';
import {
  COUNTS,
  HANDOUT_BYTES,
  HANDOUT_DATA,
  HANDOUT_ID,
  HANDOUT_OP,
  HANDOUT_TIMEOUT,
  HANDOUT_TRACEPARENT,
  HANDOUTS,
} from './layout';
import { beginOk, copyBytes, endFrame, writeFault, writeNull, writePong } from './response';
import { sumArray } from './sum';
import { writeUpper } from './upper';

/** How the last body ended: an `Outcome`. */
export let outcome: i32 = Outcome.OK;
/** The engine's own operation that the last body named, or `Operation.NONE`. */
export let operationOf: i32 = Operation.NONE;

/** Where the last response is. */
export let responseAt: usize = 0;

/** The bits of all of the engine's own operations; that of `Operation.NONE` is never set. */
export const ALL_OPERATIONS: i32 = (1 << Operation.COUNT) - 2;
/** The operations that are answered here, a bit each: the others are handed out. */
let allowed: i32 = ALL_OPERATIONS;

export function allowOperations(mask: i32): void {
  allowed = mask & ALL_OPERATIONS;
}

/**
 * Answers the body [start, end) with a frame written at `frame`, and gives the address after it. With `inPlace` the
 * response to an `echo` is written around the data instead: HEAD_ROOM bytes before the body are overwritten then, and the
 * body is lost. A valid request
 * for an operation that is not the engine's or not allowed, or any valid request where `handOutAll`, leaves `HANDED_OUT`
 * in `outcome` and writes nothing.
 */
export function answerBody(start: usize, end: usize, frame: usize, handOutAll: bool, inPlace: bool): usize {
  responseAt = frame;
  // The scanners stop at this 0; the byte belongs to the next frame and comes back.
  const next = load<u8>(end);
  store<u8>(end, 0);
  clearFault();
  const isJson = readEnvelope(start, end, handOutAll || !(allowed & (1 << Operation.SUM)), false);
  let to: usize = 0;
  if (why == Why.NOTHING) {
    if (!((allowed >> operation) & 1) || handOutAll) outcome = Outcome.HANDED_OUT;
    else {
      to = writeResult(frame, inPlace);
      if (to) outcome = Outcome.OK;
    }
  }
  if (why != Why.NOTHING) {
    to = writeFault(frame, isJson ? idStart : 0, idEnd, start, end, dataStart);
    outcome = outcomeOf(why);
  }
  store<u8>(end, next);
  operationOf = operation;
  if (outcome == Outcome.HANDED_OUT) return frame;
  count(operation, outcome);
  return to;
}

export function count(operation: i32, outcome: i32): void {
  const cell = COUNTS + ((<usize>(operation * Outcome.COUNT + outcome)) << 3);
  store<u64>(cell, load<u64>(cell) + 1);
}

/** The ok response to a valid request of the engine's own, or 0 with the fault kept. */
function writeResult(frame: usize, inPlace: bool): usize {
  let to = beginOk(frame, idStart, idEnd);
  switch (operation) {
    case Operation.ECHO:
      if (inPlace && dataStart) return endInPlace(frame, to);
      to = dataStart ? copyBytes(to, dataStart, dataEnd - dataStart) : writeNull(to);
      break;
    case Operation.UPPER:
      if (!dataStart || load<u8>(dataStart) != QUOTE) return dataFault(Why.UPPER_NOT_STRING);
      to = writeUpper(to, dataStart, dataEnd, dataTraits);
      break;
    case Operation.SUM:
      if (!dataSummed) {
        if (!dataStart || load<u8>(dataStart) != OPEN_BRACKET) return dataFault(Why.SUM_NOT_ARRAY);
        if (!sumArray(dataStart)) return 0;
      }
      to = writeSum(to, dataStart);
      if (!to) return 0;
      break;
    default:
      to = writePong(to);
  }
  return endFrame(frame, to);
}

/** What goes before the data is at [frame, to). It takes the place of what stood there. */
function endInPlace(frame: usize, to: usize): usize {
  responseAt = dataStart - (to - frame);
  memory.copy(responseAt, frame, to - frame);
  return endFrame(responseAt, dataEnd);
}

function dataFault(reason: i32): usize {
  return fault(reason, dataStart ? dataStart : opStart);
}

/** May the `op` of the body just read begin with `$`? One that begins with an escape may. */
export function isControl(): bool {
  const first = load<u8>(opStart, 1);
  return first == DOLLAR || first == BACKSLASH;
}

/** Writes the record of the body just read; places count from `origin`. */
export function writeHandout(index: i32, origin: usize): void {
  const record = HANDOUTS + <usize>index * HANDOUT_BYTES;
  writeRange(record + HANDOUT_ID, idStart, idEnd, origin);
  writeRange(record + HANDOUT_OP, opStart, opEnd, origin);
  writeRange(record + HANDOUT_DATA, dataStart, dataEnd, origin);
  writeRange(record + HANDOUT_TIMEOUT, timeoutStart, timeoutEnd, origin);
  writeRange(record + HANDOUT_TRACEPARENT, traceparentStart, traceparentEnd, origin);
}

function writeRange(field: usize, start: usize, end: usize, origin: usize): void {
  store<u32>(field, start ? <u32>(start - origin) : 0);
  store<u32>(field, start && end ? <u32>(end - start) : 0, 4);
}
