/**
 * What the user gave as `data`: JSON on the command line, `@file`, or `-` for standard input.
 *
 * JSON that stands on the command line, and files of the size of an ordinary request, are checked here, so that a slip
 * is told in the user's own terms. What is larger is streamed without a look: the server checks it anyway.
 */

import { type FileHandle, open } from 'node:fs/promises';
import type { DataSource } from '../client/index.js';
import { frameBytesMaxDefault, frameBytesRepresentable } from '../protocol/limits.js';

const checkedBytesMax = frameBytesMaxDefault;
const streamedBlockBytes = 256 * 1024;

/** The user's data cannot be used; the message says why. */
export class InputError extends Error {}

/**
 * @returns `undefined` where no data was given.
 * @throws InputError: not JSON, not readable, too large for a frame.
 */
export async function readDataInput(text: string | undefined): Promise<DataSource | undefined> {
  if (text === undefined) return undefined;
  if (text === '-') return gather(process.stdin, 'standard input');
  if (text.startsWith('@')) return readFile(text.slice(1));
  const hint = "Put JSON in single quotes, as in '\"text\"' or '[1,2]'; @FILE reads a file, - standard input";
  return checked([Buffer.from(text)], 'The argument', hint);
}

async function readFile(path: string): Promise<DataSource> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stats = await file.stat();
    if (stats.isDirectory()) throw new Error('it is a directory');
    if (stats.size > frameBytesRepresentable) throw tooLarge(path);
    const chunks = file.createReadStream({ highWaterMark: streamedBlockBytes });
    // A pipe, as the shell's <(...) gives, does not know its length.
    const streamed = stats.isFile() && stats.size > checkedBytesMax;
    return streamed ? { byteLength: stats.size, chunks } : await gather(chunks, path);
  } catch (error) {
    await file?.close();
    throw error instanceof InputError ? error : new InputError(`Cannot read ${path}: ${(error as Error).message}.`);
  }
}

/** A frame says its length before its data, so what has no known length is read to its end first. */
async function gather(stream: AsyncIterable<Uint8Array>, name: string): Promise<DataSource> {
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

function checked(chunks: readonly Uint8Array[], name: string, hint?: string): DataSource {
  const bytes = Buffer.concat(chunks);
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new InputError(`${name} is not JSON (${(error as Error).message}).${hint === undefined ? '' : ` ${hint}.`}`);
  }
  return { byteLength: bytes.length, chunks: [bytes] };
}

function tooLarge(name: string): InputError {
  return new InputError(`${name} does not fit a frame, which takes at most ${frameBytesRepresentable} bytes.`);
}
