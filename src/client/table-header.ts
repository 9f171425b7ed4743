/** The first line of a table: its names, and which of them is meant. Read once, so in plain JavaScript. */

const decoder = new TextDecoder();

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

export interface FirstLine {
  readonly names: readonly string[];
  /** Bytes of the line, its end included. */
  readonly byteLength: number;
  /** Ends of lines in it: more than one where a quoted name has some. */
  readonly lines: number;
}

/** Reads the first line. @returns `undefined` where it is not whole yet */
export function readFirstLine(text: Uint8Array, delimiter: number, isLast: boolean): FirstLine | undefined {
  const names: string[] = [];
  let lines = 0;
  let at = 0;
  while (true) {
    const isQuoted = text[at] === quote;
    const begin = at;
    if (isQuoted) at = closingQuote(text, at) + 1;
    while (at < text.length && text[at] !== delimiter && text[at] !== lineFeed) at++;
    if (at >= text.length && !isLast) return undefined;
    const isEnd = at >= text.length || text[at] === lineFeed;
    const end = isEnd && at > begin && text[at - 1] === carriageReturn ? at - 1 : at;
    const name = decoder.decode(text.slice(begin, end));
    names.push(isQuoted ? unquoted(name) : name);
    for (const byte of text.subarray(begin, end)) if (byte === lineFeed) lines++;
    if (isEnd) return { names, byteLength: Math.min(at + 1, text.length), lines: lines + (at < text.length ? 1 : 0) };
    at++;
  }
}

/** Where the quoted field that begins at `at` is closed; the end of the text where it is not. */
function closingQuote(text: Uint8Array, at: number): number {
  let next = text.indexOf(quote, at + 1);
  while (next !== -1 && text[next + 1] === quote) next = text.indexOf(quote, next + 2);
  return next === -1 ? text.length : next;
}

function unquoted(field: string): string {
  const end = field.lastIndexOf('"');
  return field.slice(1, end > 0 ? end : undefined).replaceAll('""', '"');
}

/**
 * Finds the column that is meant, from 0: a name goes before a number, and without either a table has to have one column only.
 * @returns a sentence where there is no such column
 */
export function findColumn(names: readonly string[], wanted: string | number | undefined): number | string {
  if (wanted === undefined) {
    return names.length === 1 ? 0 : `say which column, by its name or number: ${list(names)}`;
  }
  if (typeof wanted === 'string') {
    const found = [names, names.map((name) => name.trim())].map((each) => [
      each.indexOf(wanted),
      each.lastIndexOf(wanted),
    ]);
    const [first, last] = found.find(([index]) => index !== -1) ?? [-1, -1];
    if (first !== last)
      return `columns ${first! + 1} and ${last! + 1} are both named ${JSON.stringify(wanted)}; say which by its number`;
    if (first !== -1) return first!;
    if (!/^[1-9]\d{0,8}$/.test(wanted))
      return `no column is named ${JSON.stringify(wanted)}; there are: ${list(names)}`;
  }
  const index = Number(wanted) - 1;
  return index < names.length ? index : `there is no column ${wanted}; there are ${names.length}: ${list(names)}`;
}

/** Where no line names the columns. @returns 0, or a sentence where there is more than one column */
export function onlyColumn(columns: number): number | string {
  return columns === 1 ? 0 : `say which column, by its number from 1 to ${columns}`;
}

/** The empty lines that the text begins with, as far as they are whole. */
export function leadingBlankLines(text: Uint8Array): { readonly byteLength: number; readonly lines: number } {
  let byteLength = 0;
  let lines = 0;
  while (true) {
    const end = text[byteLength] === carriageReturn ? byteLength + 1 : byteLength;
    if (text[end] !== lineFeed) return { byteLength, lines };
    byteLength = end + 1;
    lines++;
  }
}

const shownMax = 20;

function list(names: readonly string[]): string {
  const shown = names.slice(0, shownMax).map((name) => JSON.stringify(name.slice(0, 60)));
  return shown.join(', ') + (names.length > shownMax ? ', …' : '');
}
