/** The exact sum of a column, whether or not the length of its text is known. */

import { RequestError } from '../errors.js';
import { cancelled } from './call.js';
import { type Column, columnOf } from './column.js';
import { ColumnError } from './column-error.js';
import type { ColumnOptions } from './column-options.js';
import { type DataSource, SourceReader } from './data-source.js';
import { onAbort } from './on-abort.js';
import { type CallOptions, checkCall } from './options.js';

export interface ColumnSum {
  readonly sum: number;
  /** How many numbers were added. */
  readonly numbers: number;
  /** How many lines were left out, with `skipBad`. */
  readonly skipped: number;
  /** What was wrong with the first of them. */
  readonly firstSkipped: ColumnError | undefined;
}

/** So much of a column is held in memory where `sourceBytes` does not tell how long the text is. */
export const heldColumnBytesMax = 64 * 1024 * 1024;

type SendColumn = (data: DataSource, byteLength: number) => Promise<number>;

/** @param send is to send the array as the data of `sum`, and to resolve to its result. */
export async function sumColumn(source: DataSource, options: SumColumnOptions, send: SendColumn): Promise<ColumnSum> {
  const column = begin(source, options);
  // The call itself watches the signal only when it is made.
  const release = options.signal && onAbort(options.signal, () => column.destroy());
  try {
    const sum = await sendColumn(column, send);
    const { numbers, skipped, firstSkipped } = column;
    return { sum, numbers, skipped, firstSkipped };
  } catch (error) {
    column.destroy();
    if (options.signal?.aborted) throw cancelled('sum', options.signal);
    // Who reads the text does not matter to a caller who wants to know what is wrong with it.
    const { cause } = error as Error;
    throw cause instanceof ColumnError ? cause : error;
  } finally {
    release?.();
  }
}

/** A source that is not used is closed, as that of every call. */
function begin(source: DataSource, options: SumColumnOptions): Column {
  try {
    checkCall('sum', options);
    return columnOf(source, options);
  } catch (error) {
    new SourceReader(source).close();
    throw error;
  }
}

async function sendColumn(column: Column, send: SendColumn): Promise<number> {
  if (column.byteLength !== undefined) return send(column, column.byteLength);
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const items of column) {
    held.push(items);
    heldBytes += items.length;
    if (heldBytes > heldColumnBytesMax) {
      const what = `more than ${heldColumnBytesMax} bytes of numbers came from a text whose length is not known`;
      throw new RequestError('FRAME_TOO_LARGE', `A frame begins with its length, and ${what}; give sourceBytes.`);
    }
  }
  return send(held, heldBytes);
}

export type SumColumnOptions = ColumnOptions & CallOptions;
