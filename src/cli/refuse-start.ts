/** How a start that cannot work ends: one line on stderr, and an exit status of its own. */
import type { TramaError } from '../errors.js';

/** The process cannot start as it was told to. */
export const usageExitStatus = 2;

/** Tells the operator in one line why the server does not start. Never returns. */
export function refuseStart(error: TramaError): never {
  process.stderr.write(oneLine(error.message));
  process.exit(usageExitStatus);
}

export function oneLine(text: string): string {
  return `trama: ${text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')}\n`;
}
