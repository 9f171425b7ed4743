/** The server's log: pino's lines on stdout, which may be slow, stalled, closed or full without holding up the server or its end. */

import { type Logger, pino } from 'pino';
import type { LogLevel } from '../config/config.js';
import { LogOutput } from './log-output.js';
import { complain } from './output.js';

const waitingBytesMax = 4 * 1024 * 1024;

/** How long the end waits for a reader of stdout, or for a machine too busy to write. */
const lastLineMs = 1_000;

export interface ServerLog {
  readonly log: Logger;
  /**
   * Ends the process once the log is written, or after a moment: whoever reads it may have stopped. What was said last
   * stays the last line, whatever goes on until then, and the first status that was asked for is the one.
   */
  exit(status: number): Promise<never>;
  /** Kills the process once the log is written: for where `process.exit` would wait for a thread for ever. */
  kill(): Promise<never>;
}

export function openLog(level: LogLevel): ServerLog {
  const output = new LogOutput(1, {
    waitingBytesMax,
    onError: (error) => complain(`the log cannot be written to stdout, and lines of it may be lost: ${error.message}`),
  });
  const log = pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, output);
  const kill = async (): Promise<never> => {
    await output.written(lastLineMs);
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  };
  let exiting: Promise<never> | undefined;
  const writeAndExit = async (status: number): Promise<never> => {
    log.level = 'silent';
    const holdsThread = await output.written(lastLineMs);
    return holdsThread ? kill() : process.exit(status);
  };
  const exit = (status: number): Promise<never> => {
    exiting ??= writeAndExit(status);
    return exiting;
  };
  return { log, exit, kill };
}
