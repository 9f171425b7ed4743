/** The same benchmark with other programs of Node, one after the other, as part of one run. */
import { execFileSync, spawn } from 'node:child_process';
import { InvalidArgumentError } from 'commander';
import { runName } from './report/published.js';

/**
 * @param file a program of Node. @returns the same
 * @throws InvalidArgumentError where it is none, or of the major version that measures now: one would overwrite the other
 */
export function otherNode(file: string): string {
  let version: string;
  try {
    version = execFileSync(file, ['-p', 'process.version'], { encoding: 'utf8' }).trim();
  } catch {
    throw new InvalidArgumentError('It is no Node that runs.');
  }
  if (runName(version) === runName(process.version)) {
    throw new InvalidArgumentError(`It is ${version}, and this is ${process.version}.`);
  }
  return file;
}

/** Runs this program with its arguments, but for those that name other programs. @throws Error where that fails */
export function againWith(node: string): Promise<void> {
  const [main, ...args] = process.argv.slice(1);
  process.stderr.write(`\nagain with ${node}\n`);
  const child = spawn(node, [...process.execArgv, main!, ...withoutNodes(args)], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      if (status === 0) resolve();
      else reject(new Error(`the run with ${node} ended with ${signal ?? `status ${status}`}`));
    });
  });
}

/** `--node FILE` and `--node=FILE` left out. */
export function withoutNodes(args: readonly string[]): string[] {
  return args.filter((arg, index) => arg !== '--node' && args[index - 1] !== '--node' && !arg.startsWith('--node='));
}
