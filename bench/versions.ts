/** Versions of what the benchmark runs beside itself: a figure of a peer means little without. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from './paths.js';

const run = promisify(execFile);

/** @returns the first text that looks like a version in what a program says of itself, or nothing where it says none */
export async function versionOf(program: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run(program, args);
    return /\d+(?:\.\d+)+/.exec(stdout)?.[0];
  } catch {
    return undefined;
  }
}

export const gccVersion = () => versionOf('gcc', '-dumpfullversion');

/** This project's, as its package has it. */
export function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string };
  return version;
}

/** What is measured, and what measures: a run writes its own results, so those do not count as a change. */
const measured = ['src', 'assembly', 'bench', ':(exclude)bench/results'];

/** What git calls the sources, with a `+` where they were changed since; undefined where there is no git. */
export async function revision(): Promise<string | undefined> {
  const git = (...args: string[]) => run('git', args, { cwd: projectRoot });
  try {
    const { stdout } = await git('rev-parse', '--short=9', 'HEAD');
    const { stdout: changes } = await git('status', '--porcelain', '--', ...measured);
    return `${stdout.trim()}${changes === '' ? '' : '+'}`;
  } catch {
    return undefined;
  }
}
