/**
 * The column scanner: text of a table or of lines of JSON in, the items of a JSON array out, as they are written. It is a
 * WASM module beside the engine's (`assembly/column-scanner/`), instantiated for each stream.
 *
 * Invariant: what is held is the beginning of one line. A line that is not whole is looked at again only when twice as much
 * of it is there, so that a long line costs no more than some passes over it.
 */
import { compileEngine } from './load.js';

/** `Stop` of the assembly, by its number. All but the first are about one line. */
export const columnStops = [
  'input',
  'empty',
  'not a number',
  'too large',
  'too few columns',
  'text after a quote',
  'unclosed quote',
  'not JSON',
  'no number there',
] as const;
export type ColumnStop = (typeof columnStops)[number] | 'too long';

/** A line that gives no number. */
export interface ColumnFault {
  readonly stop: ColumnStop;
  /** From 1, in the whole text. */
  readonly line: number;
  /** From 1, in bytes. */
  readonly column: number;
  /** The beginning of what is at fault, as it is written. */
  readonly text: Uint8Array;
  /** With `not JSON`: `Why` of the assembly. */
  readonly why: number;
  /** With `no number there`: the path goes no further than to this value. */
  readonly isMissing: boolean;
}

/** What is wanted of each line: a field of a table, or the number that a path leads to. */
export type Wanted =
  | { readonly delimiter: number; readonly column: number }
  | { readonly path: readonly (string | number)[] };

/** The longest line, in bytes. */
export const lineBytesMax = 16 * 1024 * 1024;

/** Indexes of STATUS as i32. */
const field = {
  consumed: 0,
  outputLength: 1,
  numbers: 2,
  lines: 3,
  stop: 4,
  place: 5,
  placeEnd: 6,
  next: 7,
  linesOfBad: 8,
  why: 9,
  found: 10,
} as const;

const pathEnd = -(2 ** 31);
const firstCapacityBytes = 256 * 1024;
const faultTextBytesMax = 64;

/** Looking at a shorter line again and again costs next to nothing. */
const shortLineBytes = 4096;
const lineFeed = 0x0a;

interface ScannerExports {
  readonly memory: WebAssembly.Memory;
  readonly statusOffset: WebAssembly.Global;
  readonly pathOffset: WebAssembly.Global;
  readonly pathBytesMax: WebAssembly.Global;
  readonly inputOffset: WebAssembly.Global;
  reserve(capacity: number): number;
  table(
    from: number,
    length: number,
    isLast: boolean,
    trusted: number,
    outputLength: number,
    delimiter: number,
    column: number,
  ): void;
  lines(from: number, length: number, isLast: boolean, trusted: number, outputLength: number): void;
}

const decoder = new TextDecoder();
let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiles the module at the first call. @throws Error where it cannot be read */
export function compileColumnScanner(): Promise<WebAssembly.Module> {
  compiled ??= compileEngine({ url: new URL('./column-scanner.wasm', import.meta.url) }).catch((error: unknown) => {
    compiled = undefined;
    throw error;
  });
  return compiled;
}

export class ColumnScanner {
  /** Numbers that were put out. */
  numbers = 0;
  readonly #exports: ScannerExports;
  readonly #wanted: Wanted;
  readonly #onFault: (fault: ColumnFault) => void;
  readonly #input: number;
  #output = 0;
  #capacity = 0;
  #bytes!: Uint8Array;
  #status!: Int32Array;
  #length = 0;
  /** Fewer bytes are not looked at. */
  #worthBytes = 0;
  /** Ends of lines in what is done with, and 1. */
  #line: number;

  /**
   * @param onFault is told of each line that gives no number. When it returns, the line is left out; what it throws ends
   *   the scan. After `unclosed quote` and `too long` nobody knows where the next line begins: it has to throw.
   * @param line the number of the first line
   * @throws RangeError for a path that is too long
   */
  constructor(module: WebAssembly.Module, wanted: Wanted, onFault: (fault: ColumnFault) => void, line = 1) {
    this.#exports = new WebAssembly.Instance(module).exports as unknown as ScannerExports;
    this.#wanted = wanted;
    this.#onFault = onFault;
    this.#line = line;
    this.#input = Number(this.#exports.inputOffset.value);
    this.#reserve(firstCapacityBytes);
    if ('path' in wanted) this.#writePath(wanted.path);
  }

