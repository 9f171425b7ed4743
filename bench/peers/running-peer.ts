/** A server under measurement: a process of its own, started, asked once, and ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { carefulReader } from '../load/reply-format.js';
import { buildRequestRing } from '../load/request-ring.js';
import type { Wire } from '../load/work.js';

const startTimeoutMs = 15_000;
const stopTimeoutMs = 3_000;
const retryMs = 1;

export interface PeerCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** The port it was told to take, or how it says which one it took, in a line of stdout. */
  readonly port: number | ((line: string) => number | undefined);
  /** Is it there as soon as it says its port? Else it is asked for a first reply, which takes it plain and without a token. */
  readonly isThereAtOnce?: boolean;
}

export interface RunningPeer {
  readonly port: number;
  readonly pid: number;
  /** Milliseconds from the moment before the process was spawned to its first reply. */
  readonly firstReplyMs: number;
  stop(): Promise<void>;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** @throws Error, with what its stderr says, where the process ends or does not answer in time */
export async function startPeer(command: PeerCommand, wire: Wire): Promise<RunningPeer> {
  const startedAtMs = performance.now();
  const child = spawn(command.program, command.args, { stdio: ['ignore', 'pipe', 'pipe'] });
  alive.add(child);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-2000);
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => {
      alive.delete(child);
      resolve(`it ended with ${status ?? signal}: ${faultIn(stderr)}`);
    });
  });
  const failed = exited.then((why): never => {
    throw new Error(why);
  });
  failed.catch(() => {});
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await exited;
    clearTimeout(late);
  };
  try {
    const port = await Promise.race([portOf(child, command), failed, tooLate()]);
    if (!command.isThereAtOnce) await Promise.race([firstReply(port, wire), failed, tooLate()]);
    return { port, pid: child.pid!, firstReplyMs: performance.now() - startedAtMs, stop };
  } catch (error) {
    if (child.pid !== undefined) await stop();
    throw error;
  }
}

/** The line that says what was wrong, among those of a stack trace. */
function faultIn(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return lines.find((line) => /error/i.test(line))?.trim() ?? lines.at(-1)!;
}

async function tooLate(): Promise<never> {
  await sleep(startTimeoutMs, undefined, { ref: false });
  throw new Error(`it did not answer within ${startTimeoutMs / 1000} s`);
}

function portOf(child: ChildProcess, { port }: PeerCommand): Promise<number> {
  if (typeof port === 'number') {
    child.stdout!.resume();
    return Promise.resolve(port);
  }
  return new Promise((resolve) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const found = port(line);
      if (found !== undefined) resolve(found);
    });
  });
}

/** Asks for one echo; tries again for as long as nobody listens. */
async function firstReply(port: number, wire: Wire): Promise<void> {
  const giveUpAtMs = performance.now() + startTimeoutMs;
  while (performance.now() < giveUpAtMs) {
    if (await ask(port, wire)) return;
    await sleep(retryMs);
  }
}

function ask(port: number, wire: Wire): Promise<boolean> {
  const data = '"hola"';
  const read = carefulReader(wire, 'echo', data);
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.on('connect', () => socket.write(buildRequestRing(wire, 'echo', data, 1).bytes));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') resolve(false);
      else reject(error);
    });
    socket.on('close', () => reject(new Error('it closed the connection without a reply')));
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      try {
        if (typeof read(bytes, 0) === 'number') return;
        resolve(true);
      } catch (error) {
        reject(error as Error);
      }
      socket.destroy();
    });
  });
}
