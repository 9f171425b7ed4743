/**
 * The engine's memory, drawn once. Every address is a constant; nothing is allocated while the engine runs.
 * `src/engine/layout.ts` mirrors the records that the host reads; a test compares the two.
 *
 *     0x000000  ┌──────────────────────────────────────────────┐
 *               │ static data: texts, tables (asc places them) │
 *     0x010000  ├──────────────────────────────────────────────┤
 *               │ STATUS     what the last call left, 64 bytes │
 *               │ COUNTS     u64[OPERATIONS][OUTCOMES]         │
 *               │ TEXT       digits of a sum, 8 KiB            │
 *     0x016000  ├──────────────────────────────────────────────┤ ┐
 *               │ BODY       what a body's parts leave         │ │ all that the rest of a body in
 *               │ NESTING    one byte for each open bracket    │ │ parts needs: the host may carry
 *     0x017000  ├──────────────────────────────────────────────┤ │ it to another thread
 *               │ BUCKETS    two i64 for each decimal exponent │ ┘
 *     0x01d000  ├──────────────────────────────────────────────┤
 *               │ CASES      upper case, see case-map.ts       │
 *     0x020000  ├──────────────────────────────────────────────┤
 *               │ HANDOUTS   records of HANDOUT_BYTES          │
 *     0x030000  ├──────────────────────────────────────────────┤
 *               │ INPUT      one socket read (guards around)   │
 *     0x050000  ├──────────────────────────────────────────────┤
 *               │ OUTPUT     replies to it, contiguous         │
 *     0x0d0000  ├──────────────────────────────────────────────┤
 *               │ ARENA      a large body, then its reply;     │
 *               │            the host grows memory to fit      │
 *               └──────────────────────────────────────────────┘
 *
 * Vector loads may read up to GUARD bytes before a region's first byte and after its last one. What they find
 * there is masked away, so it is enough that the bytes can be addressed.
 */

export const GUARD: i32 = 64;

/** i32 fields, in bytes from STATUS. */
export const STATUS: usize = 0x10000;
export const STATUS_CONSUMED: usize = 0;
export const STATUS_OUTPUT_LENGTH: usize = 4;
export const STATUS_HANDOUTS: usize = 8;
export const STATUS_STOP: usize = 12;
/** Index into COUNTS' rows and columns of the last answered body: which operation, which outcome. */
export const STATUS_OPERATION: usize = 16;
export const STATUS_OUTCOME: usize = 20;
export const STATUS_ANSWERED: usize = 24;
/**
 * What `sum` leaves beside the outcome: of a fault the item's index, or −1, and the byte's place; else the exact sum. An
 * `echo` in parts leaves where its data is in the body, as TEXT_OFFSET and TEXT_LENGTH.
 */
export const STATUS_ITEM_INDEX: usize = 28;
export const STATUS_FAULT_OFFSET: usize = 32;
export const STATUS_TEXT_OFFSET: usize = 36;
export const STATUS_TEXT_LENGTH: usize = 40;
/** Where `answer` has left its reply. */
export const STATUS_OUTPUT_OFFSET: usize = 44;
/** i64. */
export const STATUS_TAILS: usize = 48;

export const COUNTS: usize = 0x10040;

export const TEXT: usize = 0x12000;
export const TEXT_BYTES: usize = 0x2000;

/** Decimal exponents that are added exactly; digits below the least one count as "not zero" (protocol, `sum`). */
export const EXPONENT_LEAST: i32 = -1200;
export const EXPONENT_GREATEST: i32 = 308;
export const BUCKETS: usize = 0x17000;
export const BUCKET_BYTES: usize = 16;
/** No group of digits ends above the greatest exponent, since no number begins above it. */
const BUCKETS_END: usize = BUCKETS + <usize>(EXPONENT_GREATEST - EXPONENT_LEAST + 1) * BUCKET_BYTES;

/**
 * A body that comes in parts: see `parts.ts`. All zero is a body of which nothing has come.
 *
 *     0x16000  │ fields, 128 bytes │ the id's token │ CARRY │ DIGITS │ NESTING │ BUCKETS │  0x1ce50
 */
export const BODY: usize = 0x16000;

/**
 * The fields, in bytes from BODY: i32 or u32, but where another type is named. Places are offsets in the body.
 *
 *       0 │ STATE        │ AFTER_TOKEN    │ LEVELS       │ MEMBER         │
 *      16 │ IS_BARE      │ NAME_AT        │ DATA_AT      │ INDEX          │
 *      32 │ THROUGH      │ CARRIED        │ NUMBER_AT    │ IS_SUMMED      │
 *      48 │ NUMBER_PLACE, i64             │ NUMBER_EXPONENT, i64          │
 *      64 │ DIGITS_KEPT  │ DIGIT, TRAITS  │ SEEN_MEMBERS │ ID_LENGTH      │  (DIGIT, NUMBER_TRAITS: u8)
 *      80 │ OPERATION    │ WHY            │ FAULT_AT     │ FAULT_INDEX    │
 *      96 │ LOWEST_BUCKET│ HIGHEST_BUCKET │ TAILS, i64                    │
 *     112 │ DATA_END     └ free
 */
