/**
 * Where the server's log goes: lines in, bytes to a file descriptor, and nothing that blocks.
 *
 * Invariants: a line is written whole and in order, or not at all; at most `waitingBytesMax` wait for a slow reader, and
 * lines beyond that are dropped; no call here waits for the reader. A pipe or terminal that nobody reads would otherwise
 * hold the thread that writes to it, and Node waits for all of its threads at the exit.
 *
 * Why not pino's own destination: it writes synchronously as the process exits, and tries again for ever where it cannot.
 */

import { closeSync, constants, fstatSync, openSync, type Stats, write } from 'node:fs';

/** How soon a full pipe is tried again. */
const retryMs = 10;

/** Handed over in one call: lines are gathered up to this while a write is under way. */
const blockBytesMax = 64 * 1024;

export interface LogOutputOptions {
  /** Lines waiting for a slow reader; beyond this they are dropped rather than held. */
  readonly waitingBytesMax: number;
  /** Called at the first line that could not be written. Lines are tried again with the next one. */
  readonly onError: (error: Error) => void;
}

export class LogOutput {
  readonly #fd: number;
  readonly #options: LogOutputOptions;
  /** Does a write of ours block the thread that does it? */
  readonly #blocks: boolean;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #hasFailed = false;
  #whenIdle: (() => void)[] = [];

  /** @param fd 1 or 2; for a terminal another descriptor is opened too, which does not block. */
  constructor(fd: 1 | 2, options: LogOutputOptions) {
    this.#options = options;
    const opened = openWithoutBlocking(fd);
    this.#fd = opened.fd;
    this.#blocks = opened.blocks;
  }

  /** The whole of what pino asks of a destination. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > this.#options.waitingBytesMax) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#isWriting) this.#writeNext();
  }

  /**
   * Resolves when all lines are written or cannot be, and after `limitMs` in any case.
   * @returns whether a thread may still be held by a write, so that only a signal ends the process
   */
  async written(limitMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    const idle = new Promise<void>((resolve) => {
      if (this.#isWriting) this.#whenIdle.push(resolve);
      else resolve();
    });
    await Promise.race([idle, late]);
    clearTimeout(timer);
    return this.#blocks && this.#isWriting;
  }

  #writeNext(): void {
    const block = this.#takeBlock();
    if (block === undefined) {
      this.#isWriting = false;
      for (const resolve of this.#whenIdle.splice(0)) resolve();
      return;
    }
    this.#isWriting = true;
    this.#writeRest(block);
  }

  #writeRest(rest: Buffer): void {
    write(this.#fd, rest, 0, rest.length, null, (error, writtenBytes) => {
      if (error === null) {
        this.#waitingBytes -= writtenBytes;
        if (writtenBytes < rest.length) this.#writeRest(rest.subarray(writtenBytes));
        else this.#writeNext();
      } else if (error.code === 'EAGAIN') setTimeout(() => this.#writeRest(rest), retryMs);
      else this.#fail(error, rest);
    });
  }

  #takeBlock(): Buffer | undefined {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && (count === 0 || bytes + this.#waiting[count]!.length <= blockBytesMax)) {
      bytes += this.#waiting[count++]!.length;
    }
    if (count <= 1) return this.#waiting.shift();
    return Buffer.concat(this.#waiting.splice(0, count));
  }

  /** Keeps what could not be written for the next line to try again, and ends the waits of those who want it written. */
  #fail(error: Error, rest: Buffer): void {
    this.#waiting.unshift(rest);
    this.#isWriting = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onError(error);
  }
}

function openWithoutBlocking(fd: 1 | 2): { fd: number; blocks: boolean } {
  const stats = fstatSync(fd);
  if (stats.isFIFO() || stats.isSocket()) {
    // Node puts a pipe or a socket into non-blocking mode when it opens the stream, and back at the exit.
    void (fd === 1 ? process.stdout : process.stderr);
    return { fd, blocks: false };
  }
  if (!stats.isCharacterDevice()) return { fd, blocks: true };
  const opened = openBeside(fd, stats);
  return opened === undefined ? { fd, blocks: true } : { fd: opened, blocks: false };
}

/** The same terminal, as a descriptor of our own: its modes are not those of the shell that shares the other one. */
function openBeside(fd: number, { dev, ino }: Stats): number | undefined {
  try {
    const opened = openSync(`/dev/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stats = fstatSync(opened);
    if (stats.dev === dev && stats.ino === ino) return opened;
    closeSync(opened);
  } catch {
    // Not this user's to open, or a system without such names.
  }
  return undefined;
}
