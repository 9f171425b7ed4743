/**
 * What the edge costs: tokens and TLS beside plain TCP of the same server, and TLS beside a plain Node server. All are
 * measured in turn, round after round, so that what the machine does meanwhile hits all alike. TLS by plain is counted in
 * the server's processor time, since the generator has to encrypt as well.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createToken } from '../create-token.js';
import { type Access, type EdgeGenerator, edgeGenerator } from '../load/run-generator.js';
import type { Timing, Work } from '../load/work.js';
import { rowNamed } from '../load-rows.js';
import { numberArray, shapeNamed } from '../number-shapes.js';
import { plainServerMain } from '../paths.js';
import { freePort } from '../peers/free-port.js';
import { portOfLogLine, portOfPlainLine, tlsPortOfLogLine } from '../peers/peers.js';
import { type RunningPeer, startPeer } from '../peers/running-peer.js';
import { processorSeconds } from '../process-figures.js';
import type { EdgeName, EdgeResults, EdgeRow, LeftOut } from '../results.js';
import { median, medianRatio } from '../statistics.js';
import { makePair } from './certificate.js';
import { fairWorks, operationsFile, rateBesideFlood } from './fairness.js';
import { countHandshakes } from './handshakes.js';
import { holdIdle } from './idle-connections.js';

export interface EdgePlan {
  readonly serverMain: string;
  readonly names: readonly EdgeName[];
  readonly rounds: number;
  readonly timing: Timing;
  /** Of the large sum. */
  readonly sumBytes: number;
  readonly idleConnections: number;
}

type Tell = (line: string) => void;

interface Servers {
  readonly open: RunningPeer;
  readonly openTlsPort: number;
  readonly openHttpPort: number;
  /** Starts a server that asks for tokens, or one that does not. */
  readonly startFresh: (asksForTokens: boolean) => Promise<RunningPeer>;
  readonly token: string;
  readonly floodToken: string;
  readonly plainNode: RunningPeer;
  /** Starts servers that have room for idle connections: one of ours, and a plain one of Node. */
  readonly startRoomy: (way: 'plain' | 'tls') => Promise<RunningPeer>;
  readonly startPlainNode: (way: 'plain' | 'tls') => Promise<RunningPeer>;
}

/** One figure of trama, and the one that it is held against. */
interface Pairing {
  readonly name: EdgeName;
  readonly unit: EdgeRow['unit'];
  own(): Promise<number>;
  other(): Promise<number>;
}

