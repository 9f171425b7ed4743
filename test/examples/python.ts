/** How the tests of the Python client run Python: with its development mode on, and each warning an error. */

import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type CliRun, runProgram } from '../cli/run-cli.js';

export const clientPath = fileURLToPath(new URL('../../../examples/client.py', import.meta.url));
const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));

/** What is left open, and each warning, shows on stderr. */
export const pythonFlags = ['-B', '-W', 'error', '-X', 'dev'];

/** Runs the command line of the client. */
export function shell(args: readonly string[], input: string | Uint8Array = ''): Promise<CliRun> {
  return runProgram('python3', [...pythonFlags, clientPath, ...args], input);
}

/**
 * Runs lines that use the module, with a `trama` that is connected to `port`, and gives what they print.
 * @param imports lines before the client is made
 */
export async function script(port: number, lines: string, imports = ''): Promise<string[]> {
  const program = [
    'import sys',
    'from client import Client, TramaError',
    imports,
    'with Client("127.0.0.1", int(sys.argv[1])) as trama:',
    lines.trimEnd(),
  ].join('\n');
  const run = await runProgram('python3', [...pythonFlags, '-c', program, String(port)], '', { PYTHONPATH: folder });
  assert.equal([run.status, run.stderr], [0, '']);
  return run.stdout.trimEnd().split('\n');
}
