/**
 * `columnOf`: a stream of text in, the JSON array of one of its columns out, while it comes.
 *
 * Numbers go from the text to the array digit by digit; none becomes a binary64 on the way. A frame begins with its length,
 * and nobody knows how long a column is before its text has come. It is never longer than the text itself, so the
 * array is announced with that length and ends in white space.
 */

import { ColumnScanner, compileColumnScanner } from '../engine/column-scanner.js';
import { GatheredBytes } from '../protocol/gathered-bytes.js';
import { ColumnError, errorOfFault } from './column-error.js';
import { type ColumnOptions, type ColumnPlan, columnPlan } from './column-options.js';
import { type DataSource, SourceReader } from './data-source.js';
import { findColumn, leadingBlankLines, onlyColumn, readFirstLine } from './table-header.js';

/** The scanner is given so much at once, whatever the size of the chunks. */
const pieceBytes = 64 * 1024;

/** A longer first line of a table is none. */
const headerBytesMax = 1024 * 1024;

/** `[` and `]` beside the text of a last line that has no end. */
const bracketsBytes = 2;

const padding = new Uint8Array(64 * 1024).fill(0x20);

const byteOrderMark = [0xef, 0xbb, 0xbf];

/**
 * Makes a JSON array of the numbers in one column of a table (CSV, TSV), or of one number of each line of JSON (NDJSON).
 * The result is data for `callStream`, and for whatever else takes an async iterable of bytes. It can be read once.
 *
 *     const column = columnOf(createReadStream(path), { format: 'csv', column: 'amount', sourceBytes: statSync(path).size });
 *     const total = await trama.callStream('sum', column, column.byteLength);
 *
 * Reading it throws a {@link ColumnError} at the first line that gives no number, or leaves such lines out where
 * `skipBad` is set; see `skipped`.
 * @throws TypeError, RangeError for an option of another type or out of range.
 */
export function columnOf(
  source: DataSource,
  options: ColumnOptions & { readonly sourceBytes: number },
): AnnouncedColumn;
export function columnOf(source: DataSource, options: ColumnOptions): Column;
export function columnOf(source: DataSource, options: ColumnOptions): Column {
  const plan = columnPlan(options);
  return new Column(new SourceReader(source), plan);
}

/** A column whose length in bytes is known. */
export type AnnouncedColumn = Column & { readonly byteLength: number };

export class Column implements AsyncIterable<Uint8Array> {
  /** Bytes of the array with the white space after it; `undefined` without `sourceBytes`: there is no such space then. */
  readonly byteLength: number | undefined;
  readonly #source: SourceReader;
  readonly #plan: ColumnPlan;
  #scanner: ColumnScanner | undefined;
  #skipped = 0;
  #firstSkipped: ColumnError | undefined;

  /** Use {@link columnOf}. */
  constructor(source: SourceReader, plan: ColumnPlan) {
    this.#source = source;
    this.#plan = plan;
    this.byteLength = plan.sourceBytes === undefined ? undefined : plan.sourceBytes + bracketsBytes;
  }

  /** Numbers so far. */
  get numbers(): number {
    return this.#scanner?.numbers ?? 0;
  }

  /** Lines that were left out so far, with `skipBad`. */
  get skipped(): number {
    return this.#skipped;
  }

  /** What was wrong with the first of them. */
  get firstSkipped(): ColumnError | undefined {
    return this.#firstSkipped;
  }

