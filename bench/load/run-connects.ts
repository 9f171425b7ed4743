/** The generator of connections as a program: it is compiled, run, and its one line is read. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { compileC } from '../compile-c.js';
import { connectsSource } from '../paths.js';

const run = promisify(execFile);

/** Connections that are under way at once. */
const parallel = 32;

/** Gives the connections a second that a port takes, each with one reply. */
export type CountConnects = (port: number, seconds: number) => Promise<number>;

/** @throws Error that says what is missing */
export async function openConnects(folder: string): Promise<CountConnects> {
  const program = await compileC(connectsSource, folder);
  return async (port, seconds) => {
    const timeout = seconds * 1000 + 30_000;
    const { stdout } = await run(program, ['127.0.0.1', `${port}`, `${parallel}`, `${seconds}`], { timeout });
    return Number(/^cps=(\d+)/.exec(stdout)?.[1]);
  };
}
