/** The server's log: pino's lines on stdout, which may be slow, closed or full without holding up the server or its end. */

import { writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import type { Config } from '../config/config.js';

/** Lines waiting for a slow reader of stdout; beyond this they are dropped rather than held. */
const waitingBytesMax = 4 * 1024 * 1024;
/** How long the end waits for a reader of stdout, or for a machine too busy to write. */
const lastLineMs = 1_000;

export function openLog(config: Config): Logger {
  // Not synchronous: a stalled reader of a full pipe would stop the event loop. Only with a least length, which every line
  // has, does pino's `flush` wait for a write under way.
  const destination = pino.destination({ dest: 1, sync: false, minLength: 1, maxLength: waitingBytesMax });
  // Lines that cannot be written are tried again with the next one.
  destination.once('error', (error) => {
    tellOnStderr(error);
    destination.on('error', () => {});
    // pino's own flush at the exit would try for ever.
    destination.flushSync = () => {};
  });
  const base = { pid: process.pid };
  return pino({ level: config.logLevel, base, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** Resolves when all lines are written, or after a moment: whoever reads them may have stopped. */
export function written(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    log.flush(() => resolve());
    setTimeout(resolve, lastLineMs);
  });
}

function tellOnStderr(error: Error): void {
  try {
    writeSync(2, `trama: the log cannot be written to stdout, and lines of it may be lost: ${error.message}\n`);
  } catch {
    // There is nowhere left to say so.
  }
}
