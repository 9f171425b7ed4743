/** Numbers that cross to the host, mirrored in `src/engine/layout.ts` and compared by a test. */

/** Why `run` came back. */
export namespace Stop {
  /** All is consumed but an unfinished frame. */
  export const INPUT: i32 = 0;
  /** No room for another reply or record, or a control operation: take what is there and call again. */
  export const OUTPUT: i32 = 1;
  /** The next frame's body is over INLINE_BYTES_MAX. */
  export const LARGE: i32 = 2;
}

export namespace Operation {
  /** No operation of the engine's own, or none that could be read. */
  export const NONE: i32 = 0;
  export const ECHO: i32 = 1;
  export const UPPER: i32 = 2;
  export const SUM: i32 = 3;
  export const PING: i32 = 4;
  export const COUNT: i32 = 5;
}

export namespace Outcome {
  export const OK: i32 = 0;
  export const BAD_JSON: i32 = 1;
  export const BAD_REQUEST: i32 = 2;
  export const BAD_DATA: i32 = 3;
  export const OUT_OF_RANGE: i32 = 4;
  /** Not answered: handed to the host. Never counted here. */
  export const HANDED_OUT: i32 = 5;
  export const COUNT: i32 = 6;
}

export const QUOTE: u8 = 0x22;
export const DOLLAR: u8 = 0x24;
export const BACKSLASH: u8 = 0x5c;
export const COMMA: u8 = 0x2c;
export const COLON: u8 = 0x3a;
export const MINUS: u8 = 0x2d;
export const PLUS: u8 = 0x2b;
export const POINT: u8 = 0x2e;
export const ZERO: u8 = 0x30;
export const OPEN_BRACE: u8 = 0x7b;
export const CLOSE_BRACE: u8 = 0x7d;
export const OPEN_BRACKET: u8 = 0x5b;
export const CLOSE_BRACKET: u8 = 0x5d;
