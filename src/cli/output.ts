/**
 * The one place where commands write: answers to standard output, one line at a time to standard error.
 *
 * A reader that leaves early (`trama ops … | head -1`) has what it wants: the command ends quietly, with the exit
 * status that it would have had. Any other failure of standard output is one line and an exit status of its own.
 * A failure of standard error is told nowhere and changes nothing.
 */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Usage or connection trouble, or a start that was refused. */
export const troubleExitStatus = 2;

/** Standard output could not be written (`EX_IOERR` of sysexits.h). */
const outputExitStatus = 74;

let outputHasFailed = false;

/** To be called once, before anything is written. Without it Node ends the process with a stack at the first failure. */
export function watchOutputs(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', outputFailed);
}

/** Writes to standard output. Resolves when all is handed over, or when nobody takes it any more. */
export async function print(content: string | Iterable<Uint8Array>): Promise<void> {
  const parts = typeof content === 'string' ? [content] : content;
  try {
    await pipeline(Readable.from(parts, { objectMode: false }), process.stdout, { end: false });
  } catch (error) {
    outputFailed(error as Error);
  }
}

/** Tells the user one thing on standard error, in one line. */
export function complain(text: string): void {
  process.stderr.write(oneLine(text));
}

/** Notes how the process is to end, unless something worse was noted before. */
export function concludeWith(status: number): void {
  process.exitCode ??= status;
}

/** Tells what went wrong and notes the exit status, for when the process has cleaned up. */
export function reportTrouble(error: unknown): void {
  complain(error instanceof Error ? error.message : String(error));
  concludeWith(troubleExitStatus);
}

export function oneLine(text: string): string {
  const line = text.replace(/^error: /, '').trim();
  return `trama: ${line.replaceAll(/\s*\n\s*/g, ' ')}\n`;
}

function outputFailed(error: Error): void {
  if (outputHasFailed) return;
  outputHasFailed = true;
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
  complain(`standard output could not be written: ${error.message}`);
  process.exitCode = outputExitStatus;
}
