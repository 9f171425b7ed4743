/**
 * A column of a file as `data`: `@sales.csv --column amount`, `@prices.ndjson --path .price`.
 *
 * A frame begins with the length of its data, and a column's is known only at its end. Small ones are held in memory. A
 * large file is sent while it is read, announced as long as its text. What has no known length, or a longer one than a frame
 * takes, is put aside in a file without a name first.
 */

import { extname } from 'node:path';
import { type AnnouncedColumn, type Column, ColumnError, type ColumnOptions, columnOf } from '../client/index.js';
import { checkedBytesMax, type DataInput, dataBytesMax, InputError, isElsewhere, openInput } from './data-input.js';
import { putAside } from './put-aside.js';
import { readAhead } from './read-ahead.js';

export interface ColumnFlags {
  readonly format?: string;
  readonly column?: string;
  readonly header: boolean;
  readonly delimiter?: string;
  readonly path?: string;
  readonly skipBad?: true;
}

/** What `--format` takes. */
export const formats = ['json', 'csv', 'tsv', 'ndjson', 'jsonl'] as const;

type Format = (typeof formats)[number];

export interface ColumnInput extends DataInput {
  /** Takes the bytes of the text and makes the data of them; absent where `chunks` are the data already. */
  readonly columnOf?: (chunks: DataInput['chunks']) => AnnouncedColumn;
  /** What was taken and left out so far; `undefined` before anything was. */
  column(): Column | undefined;
}

const namesOfEnding: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.ndjson': 'ndjson',
  '.jsonl': 'jsonl',
};

/**
 * @returns `undefined` where the data is JSON as a whole.
 * @throws InputError, ColumnError, RangeError: not readable, a line without a number, flags that do not fit
 */
export async function readColumnInput(text: string | undefined, flags: ColumnFlags): Promise<ColumnInput | undefined> {
  const format = formatOf(text, flags);
  if (format === undefined || format === 'json') {
    refuseFlags(flags, text);
    return undefined;
  }
  const options: ColumnOptions = {
    format: format === 'jsonl' ? 'ndjson' : format,
    column: flags.column,
    header: flags.header ? undefined : false,
    delimiter: flags.delimiter === '\\t' ? '\t' : flags.delimiter,
    path: flags.path,
    skipBad: flags.skipBad,
  };
  checkOptions(options);
  // A column takes what it needs of a chunk before it asks for the next.
  const input = await openInput(text!, readAhead);
  const { name, byteLength, chunks } = input;
  if (byteLength === undefined || byteLength <= checkedBytesMax || byteLength > dataBytesMax) {
    const column = columnOf(chunks, { ...options, name });
    return { name, ...(await putAside(column, name)), column: () => column };
  }
  let column: AnnouncedColumn | undefined;
  return {
    name,
    byteLength,
    chunks,
    columnOf(given) {
      column = columnOf(given, { ...options, name, sourceBytes: byteLength });
      return column;
    },
    column: () => column,
  };
}

const flagOfOption: Readonly<Record<string, string>> = {
  column: '--column',
  header: '--no-header',
  delimiter: '--delimiter',
  path: '--path',
};

/** Checks the flags before anything is opened, and names them as the user knows them. */
function checkOptions(options: ColumnOptions): void {
  try {
    columnOf([], options);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const option = /\b(?:column|header|delimiter|path)(?= (?:must|means) )/;
    throw new InputError(error.message.replace(option, (name) => flagOfOption[name]!));
  }
}

/** The error in the terms of the command line. */
export function inFlags(error: unknown): unknown {
  if (!(error instanceof ColumnError)) return error;
  const advice = error.isSkippable ? ' Mend the line, or leave out such lines with --skip-bad.' : '';
  return new InputError(`${error.source}, line ${error.line}, column ${error.column}: ${error.reason}.${advice}`);
}

/** One sentence about lines that were left out, or `undefined` where none were. */
export function skippedWords({ skipped, numbers, firstSkipped }: Column, name: string): string | undefined {
  if (firstSkipped === undefined) return undefined;
  const { line, column, reason } = firstSkipped;
  const lines = skipped === 1 ? '1 line' : `${skipped} lines`;
  const rest = numbers === 1 ? '1 number was taken' : `${numbers} numbers were taken`;
  return `${lines} of ${name} left out, ${rest}; the first is line ${line}, column ${column}: ${reason}`;
}

function formatOf(text: string | undefined, { format }: ColumnFlags): Format | undefined {
  if (text === undefined || !isElsewhere(text)) return undefined;
  return (format as Format | undefined) ?? namesOfEnding[extname(text).toLowerCase()];
}

/** Flags for a column mean nothing where the data is JSON as a whole, and a format nothing where there is no text. */
function refuseFlags(flags: ColumnFlags, text: string | undefined): void {
  const isText = text !== undefined && isElsewhere(text);
  if (flags.format !== undefined && !isText) {
    throw new InputError('--format says what a file or standard input is; give @FILE or - as data.');
  }
  const given = Object.entries({
    '--column': flags.column,
    '--no-header': flags.header ? undefined : true,
    '--delimiter': flags.delimiter,
    '--path': flags.path,
    '--skip-bad': flags.skipBad,
  }).find(([, value]) => value !== undefined)?.[0];
  if (given === undefined) return;
  const what = isText ? 'say its format with --format' : 'give @FILE or - as data';
  throw new InputError(`${given} is for data in csv, tsv or ndjson; ${what}.`);
}
