/** What a column is taken from: the options, and the one place that checks them. */

import { checkBoolean, checkObject, checkString, checkWhole, kindOf } from './checks.js';
import { parsePath } from './column-path.js';

export interface ColumnOptions {
  /**
   * `csv`: RFC 4180, with commas between fields; `tsv`: the same with tabs; `ndjson`: one JSON value a line. UTF-8 each; lines end
   * in a line feed, or a carriage return and a line feed; empty lines are passed over.
   */
  readonly format: 'csv' | 'tsv' | 'ndjson';
  /** Of a table: the name in its first line, or the number from 1. May be left out where there is only one column. */
  readonly column?: string | number | undefined;
  /** Has the table a first line with names? Default true. */
  readonly header?: boolean | undefined;
  /** What stands between fields, in place of the format's own: one ASCII character, such as `;`. */
  readonly delimiter?: string | undefined;
  /** Of `ndjson`: where the number is in each value, as `.price`, `.items[0].price` or `.["a b"]`. Default `.`, the value itself. */
  readonly path?: string | undefined;
  /** Leave out lines that give no number, and count them, instead of an error at the first one. */
  readonly skipBad?: boolean | undefined;
  /** Bytes of the whole text, where they are known: those of a file. */
  readonly sourceBytes?: number | undefined;
  /** What errors call the text. Default `the data`. */
  readonly name?: string | undefined;
}

/** The options, checked and complete. */
export interface ColumnPlan {
  readonly kind: 'table' | 'lines';
  readonly delimiter: number;
  readonly header: boolean;
  readonly column: string | number | undefined;
  readonly path: { readonly text: string; readonly steps: readonly (string | number)[] };
  readonly skipBad: boolean;
  readonly sourceBytes: number | undefined;
  readonly name: string;
}

const delimiters = { csv: ',', tsv: '\t', ndjson: '' } as const;

const columnsMax = 1_000_000;

/** @throws TypeError @throws RangeError naming the option that is wrong */
export function columnPlan(options: ColumnOptions): ColumnPlan {
  checkObject('The options of a column', options);
  const { format, column, header = true, path = '.', skipBad = false, sourceBytes, name = 'the data' } = options;
  checkString('format', format);
  if (!Object.hasOwn(delimiters, format)) {
    throw new RangeError(`format must be one of csv, tsv and ndjson, not ${JSON.stringify(format)}.`);
  }
  const isTable = format !== 'ndjson';
  const foreign = isTable ? { path: options.path } : { column, header: options.header, delimiter: options.delimiter };
  for (const [option, value] of Object.entries(foreign)) {
    if (value !== undefined) throw new RangeError(`${option} means nothing with the format ${format}.`);
  }
  checkBoolean('header', header);
  checkBoolean('skipBad', skipBad);
  if (sourceBytes !== undefined) checkWhole('sourceBytes', sourceBytes, 0, Number.MAX_SAFE_INTEGER);
  return {
    kind: isTable ? 'table' : 'lines',
    delimiter: isTable ? delimiterOf(options.delimiter ?? delimiters[format]) : 0,
    header,
    column: checkColumn(column, header),
    path: { text: path, steps: parsePath(checkString('path', path)) },
    skipBad,
    sourceBytes,
    name: checkString('name', name),
  };
}

function checkColumn(column: unknown, header: boolean): string | number | undefined {
  if (column === undefined) return undefined;
  if (typeof column === 'number') return checkWhole('column', column, 1, columnsMax);
  if (typeof column !== 'string') throw new TypeError(`column must be a name or a number, not ${kindOf(column)}.`);
  if (header) return column;
  if (!/^\d+$/.test(column)) {
    throw new RangeError(
      `Without a first line of names column must be a number from 1, not ${JSON.stringify(column)}.`,
    );
  }
  return checkWhole('column', Number(column), 1, columnsMax);
}

/** Not what may stand in a number, nor what means something else already. */
function delimiterOf(delimiter: string): number {
  if (!/^[\t\x20-\x7e]$/.test(checkString('delimiter', delimiter)) || /[\w"+.-]/.test(delimiter)) {
    const what = 'one ASCII character that is no letter, digit or quote, and none of + - . _';
    throw new RangeError(`delimiter must be ${what}, not ${JSON.stringify(delimiter)}.`);
  }
  return delimiter.charCodeAt(0);
}