  /** Takes the next bytes of the text and gives the bytes of the array that they make; none are held back. */
  push(text: Uint8Array): Uint8Array {
    const length = this.#length + text.length;
    if (length > this.#capacity) this.#reserve(Math.max(2 * this.#capacity, length));
    this.#bytes.set(text, this.#input + this.#length);
    this.#length = length;
    return length < this.#worthBytes ? new Uint8Array(0) : this.#scan(false);
  }

  /** The text is over. Gives the rest of the array, its closing bracket included. */
  end(): Uint8Array {
    const rest = this.#scan(true);
    const ending = this.numbers === 0 ? '[]' : ']';
    const bytes = new Uint8Array(rest.length + ending.length);
    bytes.set(rest);
    new TextEncoder().encodeInto(ending, bytes.subarray(rest.length));
    return bytes;
  }

  #scan(isLast: boolean): Uint8Array {
    const status = this.#status;
    let from = 0;
    let outputLength = 0;
    let trusted = -1;
    while (true) {
      this.#run(from, isLast, trusted, outputLength);
      outputLength = status[field.outputLength]!;
      this.numbers += status[field.numbers]!;
      this.#line += status[field.lines]!;
      from = status[field.consumed]!;
      const stop = columnStops[status[field.stop]!]!;
      if (stop === 'input') break;
      const place = status[field.place]!;
      if (stop === 'too large' && Number.isFinite(Number(this.#text(place, status[field.placeEnd]!)))) {
        trusted = place;
        continue;
      }
      this.#onFault(this.#faultOf(stop, from, place));
      this.#line += status[field.linesOfBad]!;
      from = status[field.next]!;
      trusted = -1;
    }
    const items = this.#bytes.slice(this.#output, this.#output + outputLength);
    this.#keep(from);
    return items;
  }

  #run(from: number, isLast: boolean, trusted: number, outputLength: number): void {
    const wanted = this.#wanted;
    if ('path' in wanted) this.#exports.lines(from, this.#length, isLast, trusted, outputLength);
    else {
      this.#exports.table(from, this.#length, isLast, trusted, outputLength, wanted.delimiter, wanted.column);
    }
  }

  /** Keeps the line that has begun. */
  #keep(from: number): void {
    this.#bytes.copyWithin(this.#input, this.#input + from, this.#input + this.#length);
    this.#length -= from;
    if (this.#length > lineBytesMax) this.#onFault(this.#faultOf('too long', 0, 0));
    this.#worthBytes = this.#length < shortLineBytes ? 0 : Math.min(2 * this.#length, lineBytesMax + 1);
  }

  /** `lineAt` is where the line begins that is at fault; it may have ends of lines inside of quotes. */
  #faultOf(stop: ColumnStop, lineAt: number, place: number): ColumnFault {
    let line = this.#line;
    let begin = lineAt;
    for (let at = lineAt; at < place; at++) {
      if (this.#bytes[this.#input + at] !== lineFeed) continue;
      line++;
      begin = at + 1;
    }
    const placeEnd = Math.max(place, Math.min(this.#status[field.placeEnd]!, place + faultTextBytesMax));
    return {
      stop,
      line,
      column: place - begin + 1,
      text: this.#bytes.slice(this.#input + place, this.#input + placeEnd),
      why: this.#status[field.why]!,
      isMissing: this.#status[field.found] === 0,
    };
  }

  #text(from: number, to: number): string {
    return decoder.decode(this.#bytes.slice(this.#input + from, this.#input + to));
  }

  #reserve(capacity: number): void {
    this.#output = this.#exports.reserve(capacity);
    if (this.#output === 0) throw new RangeError(`there is no memory for a line of ${this.#length} bytes and more`);
    this.#capacity = capacity;
    const { buffer } = this.#exports.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#status = new Int32Array(buffer, Number(this.#exports.statusOffset.value), Object.keys(field).length);
  }

  #writePath(path: readonly (string | number)[]): void {
    const begin = Number(this.#exports.pathOffset.value);
    const end = begin + Number(this.#exports.pathBytesMax.value) - 8;
    const words = new DataView(this.#exports.memory.buffer);
    let at = begin;
    for (const step of path) {
      const name = typeof step === 'string' ? new TextEncoder().encode(step) : undefined;
      if (at + (name?.length ?? 0) > end) throw new RangeError('the path is too long');
      words.setInt32(at, name?.length ?? -1 - (step as number), true);
      at += 4;
      if (name === undefined) continue;
      this.#bytes.set(name, at);
      at += (name.length + 3) & ~3;
    }
    words.setInt32(at, pathEnd, true);
  }
}
