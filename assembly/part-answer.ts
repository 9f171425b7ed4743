/** The response to a body that came in parts. */
import { Operation, Outcome } from './codes';
import { writeSum } from './decimal';
import { dataStart, idEnd, idStart, operation, opStart } from './envelope';
import { fault, outcomeOf, Why, why } from './fault';
import { OUTPUT } from './layout';
import { bodyEnd, dataAt, isSummed } from './parts';
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
