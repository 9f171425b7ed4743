/**
 * The ABI of the column scanner: what the host may call, and where it puts and finds bytes. It makes a JSON array out of
 * one column of a table, or of one number of each line of JSON. `src/engine/column-scanner.ts` is the only caller.
 */
import { QUOTE } from '../codes';
import { scanTable } from './csv';
import { GUARD, INPUT, PATH, PATH_BYTES_MAX, STATUS } from './layout';
import { scanLines } from './lines';
import { beginScan } from './status';

export const statusOffset: usize = STATUS;
export const pathOffset: usize = PATH;
export const pathBytesMax: i32 = PATH_BYTES_MAX;
export const inputOffset: usize = INPUT;
/** Where asc's static data ends; it must stay below the brackets of `../layout.ts`. */
export const staticEnd: usize = __heap_base;

let output: usize = 0;

/** Makes room for `capacity` bytes of INPUT and as many of OUTPUT, and answers where OUTPUT is. What is in INPUT stays. */
export function reserve(capacity: i32): usize {
  const from = INPUT + <usize>capacity + GUARD;
  const bytes = from + <usize>capacity + GUARD;
  const pages = <i32>((bytes + 0xffff) >>> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return 0;
  output = from;
  return from;
}

/**
 * Scans INPUT from `from` to before `length` for the column `column` (from 0) between the bytes `delimiter`. `outputLength`
 * bytes of OUTPUT are kept. `trusted` is the place of a number that is finite although the last scan doubted it, or −1.
 */
export function table(
  from: i32,
  length: i32,
  isLast: bool,
  trusted: i32,
  outputLength: i32,
  delimiter: i32,
  column: i32,
): void {
  const end = INPUT + <usize>length;
  closeText(end);
  beginScan(output + <usize>outputLength, trusted);
  scanTable(INPUT + <usize>from, end, isLast, <u8>delimiter, column, output);
}

/** Scans INPUT in the same way for the number that PATH leads to in each line. */
export function lines(from: i32, length: i32, isLast: bool, trusted: i32, outputLength: i32): void {
  const end = INPUT + <usize>length;
  closeText(end);
  beginScan(output + <usize>outputLength, trusted);
  scanLines(INPUT + <usize>from, end, isLast, output);
}

/** What every search stops at. */
function closeText(end: usize): void {
  store<u8>(end, 0x0a);
  store<u8>(end, QUOTE, 1);
  store<u8>(end, 0, 2);
}
