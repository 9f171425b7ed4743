/**
 * Three servers behind a balancer: the real HAProxy or nginx with the configuration of `deploy/`, in which the test fills in
 * its addresses. Servers may be ended and started again in their places.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningServer, startServer } from './server.js';
import type { Need, TestContext } from './suite.js';
import { until } from './until.js';

export const balancers = ['haproxy', 'nginx'] as const;
export type Balancer = (typeof balancers)[number];

export interface FleetOptions {
  readonly balancer: Balancer;
  /** Arguments of each server. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Changes the balancer's configuration: where a test cannot wait as long as people can. */
  readonly adapt?: (config: string) => string;
}

export interface Fleet {
  /** The balancer's. */
  readonly port: number;
  readonly servers: readonly RunningServer[];
  /** What the balancer has written so far. */
  balancerLog(): string;
  /** Ends a server by a signal, and starts another one in its place. Resolves when that is ready, to the exit status. */
  restart(index: number, signal: NodeJS.Signals): Promise<number | string>;
  /** Resolves when the balancer sends connections to each of the servers that run. */
  settled(): Promise<void>;
}

const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** What a test with this balancer needs of the machine. */
export function needsOf(balancer: Balancer): readonly Need[] {
  if (balancer === 'haproxy') return [balancer];
  return [balancer, () => (existsSync(streamModule) ? undefined : `nginx has no ${streamModule}`)];
}

const serverCount = 3;
const configs: Readonly<Record<Balancer, string>> = {
  haproxy: '../../../deploy/haproxy/haproxy.cfg',
  nginx: '../../../deploy/nginx/nginx.conf',
};

/** What stands in the configuration for a server's address, and its health port, and the balancer's own address. */
function fillIn(balancer: Balancer, port: number, servers: readonly RunningServer[]): string {
  let text = readFileSync(fileURLToPath(new URL(configs[balancer], import.meta.url)), 'utf8');
  const replace = (pattern: RegExp, by: string) => {
    if (!pattern.test(text)) throw new Error(`the configuration of ${balancer} has nothing like ${pattern}`);
    text = text.replace(pattern, by);
  };
  servers.forEach((server, index) => {
    const health = balancer === 'haproxy' ? ` port ${server.httpPort}` : '';
    replace(new RegExp(`\\btrama-${index + 1}:5000`), `127.0.0.1:${server.port}${health}`);
  });
  if (balancer === 'haproxy') replace(/bind :5000/, `bind 127.0.0.1:${port}`);
  else replace(/listen 5000/, `listen 127.0.0.1:${port}`);
  return text;
}

/** Starts the servers and the balancer; all of them end with the test. */
export async function openFleet(t: Pick<TestContext, 'after'>, options: FleetOptions): Promise<Fleet> {
  const { balancer, args, env = {}, adapt = (config) => config } = options;
  const start = (more: readonly string[]) => startServer(t, [...args, ...more], env);
  const servers = await Promise.all(Array.from({ length: serverCount }, () => start([])));
  await Promise.all(servers.map(untilReady));
  const port = await freePort();
  const log = startBalancer(t, balancer, adapt(fillIn(balancer, port, servers)));
  const fleet: Fleet = {
    port,
    servers,
    balancerLog: log,
    async restart(index, signal) {
      const old = servers[index]!;
      const status = await old.stop(signal);
      const place = ['--port', String(old.port), '--http-port', String(old.httpPort)];
      servers[index] = await start(place);
      await untilReady(servers[index]!);
      return status;
    },
    settled: () => untilAllServe(port, servers),
  };
  await until(`${balancer} listens`, () => canConnect(port)).catch((error) => {
    throw new Error(`${(error as Error).message}: ${log()}`);
  });
  await fleet.settled();
  return fleet;
}

function startBalancer(t: Pick<TestContext, 'after'>, balancer: Balancer, config: string): () => string {
  const folder = mkdtempSync(join(tmpdir(), 'trama-fleet-'));
  const file = join(folder, 'balancer.conf');
  writeFileSync(file, config);
  const own = `daemon off; pid ${folder}/nginx.pid; error_log stderr warn;`;
  const args = balancer === 'haproxy' ? ['-db', '-f', file] : ['-e', 'stderr', '-c', file, '-g', own];
  const child = spawn(balancer, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  child.once('error', (error) => {
    log += error.message;
  });
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  return () => log;
}

async function untilReady({ httpPort }: RunningServer): Promise<void> {
  await until('the server is ready', async () => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/readyz`);
    await answer.arrayBuffer();
    return answer.ok;
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Opens connections until each server has had one more than before. They stay until then: the emptiest server gets the next. */
async function untilAllServe(port: number, servers: readonly RunningServer[]): Promise<void> {
  const before = await Promise.all(servers.map(accepted));
  const sockets: Socket[] = [];
  try {
    await until(
      'the balancer sends connections to each server',
      async () => {
        sockets.push(connect(port, '127.0.0.1').on('error', () => {}));
        const now = await Promise.all(servers.map(accepted));
        return now.every((count, index) => count > before[index]!);
      },
      { timeoutMs: 30_000, everyMs: 50 },
    );
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

async function accepted({ httpPort }: RunningServer): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  return Number(/^trama_accepted_connections_total (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
}
