import type { FileHandle } from 'node:fs/promises';

/** Large enough that handing a read to another thread and back costs little beside it. */
const blockBytes = 256 * 1024;

/**
 * Reads a file from its beginning, and the next block while one is used. There are two blocks that take turns, so a chunk is
 * good only until the next one is asked for. Closes the file.
 */
export async function* readAhead(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  const blocks = [Buffer.allocUnsafeSlow(blockBytes), Buffer.allocUnsafeSlow(blockBytes)];
  const begin = (turn: number) => {
    const reading = file.read(blocks[turn]!, 0, blockBytes);
    // Who asks for the chunk is told; nobody may.
    reading.catch(() => undefined);
    return reading;
  };
  let reading = begin(0);
  try {
    for (let turn = 1; ; turn = 1 - turn) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) return;
      reading = begin(turn);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await reading.catch(() => undefined);
    await file.close();
  }
}
