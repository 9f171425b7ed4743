/** Data whose length nobody knows is read to its end before it is sent: in memory, or in a file where it is large. */

import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataInput, dataBytesMax, InputError } from './data-input.js';

const heldBytesMax = 64 * 1024 * 1024;

/**
 * Reads all chunks.
 * @param name what the data is called in errors
 * @throws InputError where it does not fit a frame, or not the disk; what the chunks throw
 */
export async function putAside(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): Promise<Pick<DataInput, 'byteLength' | 'bytes' | 'chunks'>> {
  const held: Uint8Array[] = [];
  let byteLength = 0;
  let file: FileHandle | undefined;
  try {
    for await (const chunk of chunks) {
      byteLength += chunk.length;
      if (byteLength > dataBytesMax) {
        throw new InputError(`The numbers of ${name} do not fit a frame, which takes some ${dataBytesMax} bytes.`);
      }
      held.push(chunk);
      if (file === undefined && byteLength <= heldBytesMax) continue;
      file ??= await openNameless();
      await write(file, held.splice(0));
    }
  } catch (error) {
    await file?.close();
    throw error;
  }
  if (file !== undefined) return { byteLength, chunks: file.createReadStream({ start: 0 }) };
  const bytes = Buffer.concat(held);
  return { byteLength, bytes, chunks: [bytes] };
}

/** A file that goes with the process, however that ends: its name is taken away at once. */
async function openNameless(): Promise<FileHandle> {
  // As a rule `/tmp` may be in memory, and `/var/tmp` is not.
  const folder = process.env.TMPDIR === undefined && existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
  const path = join(folder, `trama-${randomUUID()}`);
  try {
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  } catch (error) {
    throw new InputError(
      `Cannot put data aside in ${folder}: ${(error as Error).message}; TMPDIR names another folder.`,
    );
  }
}

async function write(file: FileHandle, chunks: Uint8Array[]): Promise<void> {
  try {
    for (const chunk of chunks) await file.appendFile(chunk);
  } catch (error) {
    throw new InputError(`Cannot put data aside: ${(error as Error).message}; TMPDIR names another folder.`);
  }
}
