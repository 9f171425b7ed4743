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
 *               │ BODY       what a body's parts leave behind  │ │ all that the rest of a body in
 *               │ NESTING    one byte for each open bracket    │ │ parts needs: the host may carry
 *     0x017000  ├──────────────────────────────────────────────┤ │ it to another thread
 *               │ BUCKETS    two i64 for each decimal exponent │ ┘
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
 * Vector loads may read up to GUARD bytes before a region's first byte and behind its last one; what they find
 * there is masked away, so only the bytes' being addressable matters.
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
/** What `sum` leaves beside the outcome: of a fault the item's index, or −1, and the byte's place; else the exact sum. */
export const STATUS_ITEM_INDEX: usize = 28;
export const STATUS_FAULT_OFFSET: usize = 32;
export const STATUS_TEXT_OFFSET: usize = 36;
export const STATUS_TEXT_LENGTH: usize = 40;
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
export const BUCKETS_END: usize = BUCKETS + <usize>(EXPONENT_GREATEST - EXPONENT_LEAST + 1) * BUCKET_BYTES;

/**
 * A body that comes in parts: see `parts.ts`. All zero is a body of which nothing has come.
 *
 *     0x16000  │ fields, 128 bytes │ the id's token │ CARRY │ DIGITS │ NESTING │ BUCKETS │  0x1ce50
 */
export const BODY: usize = 0x16000;
export const BODY_ID: usize = BODY + 0x80;
/** Bytes of a token that is not whole yet: what is longer is read in pieces. */
export const BODY_CARRY: usize = BODY + 0x1c0;
export const CARRY_BYTES_MAX: usize = 512;
/** The first digits of a number that is read in pieces. */
export const BODY_DIGITS: usize = BODY + 0x400;
/** More than lie between the greatest place and the least that is added. */
export const BODY_DIGITS_MAX: i32 = 1600;
export const BODY_STATE_BYTES: i32 = <i32>(BUCKETS_END - BODY);

export const NESTING: usize = BODY + 0xc00;
export const NESTING_LEVELS_MAX: i32 = 1024;

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

export const ARENA: usize = 0xd0000 + <usize>GUARD;

/**
 * Where the host puts a part of a body, up to 7 bytes behind it; what was carried from the part before is put in front of
 * it.
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
