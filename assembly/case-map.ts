/**
 * The upper case of each character, as the host sees it. The generated rows of `case-data.ts` are those of one version of
 * Unicode; the host may have another. So before the tables are used, their answers are held against the host's, and a
 * block of 64 code points with any difference is never answered here: a text with one of these is the host's.
 *
 * Invariant: after `prepareCases` each table answers as the host does, or says that it must be asked.
 *
 * Not compared is what no version of Unicode gives case: ideographs, Hangul syllables, cuneiform, hieroglyphs, Tangut,
 * kana, pictographs, private use, and the planes after the first two.
 */
import { CASE_EXPANSIONS, CASE_EXPANSIONS_COUNT, CASE_RUNS, CASE_RUNS_COUNT } from './case-data';
import { isUpperCase } from './host';
import {
  CASE_BLOCK_OF,
  CASE_BLOCKS,
  CASE_BLOCKS_MAX,
  CASE_DELTAS,
  CASE_PAIRS,
  CASE_PLAIN,
  CASE_POINTS_END,
  CASES,
  CASES_BYTES,
  TEXT,
  TEXT_BYTES,
} from './layout';
import { writeUtf8 } from './utf8';

/** Code points of a block. */
const BLOCK: u32 = 64;
/** Blocks with a number of their own: where nothing has case, and where the host must be asked. */
const CASELESS_BLOCK: u8 = 0;
const ASK_BLOCK: u8 = 1;

// What becomes of a code point: 0, it stays; up to `deltasCount`, a delta is added; above that, an expansion; or ASK.
const ASK: u8 = 255;
let deltasCount: i32 = 0;

let isPrepared: bool = false;
/** Does the host see even one of the letters in another way that `upper-vectors.ts` has in numbers? */
let isStrange: bool = false;

/**
 * Fills the tables at the first call; the host's part of it takes a few milliseconds, so only who needs them asks. Answers
 * false where the host must be asked for every text.
 */
// @ts-ignore: decorator
@inline
export function prepareCases(): bool {
  if (!isPrepared) fillTables();
  return !isStrange;
}

function fillTables(): void {
  memory.fill(CASES, 0, CASES_BYTES);
  spreadRows();
  for (let i: usize = 0; i < COMPARED_BYTES; i += 8) {
    const end = load<u32>(COMPARED + i, 4);
    for (let first = load<u32>(COMPARED + i); first < end; first += COMPARED_AT_ONCE) compare(first, COMPARED_AT_ONCE);
  }
  fillPairs();
  fillPlain();
  isStrange = isAsked(0, 0x100) || isAsked(0x380, 0x480);
  isPrepared = true;
}

/** Is one of these code points in a block that is the host's? */
function isAsked(first: u32, end: u32): bool {
  for (; first < end; first += BLOCK) {
    if (load<u8>(CASE_BLOCK_OF + <usize>(first / BLOCK)) == ASK_BLOCK) return true;
  }
  return false;
}

function spreadRows(): void {
  memory.fill(CASE_BLOCKS + <usize>ASK_BLOCK * BLOCK, ASK, BLOCK);
  let blocks = 2;
  let entry = 0;
  let lastDelta = 0;
  for (let i = 0; i < CASE_RUNS_COUNT; i++) {
    const row = CASE_RUNS + ((<usize>i) << 4);
    const delta = load<i32>(row, 12);
    if (delta != lastDelta) {
      entry++;
      store<i32>(CASE_DELTAS + ((<usize>entry) << 2), delta);
      lastDelta = delta;
    }
    let point = load<u32>(row);
    for (let count = load<i32>(row, 4); count; count--) {
      blocks = setEntry(point, <u8>entry, blocks);
      point += load<u32>(row, 8);
    }
  }
  deltasCount = entry;
  for (let i = 0; i < CASE_EXPANSIONS_COUNT; i++) {
    entry++;
    blocks = setEntry(load<u16>(CASE_EXPANSIONS + ((<usize>i) << 3)), <u8>entry, blocks);
  }
  assert(entry < <i32>ASK && blocks <= CASE_BLOCKS_MAX, 'the generated rows fit in the tables');
}

/** Answers the number of blocks that there are then. */
function setEntry(point: u32, entry: u8, blocks: i32): i32 {
  const slot = CASE_BLOCK_OF + <usize>(point / BLOCK);
  if (load<u8>(slot) == CASELESS_BLOCK) {
    store<u8>(slot, <u8>blocks);
    blocks++;
  }
  store<u8>(CASE_BLOCKS + <usize>load<u8>(slot) * BLOCK + (point % BLOCK), entry);
  return blocks;
}

