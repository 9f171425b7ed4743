import { connect } from 'node:net';
/** The server inside the test's process, where its figures can be looked at. */
import { pino } from 'pino';
import { type RunningServer, type ServerConfig, startServer } from '../../src/server/server.js';
import type { TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

export const fixtures = new URL('../pool/fixtures/operations.js', import.meta.url).href;

export const serverDefaults: ServerConfig = {
  auth: 'off',
  tokensFile: '/nonexistent/tokens.json',
  port: 0,
  tlsPort: 'off',
  tlsCert: undefined,
  tlsKey: undefined,
  tlsClientCa: undefined,
  tlsClient: 'required',
  tlsMin: '1.2',
  host: '127.0.0.1',
  proxyProtocol: false,
  httpProxyProtocol: false,
  trustedProxies: [],
  workers: 1,
  listeners: 1,
  operationModules: [],
  maxFrameBytes: 16 * 1024 * 1024,
  maxConnections: 100,
  maxConnectionsPerAddress: 0,
  maxRequests: 100,
  maxTotalRequests: 10_000,
  unreadPauseBytes: 1024 * 1024,
  minReadRate: 16 * 1024,
  minSendRate: 32 * 1024,
  maxConnectionBytes: 0,
  maxHeldBytes: 256 * 1024 * 1024,
  maxQueue: 100,
  opTimeoutMs: 0,
  frameTimeoutMs: 30_000,
  drainDelayMs: 0,
  firstFrameTimeoutMs: 0,
  idleTimeoutMs: 0,
  overloadDelayMs: 250,
  workerMemoryMb: 64,
};

/** Starts a server that is closed with the test, and must then have given back all that it held. */
export async function openServer(t: TestContext, config: Partial<ServerConfig> = {}): Promise<RunningServer> {
  const server = await startServer({ ...serverDefaults, ...config }, pino({ level: 'silent' }));
  t.after(async () => {
    const { length: threads } = server.view.snapshot().connectionsByThread;
    await server.close();
    // Further I/O threads are ended on the spot, with what is held in them.
    if (threads === 1) await until('nothing is held after the end', () => server.view.snapshot().bytesHeld === 0);
  });
  return server;
}

/** Waits until nothing is held for anybody: no bytes, no tasks. */
export async function untilIdle({ view }: RunningServer): Promise<void> {
  await until('the server holds nothing', () => {
    const { bytesHeld, bulk, pool } = view.snapshot();
    return (
      bytesHeld === 0 &&
      bulk.open + bulk.waiting === 0 &&
      pool.queues.every(({ waiting, running }) => waiting + running === 0)
    );
  });
}

/** Waits until an operation runs. */
export async function untilRunning({ view }: RunningServer, op: string): Promise<void> {
  await until(`${op} runs`, () => view.snapshot().pool.queues.some((queue) => queue.op === op && queue.running > 0));
}

/** JSON text of an array of `bytes` bytes or a little more. */
export function numbers(bytes: number): string {
  return `[${'1,'.repeat(bytes / 2)}1]`;
}

/**
 * Clients that connect all at once, each with requests on its way before it is connected.
 * @returns once all are connected; `replies` gives what each of them was sent until its end, `resets` counts failures
 */
export async function openBurst(t: TestContext, port: number, count: number, requests: Uint8Array) {
  let resets = 0;
  const clients = Array.from({ length: count }, () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.write(requests);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    const ended = new Promise<string>((resolve) => {
      socket.on('error', () => resets++);
      socket.on('end', () => socket.end());
      socket.on('close', () => resolve(String(Buffer.concat(chunks))));
    });
    return { connected: new Promise((resolve) => socket.once('connect', resolve)), ended };
  });
  await Promise.all(clients.map(({ connected }) => connected));
  return { replies: () => Promise.all(clients.map(({ ended }) => ended)), resets: () => resets };
}
