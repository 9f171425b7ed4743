/**
 * What the user gave as `data`: JSON on the command line, `@file`, or `-` for standard input.
 *
 * JSON on the command line, and files of the size of an ordinary request, are checked here, so that a slip is told in
 * the user's own terms. What is larger is handed on without a look, and a file as it is read: the server checks it
 * anyway, and answers as soon as it sees a fault.
 */

import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { loadEngine } from '../engine/index.js';
import { frameBytesMaxDefault, frameBytesRepresentable } from '../protocol/limits.js';
import { placeOf, type ReadableData } from './data-place.js';

export const checkedBytesMax = frameBytesMaxDefault;

/** A frame takes so much data: a request has some bytes beside it. */
export const dataBytesMax = frameBytesRepresentable - 4096;

/** The user's data cannot be used; the message says why. */
export class InputError extends Error {}

export interface DataInput {
  /** As the user named it: a path, `standard input`, or `the argument`. */
  readonly name: string;
  readonly byteLength: number;
  /** All bytes, where they were checked. */
  readonly bytes?: Uint8Array;
  /** The same bytes in order, to be read once. A large file is read while it is sent, in constant memory. */
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** The same bytes again, for places in them; absent where the user does not know these bytes. */
  reread?(): ReturnType<ReadableData['reread']>;
}

/** Where bytes come from. */
export interface OpenInput {
  readonly name: string;
  /** Of a file; nobody knows that of a pipe. */
  readonly byteLength?: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

type ReadFile = (file: FileHandle) => AsyncIterable<Uint8Array>;

/** In Node's own 64 KiB: larger blocks are mapped and unmapped one by one, which cost four times the system's time. */
const readStream: ReadFile = (file) => file.createReadStream();

/** Are the bytes of `text` elsewhere? */
export function isElsewhere(text: string): boolean {
  return text === '-' || text.startsWith('@');
}

/**
 * @returns `undefined` where no data was given.
 * @throws InputError: not JSON, not readable, too large for a frame.
 */
export async function readDataInput(text: string | undefined): Promise<DataInput | undefined> {
  if (text === undefined) return undefined;
  if (!isElsewhere(text)) {
    const hint = "Put JSON in single quotes, as in '\"text\"' or '[1,2]'; @FILE reads a file, - standard input";
    return checked([Buffer.from(text)], 'the argument', hint);
  }
  const input = await openInput(text);
  const { name, byteLength, chunks } = input;
  if (byteLength === undefined || byteLength <= checkedBytesMax) return gather(input);
  if (byteLength > dataBytesMax) throw tooLarge(name);
  return { name, byteLength, chunks, reread: () => createReadStream(name) };
}

/**
 * Opens what `@FILE`, `@-` or `-` names.
 * @param read is to give the chunks of a file, and to close it.
 * @throws InputError where it cannot be read
 */
export async function openInput(text: string, read: ReadFile = readStream): Promise<OpenInput> {
  if (text === '-' || text === '@-')
    return { name: 'standard input', chunks: legible(process.stdin, 'standard input') };
  const path = text.slice(1);
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stats = await file.stat();
    if (stats.isDirectory()) throw new Error('it is a directory');
    // A pipe, as the shell's <(...) gives, does not know its length.
    if (!stats.isFile()) return { name: path, chunks: legible(file.createReadStream(), path) };
    return { name: path, byteLength: stats.size, chunks: fileOf(stats.size, read(file), path) };
  } catch (error) {
    await file?.close();
    throw unreadable(path, error);
  }
}

async function* legible(stream: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** The chunks of a file. @throws InputError where it is no longer as long as its frame has said. */
async function* fileOf(
  byteLength: number,
  chunks: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<Uint8Array> {
  let readBytes = 0;
  for await (const chunk of legible(chunks, path)) {
    readBytes += chunk.length;
    if (readBytes > byteLength) throw new InputError(`${path} grew beyond its ${byteLength} bytes while it was sent.`);
    yield chunk;
  }
  if (readBytes < byteLength) {
    throw new InputError(`${path} shrank from ${byteLength} to ${readBytes} bytes while it was sent.`);
  }
}

/** A frame says its length before its data, so what has no known length is read to its end first. */
async function gather({ chunks, name }: OpenInput): Promise<DataInput> {
  const held: Uint8Array[] = [];
  let byteLength = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    byteLength += chunk.length;
    if (byteLength > dataBytesMax) throw tooLarge(name);
  }
  return byteLength <= checkedBytesMax ? checked(held, name) : { name, byteLength, chunks: held, reread: () => held };
}

async function checked(chunks: readonly Uint8Array[], name: string, hint?: string): Promise<DataInput> {
  const bytes = Buffer.concat(chunks);
  const isSeen = hint !== undefined;
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    const subject = name.replace(/^the /, 'The ');
    const advice = isSeen ? ` ${hint}.` : ` To be exact, ${await firstFault(bytes, name)}.`;
    throw new InputError(`${subject} is not JSON (${(error as Error).message}).${advice}`);
  }
  const input = { name, byteLength: bytes.length, bytes, chunks: [bytes] };
  // What was typed on the command line is in sight, and short enough to count in.
  return isSeen ? input : { ...input, reread: () => [bytes] };
}

/** JavaScript tells the place in units of UTF-16, and not always. */
async function firstFault(bytes: Uint8Array, name: string): Promise<string> {
  const engine = await loadEngine();
  return placeOf(engine.check(bytes), { name, byteLength: bytes.length, reread: () => [bytes] });
}

function unreadable(name: string, error: unknown): InputError {
  if (error instanceof InputError) return error;
  return new InputError(`Cannot read ${name}: ${(error as Error).message}.`);
}

function tooLarge(name: string): InputError {
  return new InputError(`${name} does not fit a frame, which takes some ${dataBytesMax} bytes of data.`);
}
