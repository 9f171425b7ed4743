/**
 * Finds places in the user's own file: byte, line and column, wherever in the file they are.
 *
 * A server counts the bytes of a `BAD_JSON` or `BAD_REQUEST` from the first of the request's body, which has `id` and `op`
 * before the data, and those of other errors from the first of the value that `data` is. A user looks for the place in a file.
 * Lines are counted only when there is something to tell, so the data is read once more for that.
 */

/** The members of an error reply that are read here. */
export interface ErrorReply {
  readonly code?: unknown;
  readonly error?: unknown;
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The user's data, as far as it matters to places in it. */
export interface ReadableData {
  /** As the user named it: a path, or `standard input`. */
  readonly name: string;
  readonly byteLength: number;
  /** Its bytes from the first on, again. */
  reread(): Chunks;
}

export interface SentData extends ReadableData {
  /** Bytes of the body before the first byte of the user's data. */
  readonly bytesBefore: number;
}

const countedFromBody: readonly unknown[] = ['BAD_JSON', 'BAD_REQUEST'];

/** One sentence, or `undefined` where the reply names no place in the data. */
export async function placeInData({ code, error }: ErrorReply, sent: SentData): Promise<string | undefined> {
  const place = /\bbyte (\d+)(?!.*\bbyte \d)/s.exec(String(error))?.[1];
  if (place === undefined) return undefined;
  const shift = countedFromBody.includes(code) ? -sent.bytesBefore : await spaceBefore(sent);
  const offset = Number(place) + shift;
  return offset < 0 || offset > sent.byteLength ? undefined : placeOf(offset, sent);
}

/** One sentence, without its full stop. `offset` counts from 0. */
export async function placeOf(offset: number, data: ReadableData): Promise<string> {
  const words = offset === data.byteLength ? `the end of ${data.name}` : `byte ${offset} of ${data.name}`;
  return `the place is ${words}${await lineWords(offset, data)}, with bytes counted from 0`;
}

/** White space before the value is the user's, and no part of what the server calls `data`. */
async function spaceBefore(data: ReadableData): Promise<number> {
  let passed = 0;
  for await (const chunk of readable(data)) {
    const first = chunk.findIndex((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d));
    if (first !== -1) return passed + first;
    passed += chunk.length;
  }
  return 0;
}

async function lineWords(offset: number, data: ReadableData): Promise<string> {
  let line = 1;
  let lineAt = 0;
  let passed = 0;
  for await (const chunk of readable(data)) {
    const end = Math.min(chunk.length, offset - passed);
    for (let at = 0; at < end; at++) {
      if (chunk[at] !== 0x0a) continue;
      line++;
      lineAt = passed + at + 1;
    }
    passed += chunk.length;
    if (passed >= offset) break;
  }
  // It is no longer there, or not as it was.
  return passed < offset ? '' : ` (line ${line}, column ${offset - lineAt + 1})`;
}

/** The bytes as far as they can be read again. */
async function* readable(data: ReadableData): AsyncGenerator<Uint8Array> {
  try {
    yield* data.reread();
  } catch {
    // The error reply is told in any case; the line is an addition.
  }
}
