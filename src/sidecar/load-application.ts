/** Puts the HTTP application together: its routes, and what few ask for and is loaded when asked. */

import type { FastifyInstance } from 'fastify';
import type { ServerView } from '../server/server-view.js';
import type { ApiDocument } from './api-document.js';
import { type AppOptions, addRoutes, createApp } from './app.js';
import type { Calls } from './calls.js';
import type { Answer } from './http-listener.js';
import type { Metrics } from './metrics.js';

export interface Application {
  readonly handle: Answer;
  /** Loads what the first scrape needs. */
  warmUp(): Promise<unknown>;
  /** See `Sidecar.drain`. */
  drain(drainMs: number): Promise<{ readonly cut: number }>;
  close(): Promise<void>;
}

export async function loadApplication(view: ServerView, options: AppOptions): Promise<Application> {
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
  await http.ready();
  return {
    handle: (request, response) => http.routing(request, response),
    warmUp: metrics,
    drain: (drainMs) => drain(calls, drainMs),
    async close() {
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
