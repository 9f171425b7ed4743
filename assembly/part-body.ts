/** What is kept of a body from part to part: globals while a part is looked at, fields of BODY in between. */
import { highest, lowest, resumeSum, tails } from './decimal';
import { idEnd, idStart, Member, operation, resumeEnvelope, seenMembers } from './envelope';
import { itemIndex, resumeFault, where, why } from './fault';
import { BODY, BODY_ID, BodyField } from './layout';
import { keepLongNumber, resumeLongNumber } from './long-number';
import { State } from './part-states';

/** Static fields, since a global of another module cannot be assigned. */
export class Body {
  static state: i32 = State.REQUEST;
  /** The state after the long token that is read in pieces. */
  static afterToken: i32 = 0;
  /** Open brackets. The array of a sum is not counted. */
  static levels: i32 = 0;
  static member: i32 = Member.OTHER;
  /** Is it only an array, without a request around it? */
  static isBare: bool = false;
  /** Has the array been added to its end? */
  static isSummed: bool = false;
  static nameAt: usize = 0;
  static dataAt: usize = 0;
  /** The place after the value of `data`, once that is whole. */
  static dataEnd: usize = 0;
  /** The index of the array's next item. */
  static index: u32 = 0;
  /** Bytes of the body that are done with, and of those after them that are carried. */
  static through: u32 = 0;
  static carried: i32 = 0;
  /** Where the long number at hand begins. */
  static numberAt: usize = 0;
}

/**
 * Takes up the body whose state the host has put at BODY. All zero is one of which nothing has come; that its sum then
 * has touched one bucket, which holds nothing, makes no difference.
 */
export function resumeBody(): void {
  Body.state = load<i32>(BODY, BodyField.STATE);
  Body.afterToken = load<i32>(BODY, BodyField.AFTER_TOKEN);
  Body.levels = load<i32>(BODY, BodyField.LEVELS);
  Body.member = load<i32>(BODY, BodyField.MEMBER);
  Body.isBare = load<i32>(BODY, BodyField.IS_BARE) != 0;
  Body.nameAt = load<u32>(BODY, BodyField.NAME_AT);
  Body.dataAt = load<u32>(BODY, BodyField.DATA_AT);
  Body.dataEnd = load<u32>(BODY, BodyField.DATA_END);
  Body.index = load<u32>(BODY, BodyField.INDEX);
  Body.through = load<u32>(BODY, BodyField.THROUGH);
  Body.carried = load<i32>(BODY, BodyField.CARRIED);
  Body.numberAt = load<u32>(BODY, BodyField.NUMBER_AT);
  Body.isSummed = load<i32>(BODY, BodyField.IS_SUMMED) != 0;
  resumeLongNumber();
  const op = load<i32>(BODY, BodyField.OPERATION);
  resumeEnvelope(load<i32>(BODY, BodyField.SEEN_MEMBERS), BODY_ID, load<u32>(BODY, BodyField.ID_LENGTH), op);
  const at = load<u32>(BODY, BodyField.FAULT_AT);
  resumeFault(load<i32>(BODY, BodyField.WHY), at, load<u32>(BODY, BodyField.FAULT_INDEX));
  const rests = load<i64>(BODY, BodyField.TAILS);
  resumeSum(load<i32>(BODY, BodyField.LOWEST_BUCKET), load<i32>(BODY, BodyField.HIGHEST_BUCKET), rests);
}

/** Leaves the body's state at BODY, where the host may take it from. */
export function keepBody(): void {
  store<i32>(BODY, Body.state, BodyField.STATE);
  store<i32>(BODY, Body.afterToken, BodyField.AFTER_TOKEN);
  store<i32>(BODY, Body.levels, BodyField.LEVELS);
  store<i32>(BODY, Body.member, BodyField.MEMBER);
  store<i32>(BODY, <i32>Body.isBare, BodyField.IS_BARE);
  store<u32>(BODY, <u32>Body.nameAt, BodyField.NAME_AT);
  store<u32>(BODY, <u32>Body.dataAt, BodyField.DATA_AT);
  store<u32>(BODY, <u32>Body.dataEnd, BodyField.DATA_END);
  store<u32>(BODY, Body.index, BodyField.INDEX);
  store<u32>(BODY, Body.through, BodyField.THROUGH);
  store<i32>(BODY, Body.carried, BodyField.CARRIED);
  store<u32>(BODY, <u32>Body.numberAt, BodyField.NUMBER_AT);
  store<i32>(BODY, <i32>Body.isSummed, BodyField.IS_SUMMED);
  keepLongNumber();
  store<i32>(BODY, seenMembers(), BodyField.SEEN_MEMBERS);
  store<u32>(BODY, idStart ? <u32>(idEnd - idStart) : 0, BodyField.ID_LENGTH);
  store<i32>(BODY, operation, BodyField.OPERATION);
  store<i32>(BODY, why, BodyField.WHY);
  store<u32>(BODY, <u32>where, BodyField.FAULT_AT);
  store<u32>(BODY, itemIndex, BodyField.FAULT_INDEX);
  store<i32>(BODY, lowest, BodyField.LOWEST_BUCKET);
  store<i32>(BODY, highest, BodyField.HIGHEST_BUCKET);
  store<i64>(BODY, tails, BodyField.TAILS);
}