// @ts-ignore: decorator
@inline
function entryOf(point: u32): u8 {
  if (point >= CASE_POINTS_END) return 0;
  return load<u8>(CASE_BLOCKS + <usize>load<u8>(CASE_BLOCK_OF + <usize>(point / BLOCK)) * BLOCK + (point % BLOCK));
}

/** Writes the upper case of a code point as UTF-8; answers the address after it, or 0 where the host must be asked. */
export function writeUpperPoint(to: usize, point: u32): usize {
  const entry = <i32>entryOf(point);
  if (entry <= deltasCount)
    return writeUtf8(to, entry ? point + load<u32>(CASE_DELTAS + ((<usize>entry) << 2)) : point);
  if (entry == <i32>ASK) return 0;
  const row = CASE_EXPANSIONS + ((<usize>(entry - deltasCount - 1)) << 3);
  to = writeUtf8(writeUtf8(to, load<u16>(row, 2)), load<u16>(row, 4));
  const third = load<u16>(row, 6);
  return third ? writeUtf8(to, third) : to;
}

/** Where case may be, or come: from a code point, and up to one. Multiples of COMPARED_AT_ONCE. */
// biome-ignore format: two a row
const COMPARED: usize = memory.data<u32>([
  0, 0x3400,
  0xa000, 0xac00,
  0xf800, 0x12000,
  0x14600, 0x17000,
  0x1b200, 0x1f000,
]);
const COMPARED_BYTES: usize = 40;
const COMPARED_AT_ONCE: u32 = 512;
/** A code point has four bytes at the most, and an upper case of three of them. */
const COMPARED_TEXT: usize = TEXT;
const COMPARED_UPPER: usize = TEXT + <usize>COMPARED_AT_ONCE * 4;

/** Marks those blocks of the `count` code points from `first` on that the host sees in another way. */
function compare(first: u32, count: u32): void {
  if (isAsHostSees(first, count)) return;
  if (count == BLOCK) {
    store<u8>(CASE_BLOCK_OF + <usize>(first / BLOCK), ASK_BLOCK);
    return;
  }
  const half = count / 2;
  compare(first, half);
  compare(first + half, half);
}

function isAsHostSees(first: u32, count: u32): bool {
  let text = COMPARED_TEXT;
  let upper = COMPARED_UPPER;
  for (let point = first; point < first + count; point++) {
    text = writeUtf8(text, point);
    upper = writeUpperPoint(upper, point);
  }
  assert(upper <= TEXT + TEXT_BYTES, 'both texts fit');
  return isUpperCase(COMPARED_TEXT, <i32>(text - COMPARED_TEXT), COMPARED_UPPER, <i32>(upper - COMPARED_UPPER));
}

/**
 * The first bytes of two-byte characters come in pairs, an even and an odd one, and nearly all upper case is with the
 * same pair: C2 and C3 (Latin-1), CE and CF (Greek), D0 and D1 (Cyrillic). An entry has the six bits of the last byte, and bit
 * 6 for the even first byte or bit 7 for the odd one. It is 0 where that cannot say it.
 */
function fillPairs(): void {
  for (let point: u32 = 0x80; point < 0x800; point++) {
    const entry = <i32>entryOf(point);
    if (entry > deltasCount) continue;
    const upper = entry ? point + load<u32>(CASE_DELTAS + ((<usize>entry) << 2)) : point;
    if (upper >> 7 != point >> 7) continue;
    store<u8>(CASE_PAIRS - 0x80 + point, <u8>((upper & 0x3f) | (0x40 << ((upper >> 6) & 1))));
  }
}

/** For each first byte from E0 to EF the second byte from which on no character has case: those that texts are full of. */
export const PLAIN_FROM: usize = memory.data<u8>([
  0xa0, 0x90, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xb0, 0x80, 0x80, 0x80, 0x80, 0xbc,
]);
const PLAIN_COUNT: usize = memory.data<u8>([32, 34, 5, 64, 64, 64, 64, 64, 64, 64, 16, 64, 64, 64, 64, 1]);

/** Each second byte has a block of its own. A first byte with one that the host sees in another way has no plain ones. */
function fillPlain(): void {
  for (let lead: u32 = 0; lead < 16; lead++) {
    const count = load<u8>(PLAIN_COUNT + <usize>lead);
    let block = CASE_BLOCK_OF + <usize>(lead * BLOCK + (load<u8>(PLAIN_FROM + <usize>lead) & 0x3f));
    const end = block + count;
    while (block < end && load<u8>(block) == CASELESS_BLOCK) block++;
    store<u8>(CASE_PLAIN + <usize>lead, block == end ? count : 0);
  }
}