  /** Closes the source, also while more of it is awaited. */
  destroy(): void {
    this.#source.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#padded();
    } finally {
      this.#source.close();
    }
  }

  async *#padded(): AsyncGenerator<Uint8Array, void, undefined> {
    let left = this.byteLength ?? 0;
    for await (const items of this.#array()) {
      left -= items.length;
      if (items.length > 0) yield items;
    }
    for (; left > 0; left -= padding.length) yield padding.subarray(0, left);
  }

  async *#array(): AsyncGenerator<Uint8Array, void, undefined> {
    const text = this.#text();
    // Asked for at once: a Node stream that fails while nobody reads it ends the process.
    const first = text.next();
    first.catch(() => undefined);
    const module = await compileColumnScanner();
    const { line, rest, wanted, name } = await this.#begin(first, text);
    const scanner = new ColumnScanner(
      module,
      wanted,
      (fault) => this.#judge(errorOfFault(this.#plan.name, fault, name)),
      line,
    );
    this.#scanner = scanner;
    yield* pieces(rest, scanner);
    for await (const chunk of text) yield* pieces(chunk, scanner);
    yield scanner.end();
  }

  #judge(error: ColumnError): void {
    if (!this.#plan.skipBad || !error.isSkippable) throw error;
    this.#skipped++;
    this.#firstSkipped ??= error;
  }

  /** The chunks of the source, which has to keep its word. */
  async *#text(): AsyncGenerator<Uint8Array, void, undefined> {
    const { sourceBytes, name } = this.#plan;
    let readBytes = 0;
    const told = (what: string) => new RangeError(`${name} ${what} the ${sourceBytes} bytes that sourceBytes says`);
    while (true) {
      const chunk = await this.#source.next();
      if (chunk === undefined) break;
      readBytes += chunk.length;
      if (sourceBytes !== undefined && readBytes > sourceBytes) throw told('has more than');
      yield chunk;
    }
    if (sourceBytes !== undefined && readBytes < sourceBytes) throw told(`ended after ${readBytes} of`);
  }

  /** Reads the text until it is known what to scan, and gives what of it is to be scanned. */
  async #begin(first: Promise<IteratorResult<Uint8Array, void>>, text: AsyncGenerator<Uint8Array, void>) {
    const { kind, delimiter, header, path, name: source } = this.#plan;
    const gathered = new GatheredBytes();
    let next = await first;
    let isMarkSeen = false;
    let line = 1;
    /** Bytes that were looked at, in vain. */
    let seenBytes = 0;
    while (true) {
      // A copy: the source may use the memory of a chunk again.
      if (!next.done) gathered.add(next.value);
      if (!isMarkSeen && (gathered.length >= byteOrderMark.length || next.done)) {
        isMarkSeen = true;
        if (this.#markOf(gathered.bytes)) gathered.drop(byteOrderMark.length);
      }
      // A line is looked at from its start each time: not for each small chunk, but when there is twice as much.
      const isWorthALook = next.done === true || gathered.length >= 2 * seenBytes || gathered.length > headerBytesMax;
      if (isMarkSeen && isWorthALook) {
        if (kind === 'lines') return { line, rest: gathered.bytes, wanted: { path: path.steps }, name: path.text };
        const blank = leadingBlankLines(gathered.bytes);
        line += blank.lines;
        gathered.drop(blank.byteLength);
        seenBytes = gathered.length;
        const beginning = gathered.bytes;
        const firstLine = readFirstLine(beginning, delimiter, next.done === true);
        if (firstLine !== undefined && (firstLine.byteLength > 0 || !header)) {
          const { wanted, name } = this.#choose(firstLine.names, line);
          return header
            ? { line: line + firstLine.lines, rest: beginning.subarray(firstLine.byteLength), wanted, name }
            : { line, rest: beginning, wanted, name };
        }
        if (next.done) throw new ColumnError(source, line, 1, 'there is no line with the names of the columns', false);
        if (beginning.length > headerBytesMax) {
          throw new ColumnError(source, line, 1, `the first line is longer than ${headerBytesMax} bytes`, false);
        }
      }
      next = await text.next();
    }
  }

  /** @param names the fields of the first line, which is the `line`th */
  #choose(names: readonly string[], line: number) {
    const { delimiter, header, column, name: source } = this.#plan;
    const numbered = () => (typeof column === 'number' ? column - 1 : onlyColumn(names.length));
    const found = header ? findColumn(names, column) : numbered();
    if (typeof found === 'string') throw new ColumnError(source, line, 1, found, false);
    const name = header ? `column ${found + 1}, ${JSON.stringify(names[found])}` : `column ${found + 1}`;
    return { wanted: { delimiter, column: found }, name };
  }

  /** Does the text begin with the mark of UTF-8? */
  #markOf(beginning: Uint8Array): boolean {
    const [a, b] = beginning;
    if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
      throw new ColumnError(this.#plan.name, 1, 1, 'this is UTF-16; save the text as UTF-8', false);
    }
    return byteOrderMark.every((byte, at) => beginning[at] === byte);
  }
}

function* pieces(chunk: Uint8Array, scanner: ColumnScanner): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += pieceBytes) yield scanner.push(chunk.subarray(at, at + pieceBytes));
}