export async function benchEdge(plan: EdgePlan, tell: Tell): Promise<EdgeResults> {
  const folder = await mkdtemp(join(tmpdir(), 'trama-edge-'));
  const { names, rounds, timing } = plan;
  const common = { rounds, secondsPerMeasurement: timing.seconds };
  const running: RunningPeer[] = [];
  try {
    const generator = await edgeGenerator(folder);
    const servers = await startServers(plan, folder, running);
    const rows: EdgeRow[] = [];
    const chosen = pairings(plan, generator, servers).filter(({ name }) => names.includes(name));
    for (const pairing of chosen) rows.push(await measure(pairing, rounds, tell));
    return { ...common, rows, leftOut: [] };
  } catch (error) {
    const leftOut: LeftOut[] = [{ name: 'TLS and tokens', why: (error as Error).message }];
    return { ...common, rows: [], leftOut };
  } finally {
    await Promise.all(running.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure({ name, unit, own, other }: Pairing, rounds: number, tell: Tell): Promise<EdgeRow> {
  const owns: number[] = [];
  const others: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    tell(`${name}: round ${round} of ${rounds}`);
    // Neither is always the first.
    if (round % 2 === 0) others.push(await other());
    owns.push(await own());
    if (round % 2 === 1) others.push(await other());
  }
  return { name, unit, own: median(owns), other: median(others), ratio: medianRatio(owns, others) };
}

function pairings(plan: EdgePlan, generator: EdgeGenerator, servers: Servers): Pairing[] {
  const { timing, sumBytes, idleConnections } = plan;
  const { open, openTlsPort, openHttpPort, startFresh, token, floodToken, plainNode, startRoomy, startPlainNode } =
    servers;
  const some = rowNamed('echo, 50 × 16');
  const many = rowNamed('echo, 50 × 128');
  const rate = async (port: number, access: Access) =>
    (await generator.measure(port, some, timing, access)).ratePerSecond;
  /** Two servers that stay up differ by where they were placed, and by more than what is looked for. */
  const freshRate = (asksForTokens: boolean, access: Access) =>
    using(startFresh(asksForTokens), (server) => rate(server.port, access));
  const rateBeside = (idle: number) =>
    using(startRoomy('plain'), async (server) => {
      const held = await holdIdle(server, server.port, 'plain', idle);
      const measured = await rate(server.port, {});
      await held.end();
      return measured;
    });
  const idleMemory = (name: EdgeName, way: 'plain' | 'tls'): Pairing => {
    const each = (start: Promise<RunningPeer>) =>
      using(start, async (server) => {
        const held = await holdIdle(server, server.port, way, idleConnections);
        await held.end();
        return held.kibibytesEach;
      });
    return { name, unit: 'KiB', own: () => each(startRoomy(way)), other: () => each(startPlainNode(way)) };
  };
  /** Of the server's processor time for a mebibyte of requests, in milliseconds: between two moments of the load. */
  const perMebibyte = async (port: number, work: Work, access: Access) => {
    const before = await usage(open.pid, openHttpPort);
    let isOver = false;
    const load = generator.measure(port, work, timing, access).finally(() => {
      isOver = true;
    });
    // A failure is told when it is awaited.
    load.catch(() => {});
    // A generator of large requests has to make them first.
    while (!isOver && (await usage(open.pid, openHttpPort)).bytes - before.bytes < 2 ** 20) await sleep(10);
    await sleep(timing.warmupSeconds * 500);
    const begin = await usage(open.pid, openHttpPort);
    await sleep(timing.seconds * 800);
    const end = await usage(open.pid, openHttpPort);
    await load;
    return ((end.seconds - begin.seconds) * 1000) / ((end.bytes - begin.bytes) / 2 ** 20);
  };
  const overTls = (name: EdgeName, work: Work): Pairing => ({
    name,
    unit: 'ms of processor time for a MiB',
    own: () => perMebibyte(openTlsPort, work, { isTls: true }),
    other: () => perMebibyte(open.port, work, {}),
  });
  const beside = (work: (typeof fairWorks)[number]): Pairing => {
    const tokens = { own: token, flood: floodToken };
    const fresh = (use: (port: number) => Promise<number>) => using(startFresh(true), ({ port }) => use(port));
    return {
      name: work.name,
      unit: 'a second',
      own: () => fresh((port) => rateBesideFlood(generator, port, work, timing, tokens)),
      other: () => fresh(async (port) => (await generator.measure(port, work.own, timing, { token })).ratePerSecond),
    };
  };
  return [
    {
      name: 'echo, 50 × 16, with tokens required, by without',
      unit: 'a second',
      own: () => freshRate(true, { token }),
      other: () => freshRate(false, {}),
    },
    overTls('echo, 50 × 16, over TLS, by plain', some),
    overTls('echo, 50 × 128, over TLS, by plain', many),
    overTls('a large sum over TLS, by plain', largeSum(sumBytes)),
    {
      name: 'echo, 50 × 16, over TLS, by plain Node over TLS',
      unit: 'a second',
      own: () => rate(openTlsPort, { isTls: true }),
      other: () => rate(plainNode.port, { isTls: true }),
    },
    {
      name: 'full TLS handshakes, by plain Node',
      unit: 'a second',
      own: () => countHandshakes(openTlsPort, timing.seconds),
      other: () => countHandshakes(plainNode.port, timing.seconds),
    },
    idleMemory('memory of an idle connection, by plain Node', 'plain'),
    idleMemory('memory of an idle connection over TLS, by plain Node', 'tls'),
    {
      name: 'echo, 50 × 16, beside 10,000 idle connections, by without',
      unit: 'a second',
      own: () => rateBeside(idleConnections),
      other: () => rateBeside(0),
    },
    ...fairWorks.map(beside),
  ];
}

async function using<T>(starting: Promise<RunningPeer>, use: (server: RunningPeer) => Promise<T>): Promise<T> {
  const server = await starting;
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** What a server has used and received so far. */
async function usage(pid: number, httpPort: number): Promise<{ seconds: number; bytes: number }> {
  const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  const bytes = Number(/^trama_received_bytes_total (\d+)/m.exec(metrics)?.[1]);
  return { seconds: processorSeconds(pid) ?? Number.NaN, bytes };
}

/** One request at a time, of some length. */
function largeSum(bytes: number): Work {
  const part = numberArray(shapeNamed('doubles of many magnitudes'), 50_000).slice(1, -1);
  const parts = Math.max(1, Math.round(bytes / part.length));
  const data = `[${Array.from({ length: parts }, () => part).join(',')}]`;
  return { name: 'a large sum', op: 'sum', data, connections: 1, depth: 1 };
}

async function startServers({ serverMain }: EdgePlan, folder: string, running: RunningPeer[]): Promise<Servers> {
  const pair = await makePair(folder);
  const startOnly = (args: readonly string[], port: (line: string) => number | undefined) =>
    startPeer({ program: process.execPath, args: [...args], port, isThereAtOnce: true }, 'frames');
  const start = async (args: readonly string[], port: (line: string) => number | undefined) => {
    const server = await startOnly(args, port);
    running.push(server);
    return server;
  };
  const [openTlsPort, openHttpPort] = [await freePort(), await freePort()];
  const serve = [serverMain, 'serve', '--host', '127.0.0.1', '--port', '0'];
  const files = ['--tls-cert', pair.certificate, '--tls-key', pair.key];
  const tls = ['--http-port', `${openHttpPort}`, '--tls-port', `${openTlsPort}`, ...files];
  const open = await start([...serve, ...tls], portOfLogLine);
  const tokens = join(folder, 'tokens.json');
  const token = await createToken(serverMain, tokens);
  const floodToken = await createToken(serverMain, tokens, 'flood');
  const startFresh = (asksForTokens: boolean) => {
    const auth = asksForTokens ? ['--auth', 'required', '--tokens', tokens, '--ops', operationsFile] : [];
    return startOnly([...serve, '--http-port', '0', ...auth], portOfLogLine);
  };
  const startRoomy = (way: 'plain' | 'tls') => {
    const tlsOnly = [serverMain, 'serve', '--host', '127.0.0.1', '--port', 'off', '--tls-port', '0', ...files];
    const listening = way === 'tls' ? tlsOnly : serve;
    const port = way === 'tls' ? tlsPortOfLogLine : portOfLogLine;
    return startOnly([...listening, '--http-port', '0', '--max-connections', '20000'], port);
  };
  const startPlainNode = (way: 'plain' | 'tls') =>
    startOnly([plainServerMain, ...(way === 'tls' ? [pair.certificate, pair.key] : [])], portOfPlainLine);
  const plainNode = await start([plainServerMain, pair.certificate, pair.key], portOfPlainLine);
  return { open, openTlsPort, openHttpPort, startFresh, token, floodToken, plainNode, startRoomy, startPlainNode };
}
