/**
 * The memory of the column scanner, which is a module of its own. `src/engine/column-scanner.ts` mirrors it; a test compares
 * the two. Below 0x20000 are asc's static data and the brackets that the scanners of JSON keep (`../layout.ts`).
 *
 *     0x020000  ┌────────────────────────────────────────────────┐
 *               │ STATUS   what the last scan left, i32 each     │
 *     0x021000  ├────────────────────────────────────────────────┤
 *               │ PATH     the steps to a number in a JSON value │
 *     0x030000  ├────────────────────────────────────────────────┤
 *               │ INPUT    `capacity` bytes of text, then GUARD  │
 *               ├────────────────────────────────────────────────┤
 *               │ OUTPUT   as many bytes of JSON, then GUARD     │
 *               └────────────────────────────────────────────────┘
 *
 * OUTPUT cannot overflow: a number and its separator are no longer than the number and the end of its line.
 */

/** Vector loads and stores may reach so far beyond a region. */
export const GUARD: usize = 64;

export const STATUS: usize = 0x20000;

/** i32 fields, in bytes from STATUS. Places are offsets in INPUT. */
export namespace StatusField {
  /** Bytes that are done with. */
  export const CONSUMED: usize = 0;
  /** Bytes of OUTPUT. */
  export const OUTPUT_LENGTH: usize = 4;
  /** Numbers that this scan put out. */
  export const NUMBERS: usize = 8;
  /** Ends of lines in the bytes that are done with. */
  export const LINES: usize = 12;
  export const STOP: usize = 16;
  /** What is at fault: from PLACE to before PLACE_END. */
  export const PLACE: usize = 20;
  export const PLACE_END: usize = 24;
  /** Where the line after the bad one begins. */
  export const NEXT: usize = 28;
  /** Ends of lines in the bad line, the last one included. */
  export const LINES_OF_BAD: usize = 32;
  /** `Why` of `../fault.ts`, for a line that is not JSON. */
  export const WHY: usize = 36;
  /** What is there in place of a number: `Found`. */
  export const FOUND: usize = 40;
}

/**
 * Each step is an i32: the length of a member's name, whose bytes follow, filled up to a multiple of four; or −1 − index
 * of an item; PATH_END after the last one.
 */
export const PATH: usize = 0x21000;
export const PATH_BYTES_MAX: i32 = 0x8000;
export const PATH_END: i32 = i32.MIN_VALUE;

export const INPUT: usize = 0x30000;

/** Why a scan came back. */
export namespace Stop {
  /** What is left is the beginning of a line. */
  export const INPUT: i32 = 0;
  /** The field is empty. */
  export const EMPTY: i32 = 1;
  /** The field is no number as JSON writes them. */
  export const NOT_A_NUMBER: i32 = 2;
  /** A number so large that the host is to say whether it rounds to infinity. */
  export const LARGE: i32 = 3;
  /** The line has fewer columns. */
  export const TOO_FEW_COLUMNS: i32 = 4;
  /** A quoted field goes on after its closing quote. */
  export const TEXT_AFTER_QUOTE: i32 = 5;
  /** The text ends inside a quoted field. */
  export const UNCLOSED_QUOTE: i32 = 6;
  /** The line is not one JSON value. */
  export const NOT_JSON: i32 = 7;
  /** The path leads nowhere, or not to a number. */
  export const NO_NUMBER_THERE: i32 = 8;
}

/** What a path led to. */
export namespace Found {
  export const NOTHING: i32 = 0;
  export const NUMBER: i32 = 1;
  export const OTHER: i32 = 2;
}
