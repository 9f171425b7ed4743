/**
 * The HTTP application: routes, and one shape for all that goes wrong. It has no socket of its own and no OpenAPI;
 * `sidecar.ts` hands requests to it, `api-document.ts` reads its routes.
 */

import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import type { FastifySchemaControllerOptions } from 'fastify/types/schema.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { ServerView } from '../server/server-view.js';
import { addSecurityHeaders } from './browser-guard.js';
import { addCallRoute, bodyBytesMax, type CallLimits, type Calls } from './calls.js';
import { indexPage } from './index-page.js';
import type { Metrics } from './metrics.js';
import { replyError } from './replies.js';
import { livezSchema, metricsSchema, opsSchema, readyzSchema } from './schemas.js';

/** The smallest part of pino's logger that the sidecar needs. */
export interface SidecarLog {
  error(fields: object, message: string): void;
}

export interface AppOptions extends CallLimits {
  readonly log: SidecarLog;
}

const passOverMs = 1000;

/** Longer than any operation is named; find-my-way's own limit of 100 would answer in words of its own. */
const nameLengthMax = 1024;

/** Schemas describe only, see `schemas.ts`; fastify's types know of no compiler but ajv's. */
const compilersFactory = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => JSON.stringify,
} as unknown as NonNullable<FastifySchemaControllerOptions['compilersFactory']>;

/** An application without routes: what is common to all that is answered over HTTP. */
export function createApp(options: AppOptions): FastifyInstance {
  const http: FastifyInstance = fastify({
    bodyLimit: bodyBytesMax(options.maxFrameBytes),
    routerOptions: { maxParamLength: nameLengthMax },
    schemaController: { compilersFactory },
    frameworkErrors: (error, _request, reply) => {
      replyError(reply as never, 'BAD_REQUEST', sentence(error), error.statusCode ?? 400);
    },
  });
  addSecurityHeaders(http);
  takeBodiesAsBytes(http);
  answerFaults(http, options);
  return http;
}

/** @param metrics called at a scrape only */
export function addRoutes(
  http: FastifyInstance,
  view: ServerView,
  options: AppOptions,
  metrics: () => Promise<Metrics>,
): Calls {
  addProbes(http, view);
  addReadRoutes(http, view, metrics);
  return addCallRoute(http, view, options);
}

function takeBodiesAsBytes(http: FastifyInstance): void {
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

function answerFaults(http: FastifyInstance, { log, maxFrameBytes }: AppOptions): void {
  http.setNotFoundHandler((request, reply) => {
    if (request.url.startsWith('/v1/call/')) {
      return replyError(reply.header('allow', 'POST'), 'BAD_REQUEST', 'an operation is called with POST', 405);
    }
    return replyError(reply, 'BAD_REQUEST', `there is no ${request.method} ${request.url}; see /openapi.json`, 404);
  });
  http.setErrorHandler(async (error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      await passOver(request.raw);
      const limit = `the body is over the limit of ${bodyBytesMax(maxFrameBytes)} bytes (--max-frame-bytes)`;
      return replyError(reply, 'FRAME_TOO_LARGE', `${limit}; a sum of any size goes over the TCP port`);
    }
    if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
      return replyError(reply, 'BAD_REQUEST', 'the content-type is no media type; application/json is one', status);
    }
    if (status < 500) return replyError(reply, 'BAD_REQUEST', sentence(error), status);
    log.error({ err: error, method: request.method, url: request.url }, 'an HTTP request failed');
    return replyError(reply, 'INTERNAL', 'the server failed at this request; its log has the cause');
  });
}

/**
 * Lets a body that is refused run on for a moment. The connection closes behind the answer; with bytes that nobody has
 * read it would be reset, and a client that still sends might never see the answer.
 */
async function passOver(body: IncomingMessage): Promise<void> {
  body.resume();
  await finished(body, { writable: false, signal: AbortSignal.timeout(passOverMs) }).catch(() => {});
}

function sentence(error: Error): string {
  return error.message.replaceAll(/\s+/g, ' ');
}

const notReadyReasons = {
  starting: 'the worker threads are not warm yet',
  draining: 'the server is shutting down',
} as const;

function addProbes(http: FastifyInstance, view: ServerView): void {
  http.get('/livez', { schema: livezSchema }, () => ({ live: true }));
  http.get('/readyz', { schema: readyzSchema }, (_request, reply) => {
    const state = view.state();
    if (state === 'ready') return reply.send({ ready: true });
    return reply.code(503).send({ ready: false, reason: notReadyReasons[state] });
  });
}

function addReadRoutes(http: FastifyInstance, view: ServerView, metrics: () => Promise<Metrics>): void {
  http.get('/', { schema: { hide: true } as object }, (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(indexPage),
  );
  http.get('/metrics', { schema: metricsSchema }, async (_request, reply) => {
    const { contentType, scrape } = await metrics();
    return reply.type(contentType).send(await scrape());
  });
  http.get('/v1/ops', { schema: opsSchema }, () => view.operations().map(publicMembers));
}

/** The members that `$ops` shows. */
function publicMembers({ name, description, streaming, input, output }: OperationInfo) {
  return { name, description, streaming, input, output };
}
