/**
 * Where the tokens of a JSON text begin and end, in bytes. It trusts that the text is well formed: `JSON.parse` has
 * said so before. Written to be read, one byte at a time.
 */

/** A range of bytes: from `start`, up to and without `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Member {
  readonly name: string;
  readonly value: Range;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;

const isOpening = (byte: number | undefined) => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number | undefined) => byte === 0x7d || byte === 0x5d;

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

export function skipSpace(bytes: Uint8Array, offset: number): number {
  let at = offset;
  while (isSpace(bytes[at])) at++;
  return at;
}

function skipString(bytes: Uint8Array, offset: number): number {
  let at = offset + 1;
  while (bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at + 1;
}

/** The end of the value that begins at `offset`. */
function skipValue(bytes: Uint8Array, offset: number): number {
  let at = offset;
  if (bytes[at] === quote) return skipString(bytes, at);
  if (!isOpening(bytes[at])) {
    while (at < bytes.length && !isSpace(bytes[at]) && bytes[at] !== comma && !isClosing(bytes[at])) at++;
    return at;
  }
  let open = 0;
  do {
    if (bytes[at] === quote) at = skipString(bytes, at) - 1;
    else if (isOpening(bytes[at])) open++;
    else if (isClosing(bytes[at])) open--;
    at++;
  } while (open > 0);
  return at;
}

/** The members of the object that begins at `offset`, in order, twins included. Names are unescaped. */
export function scanObject(bytes: Uint8Array, offset: number): Member[] {
  const members: Member[] = [];
  let at = skipSpace(bytes, offset + 1);
  while (bytes[at] === quote) {
    const nameEnd = skipString(bytes, at);
    const name = JSON.parse(Buffer.from(bytes.subarray(at, nameEnd)).toString()) as string;
    const colon = skipSpace(bytes, nameEnd);
    const start = skipSpace(bytes, colon + 1);
    const end = skipValue(bytes, start);
    members.push({ name, value: { start, end } });
    at = skipSpace(bytes, skipSpace(bytes, end) + 1);
  }
  return members;
}

/** The elements of the array that begins at `offset`. */
export function scanArray(bytes: Uint8Array, offset: number): Range[] {
  const elements: Range[] = [];
  let at = skipSpace(bytes, offset + 1);
  if (isClosing(bytes[at])) return elements;
  while (true) {
    const end = skipValue(bytes, at);
    elements.push({ start: at, end });
    at = skipSpace(bytes, end);
    if (isClosing(bytes[at])) return elements;
    at = skipSpace(bytes, at + 1);
  }
}

/** The most brackets that are open at once. */
export function nestingOf(bytes: Uint8Array): number {
  let open = 0;
  let most = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === quote) at = skipString(bytes, at) - 1;
    else if (isOpening(bytes[at])) most = Math.max(most, ++open);
    else if (isClosing(bytes[at])) open--;
  }
  return most;
}
