import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { mainPath } from '../support/server.js';
import type { TestContext } from '../support/suite.js';

export interface CliRun {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line to its end. */
export async function runCli(args: readonly string[], input: string | Uint8Array = ''): Promise<CliRun> {
  return runProgram(process.execPath, [mainPath, ...args], input);
}

export async function runProgram(
  program: string,
  args: readonly string[],
  input: string | Uint8Array = '',
  env: Readonly<Record<string, string>> = {},
): Promise<CliRun> {
  const child = spawn(program, args, { stdio: 'pipe', env: { ...process.env, ...env } });
  // What a program does not care to read is not the test's trouble.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const status = await new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return { status, ...text };
}

/** Wrong usage and connection trouble: status 2, nothing on stdout, and one line that says what. */
export function assertTrouble(run: CliRun, pattern: RegExp): void {
  assert.equal([run.status, run.stdout], [2, ''], run.stderr);
  assert.match(run.stderr, /^trama: [^\n]+\n$/);
  assert.match(run.stderr, pattern);
}

/** Writes a file that goes with the test. */
export function tempFile(t: TestContext, name: string, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'trama-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
