import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attack } from '../attack.js';
import { requestFrame } from '../frames.js';
import { dial } from '../sockets.js';

/** So many calls of an operation that reads a pipe into which nobody writes: its thread sits in a system call. */
export function stuck(calls: number): Attack {
  return async ({ port }) => {
    const folder = mkdtempSync(join(tmpdir(), 'trama-stuck-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const socket = await dial(port);
    for (let call = 0; call < calls; call++)
      socket?.write(requestFrame(`stuck-${call}`, 'readPipe', JSON.stringify(pipe)));
    return () => ({ calls });
  };
}
