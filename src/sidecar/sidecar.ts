/**
 * The HTTP side of the server: health, metrics, the operations for those who have only an HTTP client, and pages to
 * read about them. It sees the server through `ServerView` alone.
 *
 * Invariant: it holds up neither the start (what few ask for is loaded when asked) nor the end (`drain` waits for its
 * calls no longer than it is told, `close` ends what is left).
 */

import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ServerView } from '../server/server-view.js';
import type { ApiDocument } from './api-document.js';
import { type AppOptions, addRoutes, createApp } from './app.js';
import type { Calls } from './calls.js';
import type { Metrics } from './metrics.js';

export interface SidecarOptions extends AppOptions {
  /** 0 picks a free one. */
  readonly port: number;
}

export interface Sidecar {
  readonly port: number;
  /** Waits for the calls in flight, at most `drainMs`; new ones are refused once the server's state says so. */
  drain(drainMs: number): Promise<{ readonly cut: number }>;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** Far above what probes, scrapes and a person's calls need. */
const connectionsMax = 1024;

/** Loading prom-client takes some 60 ms of the event loop: after the rush of the start, and before the first scrape. */
const metricsLoadDelayMs = 1000;

/** @throws the error of `listen`, as Node gives it, where the address cannot be listened on */
export async function startSidecar(view: ServerView, options: SidecarOptions): Promise<Sidecar> {
  let loadedMetrics: Promise<Metrics> | undefined;
  const metrics = () => {
    loadedMetrics ??= loadMetrics(view);
    return loadedMetrics;
  };
  let loadedDocument: Promise<ApiDocument> | undefined;
  const document = () => {
    loadedDocument ??= loadDocument(view, options);
    return loadedDocument;
  };

  const http = createApp(options);
  const calls = addRoutes(http, view, options, metrics);
  addDocumentRoutes(http, document);
  http.server.maxConnections = connectionsMax;
  await http.listen({ host: options.host, port: options.port });
  // Should it fail, the scrape that needs it will say so.
  const metricsTimer = setTimeout(() => metrics().catch(() => {}), metricsLoadDelayMs).unref();

  return {
    port: (http.server.address() as AddressInfo).port,
    drain: (drainMs) => drain(calls, drainMs),
    async close() {
      clearTimeout(metricsTimer);
      await http.close();
      await (await loadedDocument)?.close();
    },
  };
}

async function loadMetrics(view: ServerView): Promise<Metrics> {
  const { createMetrics } = await import('./metrics.js');
  return createMetrics(() => view.snapshot());
}

async function loadDocument(view: ServerView, options: AppOptions): Promise<ApiDocument> {
  const { createApiDocument } = await import('./api-document.js');
  const noMetrics = () => Promise.reject(new Error('the document’s own routes are never called'));
  return createApiDocument(createApp(options), (http) => addRoutes(http, view, options, noMetrics), view);
}

/** Hands the requests for the document to the application that it lives in. */
function addDocumentRoutes(http: FastifyInstance, document: () => Promise<ApiDocument>): void {
  for (const url of ['/openapi.json', '/docs', '/docs/*']) {
    http.get(url, async (request, reply) => {
      const { handle } = await document();
      reply.hijack();
      handle(request.raw, reply.raw);
    });
  }
}

async function drain(calls: Calls, drainMs: number): Promise<{ cut: number }> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, drainMs);
  });
  await Promise.race([calls.idle(), timeUp]);
  clearTimeout(timer);
  return { cut: calls.inFlight() };
}
