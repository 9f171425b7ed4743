/**
 * Three servers behind a balancer: the real HAProxy or nginx with the configuration of `deploy/`, in which the test fills in
 * its addresses. Servers may be ended and started again in their places.
 */
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { ConnectOptions } from '../../src/client/index.js';
import {
  type Balancer,
  clientOptions,
  type DeployedOptions,
  makeTlsFiles,
  serverArgs,
  startDeployed,
  type TlsFiles,
  type Way,
} from './deployed-balancer.js';
import { type RunningServer, startServer } from './server.js';
import type { TestContext } from './suite.js';
import { until } from './until.js';

export interface FleetOptions {
  readonly balancer: Balancer;
  readonly way?: Way;
  /** Arguments of each server. */
  readonly args?: readonly string[] | ((tls: TlsFiles | undefined) => readonly string[]);
  readonly env?: Readonly<Record<string, string>>;
  /** Changes the balancer's configuration: where a test cannot wait as long as people can. */
  readonly adapt?: DeployedOptions['adapt'];
  /** Does the balancer send connections to the servers? Default: it does, and that is waited for. */
  readonly settles?: boolean;
  /** Starts the first server elsewhere than on the loopback. */
  readonly first?: { readonly host: string; readonly start: typeof startServer };
}

export interface Fleet {
  /** The balancer's. */
  readonly port: number;
  /** What a client needs to connect to it. */
  readonly client: ConnectOptions;
  /** `undefined` where no TLS is on the way. */
  readonly tls: TlsFiles | undefined;
  readonly servers: readonly RunningServer[];
  /** What the balancer has written so far. */
  balancerLog(): string;
  /** Ends a server by a signal, and starts another one in its place. Resolves when that is ready, to the exit status. */
  restart(index: number, signal: NodeJS.Signals): Promise<number | string>;
  /** Resolves when the balancer sends connections to each of the servers that run. */
  settled(): Promise<void>;
}

const serverCount = 3;

/** Starts the servers and the balancer; all of them end with the test. */
export async function openFleet(t: Pick<TestContext, 'after'>, options: FleetOptions): Promise<Fleet> {
  const { balancer, way = 'plain', args = [], env = {}, adapt = (config) => config, settles = true, first } = options;
  const tls = way === 'plain' ? undefined : makeTlsFiles(t);
  const all = ['--workers', '1', ...serverArgs(way, tls), ...(typeof args === 'function' ? args(tls) : args)];
  const hosts = Array.from({ length: serverCount }, (_, index) => (index === 0 && first?.host) || '127.0.0.1');
  const start = (index: number, more: readonly string[] = []) =>
    ((index === 0 && first?.start) || startServer)(t, [...all, ...more], env);
  const servers = await Promise.all(hosts.map((_, index) => start(index)));
  const ready = (index: number) => untilReady(hosts[index]!, servers[index]!);
  await Promise.all(hosts.map((_, index) => ready(index)));
  const { port, log } = await startDeployed(t, { balancer, way, tls, servers, hosts, adapt });
  const fleet: Fleet = {
    port,
    client: clientOptions(tls),
    tls,
    servers,
    balancerLog: log,
    async restart(index, signal) {
      const old = servers[index]!;
      const status = await old.stop(signal);
      servers[index] = await start(index, placeOf(old));
      await ready(index);
      return status;
    },
    settled: () =>
      untilAllServe(
        () => openSocket(port, tls),
        () => accepted(hosts, servers),
      ),
  };
  if (settles) await fleet.settled();
  return fleet;
}

/** The ports that a server had, as arguments of the next one. */
function placeOf({ port, tlsPort, httpPort, httpsPort }: RunningServer): string[] {
  const ports = { port, 'tls-port': tlsPort, 'http-port': httpPort, 'https-port': httpsPort };
  return Object.entries(ports).flatMap(([flag, value]) => (value === 0 ? [] : [`--${flag}`, String(value)]));
}

async function untilReady(host: string, { httpPort }: RunningServer): Promise<void> {
  await until('the server is ready', async () => {
    const answer = await fetch(`http://${host}:${httpPort}/readyz`);
    await answer.arrayBuffer();
    return answer.ok;
  });
}

function openSocket(port: number, tls: TlsFiles | undefined): Socket {
  if (tls === undefined) return connect(port, '127.0.0.1');
  return connectSecurely({ port, host: '127.0.0.1', ca: [...tls.ca] });
}

/** Opens connections until each server has had one more than before. They stay until then: the emptiest server gets the next. */
async function untilAllServe(open: () => Socket, acceptedByEach: () => Promise<readonly number[]>): Promise<void> {
  const before = await acceptedByEach();
  const sockets: Socket[] = [];
  try {
    await until(
      'the balancer sends connections to each server',
      async () => {
        sockets.push(open().on('error', () => {}));
        const now = await acceptedByEach();
        return now.every((count, index) => count > before[index]!);
      },
      { timeoutMs: 30_000, everyMs: 50 },
    );
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** Over a connection of its own each time: one that is kept may have been cut since. */
function metricsOf(host: string, port: number): Promise<string> {
  const ask = () =>
    new Promise<string | undefined>((resolve) => {
      const asking = get({ host, port, path: '/metrics', agent: false, timeout: 1000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('end', () => resolve(Buffer.concat(chunks).toString()));
        response.once('error', () => resolve(undefined));
      });
      asking.once('timeout', () => asking.destroy()).once('error', () => resolve(undefined));
    });
  return until('the server tells its figures', ask) as Promise<string>;
}

function accepted(hosts: readonly string[], servers: readonly RunningServer[]): Promise<readonly number[]> {
  return Promise.all(
    servers.map(async ({ httpPort }, index) => {
      const text = await metricsOf(hosts[index]!, httpPort);
      return Number(/^trama_accepted_connections_total (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
    }),
  );
}
