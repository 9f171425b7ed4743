/** Puts the HTTP application together: its routes, and what few ask for and is loaded when asked. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerView } from '../server/server-view.js';
import { type ApiDocument, createApiDocument } from './api-document.js';
import { type AppOptions, addRoutes, createApp, replyKept } from './app.js';
import type { Calls } from './calls.js';
import type { HttpConnections } from './connections.js';
import type { Answer } from './http-listener.js';
import { Lazy } from './lazy.js';
import { createMetrics, type Metrics } from './metrics.js';

export interface Application {
  readonly handle: Answer;
  /** Loads what the first scrape needs. */
  warmUp(): Promise<unknown>;
  /** See `Sidecar.drain`. */
  drain(drainMs: number): Promise<{ readonly cut: number }>;
  close(): Promise<void>;
}

/** @param connections given later than this is called: the socket listens first */
export async function loadApplication(
  view: ServerView,
  options: AppOptions,
  connections: () => HttpConnections,
): Promise<Application> {
  const metrics = new Lazy<Metrics>(async () => createMetrics(view, connections(), options.version));
  const document = new Lazy<ApiDocument>(() => loadDocument(view, options));
  const http = createApp(options, view);
  addDocumentRoutes(http, document);
  const calls = addRoutes(http, view, options, () => metrics.get());
  await http.ready();
  return {
    handle: (request, response) => http.routing(request, response),
    warmUp: () => metrics.get(),
    drain: (drainMs) => drain(calls, drainMs),
    async close() {
      await http.close();
      await (await document.peek())?.close();
    },
  };
}

async function loadDocument(view: ServerView, options: AppOptions): Promise<ApiDocument> {
  const noMetrics = () => Promise.reject(new Error('the document’s own routes are never called'));
  const addDescribedRoutes = (http: FastifyInstance) => addRoutes(http, view, options, noMetrics);
  return createApiDocument(createApp(options, { ...view, authMode: 'off' }), addDescribedRoutes, view, options.version);
}

function addDocumentRoutes(http: FastifyInstance, document: Lazy<ApiDocument>): void {
  const answer = async (request: FastifyRequest, reply: FastifyReply) =>
    replyKept(reply, await (await document.get()).answer(request.url));
  for (const url of ['/openapi.json', '/docs', '/docs/*']) {
    http.get(url, { schema: { hide: true } as object }, answer);
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