export namespace BodyField {
  export const STATE: usize = 0;
  export const AFTER_TOKEN: usize = 4;
  export const LEVELS: usize = 8;
  export const MEMBER: usize = 12;
  export const IS_BARE: usize = 16;
  export const NAME_AT: usize = 20;
  export const DATA_AT: usize = 24;
  export const INDEX: usize = 28;
  export const THROUGH: usize = 32;
  export const CARRIED: usize = 36;
  export const NUMBER_AT: usize = 40;
  export const IS_SUMMED: usize = 44;
  /** i64, as the next one. */
  export const NUMBER_PLACE: usize = 48;
  export const NUMBER_EXPONENT: usize = 56;
  export const DIGITS_KEPT: usize = 64;
  /** u8, as the next one. */
  export const DIGIT: usize = 68;
  export const NUMBER_TRAITS: usize = 69;
  export const SEEN_MEMBERS: usize = 72;
  export const ID_LENGTH: usize = 76;
  export const OPERATION: usize = 80;
  export const WHY: usize = 84;
  export const FAULT_AT: usize = 88;
  export const FAULT_INDEX: usize = 92;
  export const LOWEST_BUCKET: usize = 96;
  export const HIGHEST_BUCKET: usize = 100;
  /** i64. */
  export const TAILS: usize = 104;
  export const DATA_END: usize = 112;
}

const BODY_FIELDS_BYTES: usize = 128;
export const BODY_ID: usize = BODY + BODY_FIELDS_BYTES;
/** Bytes of a token that is not whole yet: what is longer is read in pieces. */
export const BODY_CARRY: usize = BODY + 0x1c0;
export const CARRY_BYTES_MAX: usize = 512;
/** The first digits of a number that is read in pieces. */
export const BODY_DIGITS: usize = BODY + 0x400;
/** More than lie between the greatest place and the least that is added. */
export const BODY_DIGITS_MAX: i32 = 1600;
export const BODY_STATE_BYTES: i32 = <i32>(BUCKETS_END - BODY);

/** Of a body that is not a sum the state ends here. */
export const BODY_CHECK_BYTES: i32 = <i32>(BUCKETS - BODY);

export const NESTING: usize = BODY + 0xc00;
export const NESTING_LEVELS_MAX: i32 = 1024;

/**
 * The upper case of characters: see `case-map.ts`, which fills it.
 *
 *     0x1d000  │ BLOCK_OF, u8[2048] │ BLOCKS, u8[96][64] │ DELTAS, i32[256] │ PAIRS, u8[30][64] │ PLAIN, u8[16] │  0x1fb90
 */
export const CASES: usize = 0x1d000;
/** The number of its block for each 64 code points below CASE_POINTS_END. */
export const CASE_BLOCK_OF: usize = CASES;
export const CASE_POINTS_END: u32 = 0x20000;
/** For each code point of a block what becomes of it. */
export const CASE_BLOCKS: usize = CASES + 0x800;
export const CASE_BLOCKS_MAX: i32 = 96;
export const CASE_DELTAS: usize = CASES + 0x2000;
/** For each character of two bytes, from U+0080 on, what becomes of its last byte. */
export const CASE_PAIRS: usize = CASES + 0x2400;
/** For each first byte from E0 to EF the number of second bytes, from a certain one on, after which nothing has case. */
export const CASE_PLAIN: usize = CASES + 0x2b80;
export const CASES_BYTES: usize = 0x2b90;

export const HANDOUTS: usize = 0x20000;
export const HANDOUT_BYTES: usize = 40;
export const HANDOUTS_MAX: i32 = 1024;
/** u32 fields of a record: offsets count from the first byte that the host gave; a length of 0 means absent. */
export const HANDOUT_ID: usize = 0;
export const HANDOUT_OP: usize = 8;
export const HANDOUT_DATA: usize = 16;
export const HANDOUT_TIMEOUT: usize = 24;
export const HANDOUT_TRACEPARENT: usize = 32;

/** Largest body that `run` answers; the protocol's inlineBytesMax. */
export const INLINE_BYTES_MAX: u32 = 0x10000;
export const INPUT: usize = 0x30000 + <usize>GUARD;
/** A whole frame of the largest inline body fits, so `run` always gets on. */
export const INPUT_BYTES: i32 = <i32>INLINE_BYTES_MAX + 4;

export const OUTPUT: usize = 0x50000;
export const OUTPUT_END: usize = 0xd0000 - <usize>GUARD;

/** Before a body in the arena: as much as goes before the data of a response, with the longest `id`. */
const HEAD_ROOM: usize = 512;
export const ARENA: usize = 0xd0000 + HEAD_ROOM;

/**
 * The host puts a part of a body here, up to 7 bytes later. What was carried from the part before goes before it.
 */
export const PART: usize = ARENA + 1024;
export const PART_BYTES_MAX: i32 = 0x10000;

/**
 * No reply is longer than this for a body of `bodyBytes`. Upper-casing at most triples the UTF-8 of a text (U+0390:
 * two bytes become six), and no error sentence with its id reaches a thousand bytes.
 */
// @ts-ignore: decorator
@inline
export function replyBytesMax(bodyBytes: usize): usize {
  return 3 * bodyBytes + 1024;
}
