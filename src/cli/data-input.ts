/**
 * What the user gave as `data`: JSON on the command line, `@file`, or `-` for standard input.
 *
 * JSON that stands on the command line, and files of the size of an ordinary request, are checked here, so that a slip
 * is told in the user's own terms. What is larger is handed on without a look, and a file as it is read: the server
 * checks it anyway, and answers as soon as it sees a fault.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { frameBytesMaxDefault, frameBytesRepresentable } from '../protocol/limits.js';

const checkedBytesMax = frameBytesMaxDefault;

/** The user's data cannot be used; the message says why. */
export class InputError extends Error {}

/** Data that is too large to be checked. A file is read while it is sent, in constant memory. */
export interface StreamedInput {
  readonly byteLength: number;
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * @returns the bytes where they were checked; `undefined` where no data was given.
 * @throws InputError: not JSON, not readable, too large for a frame.
 */
export async function readDataInput(text: string | undefined): Promise<Uint8Array | StreamedInput | undefined> {
  if (text === undefined) return undefined;
  if (text === '-') return gather(process.stdin, 'standard input');
  if (text.startsWith('@')) return readFile(text.slice(1));
  const hint = "Put JSON in single quotes, as in '\"text\"' or '[1,2]'; @FILE reads a file, - standard input";
  return checked([Buffer.from(text)], 'The argument', hint);
}

async function readFile(path: string): Promise<Uint8Array | StreamedInput> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stats = await file.stat();
    if (stats.isDirectory()) throw new Error('it is a directory');
    if (stats.size > frameBytesRepresentable) throw tooLarge(path);
    // A pipe, as the shell's <(...) gives, does not know its length.
    const streamed = stats.isFile() && stats.size > checkedBytesMax;
    if (streamed) return { byteLength: stats.size, chunks: fileOf(stats.size, file, path) };
    return await gather(file.createReadStream(), path);
  } catch (error) {
    await file?.close();
    throw error instanceof InputError ? error : new InputError(`Cannot read ${path}: ${(error as Error).message}.`);
  }
}

/** The chunks of a file. @throws InputError where it is no longer as long as its frame has said. */
async function* fileOf(byteLength: number, file: FileHandle, path: string): AsyncGenerator<Uint8Array> {
  let readBytes = 0;
  try {
    // In Node's own 64 KiB: larger blocks are mapped and unmapped one by one, which cost four times the system's time.
    for await (const chunk of file.createReadStream()) {
      readBytes += chunk.length;
      if (readBytes > byteLength)
        throw new InputError(`${path} grew beyond its ${byteLength} bytes while it was sent.`);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(`Cannot read ${path}: ${(error as Error).message}.`);
  }
  if (readBytes < byteLength) {
    throw new InputError(`${path} shrank from ${byteLength} to ${readBytes} bytes while it was sent.`);
  }
}

/** A frame says its length before its data, so what has no known length is read to its end first. */
async function gather(stream: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array | StreamedInput> {
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk);
      byteLength += chunk.length;
      if (byteLength > frameBytesRepresentable) break;
    }
  } catch (error) {
    throw new InputError(`Cannot read ${name}: ${(error as Error).message}.`);
  }
  if (byteLength > frameBytesRepresentable) throw tooLarge(name);
  return byteLength <= checkedBytesMax ? checked(chunks, name) : { byteLength, chunks };
}

function checked(chunks: readonly Uint8Array[], name: string, hint?: string): Uint8Array {
  const bytes = Buffer.concat(chunks);
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new InputError(`${name} is not JSON (${(error as Error).message}).${hint === undefined ? '' : ` ${hint}.`}`);
  }
  return bytes;
}

function tooLarge(name: string): InputError {
  return new InputError(`${name} does not fit a frame, which takes at most ${frameBytesRepresentable} bytes.`);
}
