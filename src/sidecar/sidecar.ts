/**
 * The HTTP side of the server: health, metrics, the operations for those who have only an HTTP client, and pages to
 * read about them. It sees the server through `ServerView` alone.
 *
 * Invariant: it holds up neither the start (what few ask for is loaded when asked) nor the end (`drain` waits for its
 * calls no longer than it is told, `close` ends what is left).
 */

import type { AcceptStep } from '../server/channel/acceptor.js';
import type { ServerView } from '../server/server-view.js';
import type { AppOptions } from './app.js';
import type { PeerOf } from './callers.js';
import { type Answer, type HttpListener, listenHttp, type SecurePort } from './http-listener.js';
import { Lazy } from './lazy.js';
import { type Application, loadApplication } from './load-application.js';
import { refusals, writeRefusal } from './refusals.js';

export interface SidecarOptions extends AppOptions {
  /** 0 picks a free one. */
  readonly port: number | 'off';
  /** The same over TLS. */
  readonly secure?: SecurePort | undefined;
  /** What a connection goes through first, on both ports. */
  readonly steps?: readonly AcceptStep[];
  /** Milliseconds for a whole request to arrive. */
  readonly frameTimeoutMs: number;
  /** Connections open at once. */
  readonly connectionsMax: number;
}

export interface Sidecar {
  /** In fact; 0 where it is off. */
  readonly port: number;
  /** The same of the port with TLS. */
  readonly securePort: number;
  /** Waits for the calls in flight, at most `drainMs`; new ones are refused once the server's state says so. */
  drain(drainMs: number): Promise<{ readonly cut: number }>;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/**
 * Loading fastify and prom-client takes some 150 ms of the event loop: after the rush of the start, unless somebody asks
 * before.
 */
const loadDelayMs = 1000;

/** @throws the error of `listen`, as Node gives it, where the address cannot be listened on */
export async function startSidecar(view: ServerView, options: SidecarOptions): Promise<Sidecar> {
  let listener: HttpListener;
  const peerOf: PeerOf = (socket) => listener.connections.peerOf(socket);
  const application = new Lazy<Application>(() =>
    loadApplication(view, { ...options, peerOf }, () => listener.connections),
  );
  const answer: Answer = async (request, response) => {
    let loaded: Application;
    try {
      loaded = await application.get();
    } catch (error) {
      // Such as too many open files. The next request tries again.
      options.log.error({ err: error }, 'the HTTP side could not be loaded');
      writeRefusal(response, refusals.unloaded);
      return;
    }
    loaded.handle(request, response);
  };
  const { host, port, secure, steps = [], frameTimeoutMs: requestTimeoutMs, connectionsMax } = options;
  listener = await listenHttp({ host, port, secure, steps, requestTimeoutMs, connectionsMax }, answer);
  const warmUp = async () => (await application.get()).warmUp();
  // Should a part of it fail, the request that needs it will say so.
  const loadTimer = setTimeout(() => void warmUp().catch(() => {}), loadDelayMs).unref();

  return {
    port: listener.ports.plain,
    securePort: listener.ports.secure,
    drain: async (drainMs) => (await application.peek())?.drain(drainMs) ?? { cut: 0 },
    async close() {
      clearTimeout(loadTimer);
      listener.close();
      await (await application.peek())?.close();
    },
  };
}
