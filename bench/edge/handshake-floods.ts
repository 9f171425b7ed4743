/**
 * How late honest clients are answered while others flood a server with TLS handshakes, as a program:
 *
 *     node dist/bench/edge/handshake-floods.js [SECONDS] [ROUNDS]
 *
 * In each round a fresh server, and honest clients of its plain port and, over TLS that was established before, of its other
 * one: without a flood, beside it, and without it again. The better of the two calm times counts, since a neighbour on the
 * machine spoils one now and then. Server, honest clients and flood share the machine's cores.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { serverMain } from '../paths.js';
import { freePort } from '../peers/free-port.js';
import { portOfLogLine } from '../peers/peers.js';
import { startPeer } from '../peers/running-peer.js';
import { median } from '../statistics.js';
import { makePair, type Pair } from './certificate.js';
import type { FloodReport, FloodRole, HonestFloodReport } from './flood-child.js';

/** Honest p99 beside a flood, by calm. */
const ratioMax = 4;

const childMain = fileURLToPath(new URL('./flood-child.js', import.meta.url));
const settleMs = 1000;

async function startChild(role: FloodRole | 'honest', ports: readonly number[]): Promise<ChildProcess> {
  const child = fork(childMain, [role, ...ports.map(String)]);
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('close', (status) => reject(new Error(`the ${role} clients ended with status ${status}`)));
  });
  return child;
}

async function ask<Report>(child: ChildProcess): Promise<Report> {
  const coming = new Promise<Report>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Report));
    child.once('close', () => reject(new Error('clients ended')));
  });
  child.send('report');
  return await coming;
}

interface Round {
  readonly calm: readonly HonestFloodReport[];
  readonly during: HonestFloodReport;
  readonly handshakesPerSecond: number;
}

async function measure(role: FloodRole, pair: Pair, seconds: number): Promise<Round> {
  const tlsPort = await freePort();
  const doors = ['--host', '127.0.0.1', '--port', '0', '--http-port', '0', '--tls-port', String(tlsPort)];
  const args = [serverMain, 'serve', ...doors, '--tls-cert', pair.certificate, '--tls-key', pair.key];
  const server = await startPeer({ program: process.execPath, args, port: portOfLogLine }, 'frames');
  const children: ChildProcess[] = [];
  try {
    const honest = await startChild('honest', [server.port, tlsPort]);
    children.push(honest);
    const over = async () => {
      await sleep(settleMs);
      await ask<HonestFloodReport>(honest);
      await sleep(seconds * 1000);
      return await ask<HonestFloodReport>(honest);
    };
    const before = await over();
    const flood = await startChild(role, [server.port, tlsPort]);
    children.push(flood);
    await ask<FloodReport>(flood);
    const startMs = performance.now();
    const during = await over();
    const { made } = await ask<FloodReport>(flood);
    const handshakesPerSecond = (made * 1000) / (performance.now() - startMs);
    flood.disconnect();
    return { calm: [before, await over()], during, handshakesPerSecond };
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
    await server.stop();
  }
}

const [seconds = '4', rounds = '5'] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'trama-floods-'));
try {
  const pair = await makePair(folder);
  const taken: Record<FloodRole, Round[]> = { begun: [], finished: [] };
  for (let round = 0; round < Number(rounds); round++) {
    for (const role of ['begun', 'finished'] as const) taken[role].push(await measure(role, pair, Number(seconds)));
  }
  process.stdout.write(`Node ${process.versions.node}; honest p99 beside a flood of handshakes, by calm\n`);
  for (const [role, each] of Object.entries(taken)) {
    const rate = median(each.map(({ handshakesPerSecond }) => handshakesPerSecond));
    process.stdout.write(`handshakes that are ${role} and left, ${rate.toFixed(0)} a second\n`);
    for (const port of ['plain', 'tls'] as const) {
      const calms = each.map(({ calm }) => Math.min(...calm.map((report) => report[port].p99Ms)));
      const floods = each.map(({ during }) => during[port].p99Ms);
      const ratios = floods.map((ms, round) => ms / calms[round]!);
      const lost = each.reduce((sum, { during }) => sum + during[port].answered - during[port].ok, 0);
      const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
      const verdict = median(ratios) <= ratioMax ? 'reached' : 'missed';
      process.stdout.write(
        `  ${port}: p99 ${median(calms).toFixed(1)} ms and ${median(floods).toFixed(1)} ms, ` +
          `${median(ratios).toFixed(2)} × (${spread}), goal ≤ ${ratioMax} × ${verdict}; ${lost} lost\n`,
      );
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
