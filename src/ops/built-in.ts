import type { JsonSchema } from './define-operation.js';
import type { OperationInfo } from './operation-info.js';

/**
 * The operations that the engine does itself, as `$ops` shows them. The work is done in `assembly/`; nothing here runs.
 */

function builtIn(
  name: string,
  description: string,
  about: { input?: JsonSchema; output?: JsonSchema; streaming?: true },
): OperationInfo {
  return { name, description, streaming: false, ...about, idempotent: true, concurrency: Number.POSITIVE_INFINITY };
}

export const builtInOperations: readonly OperationInfo[] = [
  builtIn('echo', 'Answers with the data, byte for byte.', { input: true, output: true }),
  builtIn('upper', 'Maps a text to upper case by the Unicode default mapping, whatever the locale.', {
    input: { type: 'string' },
    output: { type: 'string' },
  }),
  builtIn('sum', 'Adds decimal numbers exactly, as they are written, and rounds once, to the nearest binary64.', {
    input: { type: 'array', items: { type: 'number' } },
    output: { type: 'number' },
    streaming: true,
  }),
];

/** Whatever is for no operation that the server has is counted and queued under this name. */
export const unknownOperation = 'unknown';

const builtInNames: ReadonlySet<string> = new Set(builtInOperations.map((operation) => operation.name));

/** True for a name that a user's operation cannot take. */
export function isReservedName(name: string): boolean {
  return builtInNames.has(name) || name === unknownOperation || name.startsWith('$');
}
