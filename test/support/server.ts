/**
 * Starts the real server as a process of its own, on free ports, and ends it with the test.
 * Needs the compiled `dist/`; the paths hold wherever the process was started from.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestContext } from './suite.js';
import { withinMs } from './until.js';

/** The command line's entry, compiled. */
export const mainPath = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

const startTimeoutMs = 15_000;
const stopTimeoutMs = 12_000;

export interface RunningServer {
  /** Ports are 0 where the server has none. */
  readonly port: number;
  readonly httpPort: number;
  readonly tlsPort: number;
  readonly httpsPort: number;
  readonly process: ChildProcess;
  /** Lines of stdout so far, and those still to come. */
  readonly log: string[];
  /** What it wrote to stderr so far. */
  stderr(): string;
  /** Resolves, once the process is gone, to its exit status, or to the signal's name. */
  readonly exited: Promise<number | string>;
  /** Sends the signal (SIGTERM where none is named), waits, and gives the exit status. A process that stays is killed. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

/**
 * Spawns `trama serve --port 0 --http-port 0 …args` and resolves once it listens.
 * @throws Error with the process's stderr where it ends before that
 */
export async function startServer(
  t: Pick<TestContext, 'after'>,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const listeners = process.env.TRAMA_TEST_LISTENERS;
  const stacks = listeners === undefined ? [] : ['--listeners', listeners];
  const command = [mainPath, 'serve', '--port', '0', '--http-port', '0', ...stacks, ...args];
  return startServerBy(t, process.execPath, command, env);
}

/** The same by a command of the caller's, which becomes the server. */
export async function startServerBy(
  t: Pick<TestContext, 'after'>,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningServer> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const exited = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'unknown'));
  });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });

  const log: string[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const listening = new Promise<Partial<RunningServer>>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(line);
      const entry = parseLine(line);
      if (entry?.msg === 'listening') resolve(entry as Partial<RunningServer>);
    });
  });
  const ended = exited.then((status): never => {
    throw new Error(`the server ended (${status}) before it listened: ${stderr || log.join('\n')}`);
  });
  const ports = await withinMs(startTimeoutMs, 'the start of the server', () => Promise.race([listening, ended]));
  // From here on its end is no error by itself.
  ended.catch(() => {});

  return {
    port: ports.port ?? 0,
    httpPort: ports.httpPort ?? 0,
    tlsPort: ports.tlsPort ?? 0,
    httpsPort: ports.httpsPort ?? 0,
    process: child,
    log,
    stderr: () => stderr,
    exited,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      try {
        return await withinMs(stopTimeoutMs, 'the end of the server', () => exited);
      } catch (error) {
        child.kill('SIGKILL');
        throw error;
      }
    },
  };
}

/** A log line as an object; undefined for what is no JSON object. */
export function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
