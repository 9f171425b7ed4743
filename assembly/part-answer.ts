/** What comes of a body in parts: a response, or the sum of an array by itself. */
import { Operation, Outcome } from './codes';
import { exactLength, tails, writeExactSum, writeSum } from './decimal';
import { dataStart, idEnd, idStart, operation, opStart } from './envelope';
import { fault, outcomeOf, Why, where, why } from './fault';
import {
  OUTPUT,
  STATUS,
  STATUS_FAULT_OFFSET,
  STATUS_ITEM_INDEX,
  STATUS_OUTCOME,
  STATUS_TAILS,
  STATUS_TEXT_LENGTH,
  STATUS_TEXT_OFFSET,
} from './layout';
import { Body } from './part-body';
import { State } from './part-states';
import { bodyEnd } from './parts';
import { beginOk, endFrame, writeFault, writeNull } from './response';

/** The outcome of the body, once `answerParts` has been called. */
export let partsOutcome: i32 = Outcome.OK;

/**
 * Writes the response to a body whose answer is known, at OUTPUT, and answers the address after it. Of an `echo` only what
 * stands before the result, for which the place of the data is left in STATUS: the bytes are gone here. A valid request
 * for something else than an `echo`, or a `sum` whose `op` comes before its `data`, leaves HANDED_OUT and writes nothing.
 */
export function answerParts(): usize {
  store<i32>(STATUS, 0, STATUS_TEXT_LENGTH);
  if (why == Why.NOTHING) {
    if (!idStart) fault(Why.ID_MISSING, bodyEnd);
    else if (!opStart) fault(Why.OP_MISSING, bodyEnd);
    else if (operation == Operation.SUM && !dataStart) fault(Why.SUM_NOT_ARRAY, 0);
  }
  if (why == Why.NOTHING) {
    if (operation == Operation.ECHO) return beginEcho();
    if (!Body.isSummed) {
      partsOutcome = Outcome.HANDED_OUT;
      return OUTPUT;
    }
    const to = writeSum(beginOk(OUTPUT, idStart, idEnd), Body.dataAt);
    if (to) {
      partsOutcome = Outcome.OK;
      return endFrame(OUTPUT, to);
    }
  }
  partsOutcome = outcomeOf(why);
  const isJson = partsOutcome != Outcome.BAD_JSON;
  return writeFault(OUTPUT, isJson ? idStart : 0, idEnd, 0, bodyEnd, Body.dataAt);
}

function beginEcho(): usize {
  partsOutcome = Outcome.OK;
  const to = beginOk(OUTPUT, idStart, idEnd);
  if (!dataStart) return endFrame(OUTPUT, writeNull(to));
  store<u32>(STATUS, <u32>Body.dataAt, STATUS_TEXT_OFFSET);
  store<u32>(STATUS, <u32>(Body.dataEnd - Body.dataAt), STATUS_TEXT_LENGTH);
  return to;
}

/**
 * Of an array by itself: leaves the exact sum in STATUS, as `writeExactSum` writes it, and the tails beside it; or the
 * fault, with its place and the index of the item that it is in or before, or −1.
 */
export function leaveSum(): void {
  store<i32>(STATUS, outcomeOf(why), STATUS_OUTCOME);
  if (why == Why.NOTHING) {
    store<u32>(STATUS, <u32>writeExactSum(), STATUS_TEXT_OFFSET);
    store<i32>(STATUS, exactLength, STATUS_TEXT_LENGTH);
    store<i64>(STATUS, tails, STATUS_TAILS);
    return;
  }
  store<i32>(STATUS, isInArray() ? <i32>Body.index : -1, STATUS_ITEM_INDEX);
  store<u32>(STATUS, <u32>where, STATUS_FAULT_OFFSET);
}

function isInArray(): bool {
  if (Body.state == State.STRING || Body.state == State.NUMBER) return Body.afterToken == State.AFTER_TERM;
  return Body.state != State.ARRAY && Body.state != State.END;
}
