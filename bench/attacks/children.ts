/** The processes of an attack: the server, the honest clients, the attacker. None outlives the benchmark. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Target } from './attack.js';
import type { HonestReport, HonestWorkName } from './honest.js';

const startTimeoutMs = 20_000;
const answerTimeoutMs = 60_000;
const endTimeoutMs = 2_000;
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

function keep<Child extends ChildProcess>(child: Child): Child {
  alive.add(child);
  child.once('close', () => alive.delete(child));
  return child;
}

function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export interface AttackedServer extends Target {
  readonly pid: number;
  /** Sends SIGTERM and gives the exit status, or the signal's name where it had to be killed after `limitMs`. */
  stop(limitMs: number): Promise<{ status: number | string; ms: number }>;
}

/** @param main the command line's entry, of this build or another one */
export async function startServer(main: string, args: readonly string[]): Promise<AttackedServer> {
  const ports = ['--port', '0', '--http-port', '0'];
  const command = [main, 'serve', ...ports, '--ops', here('./operations.js'), ...args];
  const child = keep(spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] }));
  const exited = new Promise<number | string>((resolve) => {
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'unknown'));
  });
  const listening = new Promise<Target>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"listening"')) resolve(JSON.parse(line) as Target);
    });
  });
  const ended = exited.then((status): never => {
    throw new Error(`the server ended with ${status} before it listened`);
  });
  ended.catch(() => {});
  const { port, httpPort, tlsPort } = await within(startTimeoutMs, 'the server', Promise.race([listening, ended]));
  const stop = async (limitMs: number) => {
    const startedAtMs = performance.now();
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), limitMs);
    const status = await exited;
    clearTimeout(late);
    return { status, ms: performance.now() - startedAtMs };
  };
  return { port, httpPort, tlsPort, pid: child.pid!, stop };
}

export interface Child<Answer> {
  /** Asks the process for its report. */
  ask(): Promise<Answer>;
  /** Resolves when it is gone. */
  end(): Promise<void>;
}

function ask<Answer>(child: ChildProcess, what: string): Promise<Answer> {
  const answer = new Promise<Answer>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Answer));
    child.once('close', () => reject(new Error(`${what} ended`)));
  });
  child.send('report');
  return within(answerTimeoutMs, `the report of ${what}`, answer);
}

/** Ends a process in its own way, or by force where it is too busy to hear of it. */
async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  end();
  const late = setTimeout(() => child.kill('SIGKILL'), endTimeoutMs);
  await exited;
  clearTimeout(late);
}

export function startHonest({ port, httpPort, tlsPort = 0, token }: Target, work: HonestWorkName): Child<HonestReport> {
  const args = [work, `${port}`, `${httpPort}`, `${tlsPort}`, ...(token === undefined ? [] : [token])];
  const child = keep(fork(here('./honest.js'), args));
  return { ask: () => ask(child, 'the honest clients'), end: () => ended(child, () => child.kill()) };
}

/** Resolves when the attack is under way. */
export async function startAttacker(
  { port, httpPort, tlsPort = 0 }: Target,
  name: string,
): Promise<Child<Readonly<Record<string, number>>>> {
  const child = keep(fork(here('./attacker.js'), [name, `${port}`, `${httpPort}`, `${tlsPort}`]));
  const begun = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('close', (status) => reject(new Error(`the attacker ended with status ${status}`)));
  });
  await within(answerTimeoutMs, 'the attack', begun);
  return { ask: () => ask(child, 'the attacker'), end: () => ended(child, () => child.disconnect()) };
}
