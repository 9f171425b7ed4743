import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { bulkMain } from '../paths.js';

/** What a sender has sent and had answered. */
export interface Sent {
  readonly frames: number;
  readonly bodyBytes: number;
  readonly seconds: number;
}

export interface RunningSender {
  /** Resolves when the numbers of every connection have begun to go. */
  readonly streaming: Promise<void>;
  /** Resolves when all that was sent is answered, each with the right digits. */
  readonly finished: Promise<Sent>;
  /** Ends a sender that sends again and again, after the frames under way. */
  stop(): void;
}

export interface SenderOptions {
  readonly port: number;
  readonly shape: string;
  readonly bodyBytes: number;
  readonly connections: number;
  readonly times: 'once' | 'again';
  /** How long it may take in all, with the frames under way at `stop`. */
  readonly secondsMax: number;
}

/** Both promises reject with what its stderr says where a reply is wrong, or does not come in time. */
export function runSender(options: SenderOptions): RunningSender {
  const { port, shape, bodyBytes, connections, times, secondsMax } = options;
  const args = [bulkMain, `${port}`, shape, `${bodyBytes}`, `${connections}`, times];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: Math.ceil(secondsMax * 1000),
    killSignal: 'SIGKILL',
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let sent: Sent | undefined;
  let started: () => void;
  const begun = new Promise<void>((resolve) => {
    started = resolve;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'streaming') started();
    else sent = JSON.parse(line) as Sent;
  });
  const finished = new Promise<Sent>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      if (sent !== undefined) resolve(sent);
      else if (signal !== null) reject(new Error(`a large frame was not answered within ${secondsMax} s`));
      else reject(new Error(stderr.trim().split('\n')[0] || `the sender ended with ${status}`));
    });
  });
  const streaming = Promise.race([begun, finished.then(() => {})]);
  // Whoever awaits one of them first is told; the other is not a failure of its own.
  finished.catch(() => {});
  streaming.catch(() => {});
  return { streaming, finished, stop: () => void child.stdin.end() };
}
