/**
 * The sidecar's socket: a bare HTTP server that listens before anything is there to answer. What it leaves to others is
 * every request; what it does itself is refuse what is no HTTP.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Far above what probes, scrapes and a person's calls need. */
const connectionsMax = 1024;

export interface ListenerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Milliseconds for a whole request to arrive. */
  readonly requestTimeoutMs: number;
  /** The body of the answer to what is no HTTP request, as JSON. */
  readonly malformedBody: string;
}

/** @throws the error of `listen`, as Node gives it, where the address cannot be listened on */
export async function listenHttp(options: ListenerOptions, answer: Answer): Promise<Server> {
  const { host, port, requestTimeoutMs: requestTimeout, malformedBody } = options;
  // Node looks for requests that take too long at an interval of its own: often enough for a short limit too.
  const connectionsCheckingInterval = Math.min(1000, requestTimeout);
  const server = createServer({ requestTimeout, headersTimeout: requestTimeout, connectionsCheckingInterval }, answer);
  server.maxConnections = connectionsMax;
  server.on('clientError', (_error, socket) => {
    if (!socket.writable) return;
    const head = `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(malformedBody)}`;
    socket.end(`HTTP/1.1 400 Bad Request\r\n${head}\r\nconnection: close\r\n\r\n${malformedBody}`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host, port }, resolve);
  });
  return server;
}
