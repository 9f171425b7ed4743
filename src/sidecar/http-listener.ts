/**
 * The sidecar's socket: a bare HTTP server that listens before anything is there to answer. Every request is left to
 * others; what it does itself is to refuse what is no HTTP request or too much of one, and to end connections in time.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { AcceptStep } from '../server/channel/acceptor.js';
import { type ConnectionTimes, HttpConnections } from './connections.js';
import { refusalOf, refusals, writeRefusal } from './refusals.js';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An idle connection is kept for a peer that asks again within this. */
const keepAliveMs = 5_000;
/** What an answer has at least to be taken in. */
const answerMs = 30_000;
/** Slower readers are not kept, on the whole. */
const answerBytesPerSecond = 10_000;
/** What a refused peer has to read why. */
const endingMs = 1_000;
/** How often the times are looked at: a connection may live longer by that much. */
const sweepMs = 500;
/** From the moment that it was accepted a socket has so long for its TLS handshake. */
const handshakeMs = 5_000;

export interface ListenerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number | 'off';
  /** The same over TLS. */
  readonly secure?: SecurePort | undefined;
  /** Milliseconds for a whole request to arrive. */
  readonly requestTimeoutMs: number;
  /** Connections open at once. */
  readonly connectionsMax: number;
  /** Other limits than the usual ones, for tests. */
  readonly times?: Partial<ConnectionTimes>;
}

export interface SecurePort {
  /** 0 picks a free one. */
  readonly port: number;
  /** Makes a TLS socket of an accepted one. */
  readonly handshake: AcceptStep;
}

export interface HttpListener {
  readonly server: Server;
  /** In fact; 0 for one that is off. */
  readonly ports: { readonly plain: number; readonly secure: number };
  readonly connections: HttpConnections;
  /** Stops listening and ends every connection. */
  close(): void;
}

/** @throws the error of `listen`, as Node gives it, where the address cannot be listened on */
export async function listenHttp(options: ListenerOptions, answer: Answer): Promise<HttpListener> {
  const { host, port, requestTimeoutMs: requestMs, connectionsMax } = options;
  const times = { keepAliveMs, requestMs, answerMs, answerBytesPerSecond, endingMs, ...options.times };
  const connections = new HttpConnections(connectionsMax, times);
  const settings = {
    requestTimeout: times.requestMs,
    headersTimeout: times.requestMs,
    keepAliveTimeout: times.keepAliveMs,
    // Node looks for requests that take too long at an interval of its own: often enough for a short limit too.
    connectionsCheckingInterval: Math.min(1000, times.requestMs),
    // Without a host is refused below, in the words that everything else is refused in.
    requireHostHeader: false,
  };
  const server = createServer(settings, (request, response) => {
    const { isBusy } = connections;
    connections.begin(request, response, performance.now());
    if (connections.isCrowded) response.shouldKeepAlive = false;
    if (request.httpVersion === '1.1' && request.headers.host === undefined) {
      writeRefusal(response, refusals.hostMissing);
    } else if (request.method === 'POST' && isBusy) writeRefusal(response, refusals.busy);
    else answer(request, response);
  });
  server.on('connection', (socket) => connections.add(socket, performance.now()));
  server.on('clientError', (error, socket) => refuse(connections, error, socket, times.requestMs));
  if (port !== 'off') await listen(server, host, port);
  // Node begins to look at the times of its connections at this event.
  else server.emit('listening');
  const secure =
    options.secure &&
    (await listenSecurely(options.secure, host, server, connections).catch((error) => {
      server.close();
      throw error;
    }));
  const sweep = setInterval(() => connections.sweep(performance.now()), sweepMs).unref();
  return {
    server,
    ports: { plain: portOf(server), secure: portOf(secure) },
    connections,
    close() {
      clearInterval(sweep);
      secure?.close();
      server.close();
      connections.destroyAll();
    },
  };
}

async function listen(server: net.Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host, port }, resolve);
  });
}

function portOf(server: net.Server | undefined): number {
  return (server?.address() as net.AddressInfo | null | undefined)?.port ?? 0;
}

/** A listener whose connections become the server's when they are secure. Until then they have a place as others have. */
async function listenSecurely(
  { port, handshake }: SecurePort,
  host: string,
  server: Server,
  connections: HttpConnections,
): Promise<net.Server> {
  const accept = async (socket: net.Socket) => {
    const acceptedAtMs = performance.now();
    connections.add(socket, acceptedAtMs);
    if (socket.destroyed) return;
    const { remoteAddress, remotePort } = socket;
    const arrival = { socket, address: { remoteAddress, remotePort }, identity: undefined };
    const through = await handshake(arrival, acceptedAtMs + handshakeMs);
    if (through === undefined || through.socket.destroyed) return;
    connections.secured(socket, through.socket, through.identity, performance.now());
    server.emit('connection', through.socket);
  };
  const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: true };
  const listener = net.createServer(options, (socket) => void accept(socket));
  await listen(listener, host, port);
  return listener;
}

/** Answers what is no request, and ends the connection: at once where the other side does, after a moment otherwise. */
function refuse(connections: HttpConnections, error: Error, socket: Duplex, requestMs: number): void {
  if (!socket.writable || connections.hasBegunToAnswer(socket)) {
    socket.destroy();
    return;
  }
  const refusal = refusalOf((error as NodeJS.ErrnoException).code, requestMs);
  connections.end(socket, refusal.status === 408 ? 'late' : 'malformed', performance.now());
  socket.end(refusal.asHttp());
}
