/**
 * The sum of an array that is a text by itself, with nothing around it but white space: the engine without a request.
 * One pass adds; only where that finds a fault, a second one looks whether the text is JSON at all, which outranks
 * whatever it says.
 */
import { CLOSE_BRACKET, COMMA, OPEN_BRACKET } from './codes';
import { clearFault, fault, grammarFault, itemIndex, Why, why } from './fault';
import { skipSpace, skipValue } from './json';
import { sumArray } from './sum';

const NO_ITEM: i32 = -1;

/** Of the last fault: the index of the item that it is in or behind, or `NO_ITEM`. */
export let faultIndex: i32 = NO_ITEM;

/** Adds the numbers of the text in [start, end), behind which a 0 stands. False: the fault is kept. */
export function sumText(start: usize, end: usize): bool {
  clearFault();
  faultIndex = NO_ITEM;
  const p = skipSpace(start);
  if (load<u8>(p) != OPEN_BRACKET) {
    if (endsAt(skipValue(p, 0), end)) fault(Why.SUM_NOT_ARRAY, p);
    return false;
  }
  const behind = sumArray(p);
  if (behind && skipSpace(behind) == end) return true;
  if (why >= Why.SUM_ITEM_NOT_NUMBER) faultIndex = <i32>itemIndex;
  endsAt(skipItems(p), end);
  return false;
}

/** False with the fault kept where a scan came to no end, or to one that is not the text's. */
function endsAt(behind: usize, end: usize): bool {
  if (!behind) return false;
  const p = skipSpace(behind);
  if (p == end) return true;
  faultIndex = NO_ITEM;
  grammarFault(Why.TRAILING, p);
  return false;
}

/** Checks the array at `p` item by item, so that a fault of its grammar has an index too. */
function skipItems(p: usize): usize {
  p = skipSpace(p + 1);
  if (load<u8>(p) == CLOSE_BRACKET) return p + 1;
  let index = 0;
  while (true) {
    p = skipValue(p, 1);
    if (!p) break;
    p = skipSpace(p);
    const next = load<u8>(p);
    if (next == CLOSE_BRACKET) return p + 1;
    if (next != COMMA) {
      grammarFault(Why.EXPECTED_COMMA_OR_BRACKET, p);
      break;
    }
    p = skipSpace(p + 1);
    index++;
  }
  faultIndex = index;
  return 0;
}
