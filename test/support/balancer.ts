/** Starts a balancer in the foreground, with its configuration in a folder of its own; it ends with the test. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../bench/peers/free-port.js';
import type { TestContext } from './suite.js';
import { until } from './until.js';

export interface BalancerParts {
  readonly program: string;
  /** @param configPath where the configuration is */
  args(configPath: string, folder: string): readonly string[];
  /** The configuration, for a port that it is to listen on. */
  config(port: number, folder: string): string;
}

export interface RunningBalancer {
  readonly port: number;
  /** What it has written so far. */
  log(): string;
}

/** Resolves once it takes connections. */
export async function startBalancer(t: Pick<TestContext, 'after'>, parts: BalancerParts): Promise<RunningBalancer> {
  const folder = mkdtempSync(join(tmpdir(), 'trama-balancer-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const configPath = join(folder, 'balancer.conf');
  writeFileSync(configPath, parts.config(port, folder));
  const child = spawn(parts.program, parts.args(configPath, folder), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const exited = new Promise((resolve) => child.once('close', resolve));
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  await until(`${parts.program} listens`, () => {
    if (child.exitCode !== null) throw new Error(`${parts.program} ended: ${output}`);
    return isListening(port);
  });
  return { port, log: () => output };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}
