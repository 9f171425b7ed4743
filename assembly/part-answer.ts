/** What comes of a body in parts: a response, or the sum of an array by itself. */
import { Operation, Outcome } from './codes';
import { exactLength, tails, writeExactSum, writeSum } from './decimal';
import { dataStart, idEnd, idStart, operation, opStart } from './envelope';
import { fault, outcomeOf, where, Why, why } from './fault';
import {
  OUTPUT, STATUS, STATUS_FAULT_OFFSET, STATUS_ITEM_INDEX, STATUS_OUTCOME, STATUS_TAILS, STATUS_TEXT_LENGTH, STATUS_TEXT_OFFSET,
} from './layout';
import { State } from './part-states';
import { bodyEnd, dataAt, index, isSummed, state, then } from './parts';
import { beginOk, endFrame, writeFault } from './response';

/** The outcome of the body, once `answerParts` has been called. */
export let partsOutcome: i32 = Outcome.OK;

/**
 * Writes the response to a body whose answer is known, at OUTPUT, and answers the address behind it. A valid request
 * that is not for a sum whose `op` stands before its `data` leaves HANDED_OUT and writes nothing.
 */
export function answerParts(): usize {
  if (why == Why.NOTHING) {
    if (!idStart) fault(Why.ID_MISSING, bodyEnd);
    else if (!opStart) fault(Why.OP_MISSING, bodyEnd);
    else if (operation == Operation.SUM && !dataStart) fault(Why.SUM_NOT_ARRAY, 0);
  }
  if (why == Why.NOTHING) {
    if (!isSummed) {
      partsOutcome = Outcome.HANDED_OUT;
      return OUTPUT;
    }
    const to = writeSum(beginOk(OUTPUT, idStart, idEnd), dataAt);
    if (to) {
      partsOutcome = Outcome.OK;
      return endFrame(OUTPUT, to);
    }
  }
  partsOutcome = outcomeOf(why);
  const isJson = partsOutcome != Outcome.BAD_JSON;
  return writeFault(OUTPUT, isJson ? idStart : 0, idEnd, 0, bodyEnd, dataAt);
}

/**
 * Of an array by itself: leaves the exact sum in STATUS, as `writeExactSum` writes it, and the tails beside it; or the
 * fault, with its place and the index of the item that it is in or in front of, or −1.
 */
export function leaveSum(): void {
  store<i32>(STATUS, outcomeOf(why), STATUS_OUTCOME);
  if (why == Why.NOTHING) {
    store<u32>(STATUS, <u32>writeExactSum(), STATUS_TEXT_OFFSET);
    store<i32>(STATUS, exactLength, STATUS_TEXT_LENGTH);
    store<i64>(STATUS, tails, STATUS_TAILS);
    return;
  }
  store<i32>(STATUS, isInArray() ? <i32>index : -1, STATUS_ITEM_INDEX);
  store<u32>(STATUS, <u32>where, STATUS_FAULT_OFFSET);
}

function isInArray(): bool {
  if (state == State.STRING || state == State.NUMBER) return then == State.BEHIND_TERM;
  return state != State.ARRAY && state != State.END;
}
