/**
 * How far a body that comes in parts has been read: what is expected next.
 *
 *     REQUEST ─▶ FIRST_NAME ─▶ AFTER_NAME ─▶ VALUE ─▶ AFTER_VALUE ─▶ NAME, VALUE or, at the end, END
 *                                              └─▶ FIRST_TERM ─▶ AFTER_TERM ⇄ TERM      the array of a sum
 *     a string or number too long to be carried: STRING, NUMBER, and then what would have followed
 */
export namespace State {
  export const REQUEST: i32 = 0;
  /** In place of a request, the array of a sum and nothing else. */
  export const ARRAY: i32 = 1;
  export const FIRST_NAME: i32 = 2;
  export const NAME: i32 = 3;
  export const AFTER_NAME: i32 = 4;
  export const VALUE: i32 = 5;
  export const FIRST_ITEM: i32 = 6;
  export const AFTER_VALUE: i32 = 7;
  export const FIRST_TERM: i32 = 8;
  export const TERM: i32 = 9;
  export const AFTER_TERM: i32 = 10;
  export const END: i32 = 11;
  /** Inside a long token; `Body.afterToken` says what follows it. */
  export const STRING: i32 = 12;
  export const NUMBER: i32 = 13;
}
