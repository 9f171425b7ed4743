/**
 * The HTTP side of the server: health, metrics, the operations for those who have only an HTTP client, and pages to
 * read about them. It sees the server through `ServerView` alone.
 *
 * Invariant: it holds up neither the start (what few ask for is loaded when asked) nor the end (`drain` waits for its
 * calls no longer than it is told, `close` ends what is left).
 */

import type { AddressInfo } from 'node:net';
import type { ServerView } from '../server/server-view.js';
import type { AppOptions } from './app.js';
import { type Answer, listenHttp } from './http-listener.js';
import { httpStatusByCode } from './http-status.js';
import type { Application } from './load-application.js';

export interface SidecarOptions extends AppOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Milliseconds for a whole request to arrive. */
  readonly frameTimeoutMs: number;
}

export interface Sidecar {
  readonly port: number;
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

const malformedBody = JSON.stringify({
  id: null,
  ok: false,
  error: 'this is not a well-formed HTTP request, or it did not arrive in time',
  code: 'BAD_REQUEST',
});

const unloadedBody = JSON.stringify({
  id: null,
  ok: false,
  error: "the HTTP side could not be loaded; the server's log has the cause",
  code: 'INTERNAL',
});

/** @throws the error of `listen`, as Node gives it, where the address cannot be listened on */
export async function startSidecar(view: ServerView, options: SidecarOptions): Promise<Sidecar> {
  let loading: Promise<Application | undefined> | undefined;
  const load = async () => {
    try {
      const { loadApplication } = await import('./load-application.js');
      return await loadApplication(view, options);
    } catch (error) {
      // Such as too many open files. The next request tries again; Node 20 remembers a module that it could not read.
      loading = undefined;
      options.log.error({ err: error }, 'the HTTP side could not be loaded: restart the server if this goes on');
      return undefined;
    }
  };
  const application = () => {
    loading ??= load();
    return loading;
  };
  const answer: Answer = async (request, response) => {
    const loaded = await application();
    if (loaded) loaded.handle(request, response);
    else response.writeHead(httpStatusByCode.INTERNAL, { 'content-type': 'application/json' }).end(unloadedBody);
  };
  const { host, port, frameTimeoutMs: requestTimeoutMs } = options;
  const server = await listenHttp({ host, port, requestTimeoutMs, malformedBody }, answer);
  const warmUp = async () => (await application())?.warmUp();
  // Should a part of it fail, the request that needs it will say so.
  const loadTimer = setTimeout(() => void warmUp().catch(() => {}), loadDelayMs).unref();

  return {
    port: (server.address() as AddressInfo).port,
    drain: async (drainMs) => (await loading)?.drain(drainMs) ?? { cut: 0 },
    async close() {
      clearTimeout(loadTimer);
      server.close();
      server.closeAllConnections();
      await (await loading)?.close();
    },
  };
}
