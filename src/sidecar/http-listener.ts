/**
 * The sidecar's socket: a bare HTTP server that listens before anything is there to answer. Every request is left to
 * others; what it does itself is to refuse what is no HTTP request or too much of one, and to end connections in time.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { AcceptStep, Arrival } from '../server/channel/acceptor.js';
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
/** From the moment that it was accepted a socket has so long for its steps, such as PROXY and TLS. */
const stepsMs = 5_000;

export interface ListenerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number | 'off';
  /** The same over TLS. */
  readonly secure?: SecurePort | undefined;
  /** What a connection goes through first, on both ports. */
  readonly steps?: readonly AcceptStep[];
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
  const { secure, steps = [] } = options;
  const handOver = (arrival: Arrival) => void server.emit('connection', arrival.socket);
  // In the order of `ports`: each is the server itself where nothing comes before HTTP.
  const listeners = [
    port === 'off'
      ? undefined
      : { port, listener: steps.length === 0 ? server : listenerBy(steps, connections, handOver) },
    secure && { port: secure.port, listener: listenerBy([...steps, secure.handshake], connections, handOver) },
  ] as const;
  const closeListeners = () => {
    for (const each of listeners) each?.listener.close();
    server.close();
  };
  try {
    for (const each of listeners) if (each !== undefined) await listen(each.listener, host, each.port);
  } catch (error) {
    closeListeners();
    throw error;
  }
  // Node begins to look at the times of its connections at this event.
  if (!server.listening) server.emit('listening');
  const sweep = setInterval(() => connections.sweep(performance.now()), sweepMs).unref();
  return {
    server,
    ports: { plain: portOf(listeners[0]?.listener), secure: portOf(listeners[1]?.listener) },
    connections,
    close() {
      clearInterval(sweep);
      closeListeners();
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

/** A listener whose connections are handed over when they are through the steps. Until then they have a place as others have. */
function listenerBy(
  steps: readonly AcceptStep[],
  connections: HttpConnections,
  handOver: (arrival: Arrival) => void,
): net.Server {
  const accept = async (socket: net.Socket) => {
    const acceptedAtMs = performance.now();
    connections.add(socket, acceptedAtMs);
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), stepsMs);
    const { remoteAddress, remotePort } = socket;
    const first = { socket, address: { remoteAddress, remotePort }, identity: undefined };
    const arrival = await throughSteps(first, steps, acceptedAtMs + stepsMs);
    clearTimeout(timer);
    if (arrival === undefined) return void socket.destroy();
    if (arrival.socket.destroyed) return;
    connections.arrived(socket, arrival, performance.now());
    handOver(arrival);
    arrival.socket.resume();
  };
  const options = { noDelay: true, allowHalfOpen: true, pauseOnConnect: true };
  return net.createServer(options, (socket) => void accept(socket));
}

async function throughSteps(first: Arrival, steps: readonly AcceptStep[], deadlineMs: number) {
  let arrival: Arrival | undefined = first;
  for (const step of steps) {
    arrival = await step(arrival, deadlineMs);
    if (arrival === undefined) return undefined;
  }
  return arrival;
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
