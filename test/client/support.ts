/** A server for all tests of a file, and peers that a test shapes itself: those that break the protocol, for one. */

import { createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Client, type ConnectOptions, connect } from '../../src/client/index.js';
import { FrameReader } from '../../src/protocol/frame.js';
import { type RunningServer, startServer } from '../support/server.js';
import type { Suite, TestContext } from '../support/suite.js';
import { frame } from '../support/wire.js';

export const slowOpsPath = fileURLToPath(new URL('./fixtures/slow-ops.js', import.meta.url));

/**
 * For `node --import`: a process whose clock and timers run so many times as fast, where nobody wants to wait for a limit
 * of half a minute.
 */
export function fastClock(factor: number): string {
  const code = `
    const now = performance.now.bind(performance);
    performance.now = () => now() * ${factor};
    const wait = setTimeout;
    globalThis.setTimeout = (run, ms, ...rest) => wait(run, ms / ${factor}, ...rest);`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** Starts one server before the tests of a file and ends it after them. The returned function gives it. */
export function serverFor(test: Suite, args: readonly string[] = []): () => RunningServer {
  const cleanUps: (() => unknown)[] = [];
  let server: RunningServer | undefined;
  test.before(async () => {
    server = await startServer({ after: (cleanUp) => void cleanUps.push(cleanUp) }, args);
  });
  test.after(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });
  return () => server!;
}

/** Connects a client that ends with the test. */
export async function openClient(t: TestContext, options: ConnectOptions): Promise<Client> {
  const client = await connect(options);
  t.after(() => client.close({ drainMs: 0 }));
  return client;
}

export interface PeerRequest {
  readonly id: string;
  readonly op: string;
  readonly data?: unknown;
  readonly timeoutMs?: number;
}

export interface PeerConnection {
  readonly socket: Socket;
  /** Sends a frame with this body. */
  send(body: unknown): void;
}

export interface Peer {
  readonly port: number;
  /** Everything that was asked, over all connections, in order. */
  readonly requests: PeerRequest[];
  readonly connections: PeerConnection[];
  /** Ends all connections and listens no more. */
  stop(): Promise<void>;
}

/**
 * Listens like a server and does with each request what the test says. It is a client's counterpart, not a trama server.
 * What clients ask by themselves, it answers as a server does that does not drain: no test sees it, unless `upkeep` is set.
 * @param port 0 for any
 */
export async function openPeer(
  t: TestContext,
  onRequest: (request: PeerRequest, connection: PeerConnection) => void,
  options: { port?: number; onConnection?: (connection: PeerConnection) => void; upkeep?: boolean } = {},
): Promise<Peer> {
  const requests: PeerRequest[] = [];
  const connections: PeerConnection[] = [];
  const server: Server = createServer((socket) => {
    const send = (body: unknown) => socket.write(frame(typeof body === 'string' ? body : JSON.stringify(body)));
    const connection: PeerConnection = { socket, send };
    connections.push(connection);
    const reader = new FrameReader();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const body of reader.push(chunk)) {
        const request = JSON.parse(Buffer.from(body).toString()) as PeerRequest;
        if (options.upkeep !== true && request.id.startsWith('$')) {
          if (request.op === '$ping') send({ id: request.id, ok: true, result: { pong: true } });
          continue;
        }
        requests.push(request);
        onRequest(request, connection);
      }
    });
    options.onConnection?.(connection);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const { socket } of connections) socket.destroy();
    await closed;
  };
  t.after(stop);
  return { port: (server.address() as { port: number }).port, requests, connections, stop };
}

/** What a call came to: its error. Fails where there is none. */
export async function rejection(call: Promise<unknown>): Promise<Error & { code?: string; retryable?: boolean }> {
  try {
    await call;
  } catch (error) {
    return error as Error;
  }
  throw new Error('the call did not reject');
}
