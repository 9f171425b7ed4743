/**
 * The HTTP application: routes, and one shape for all that goes wrong. It has no socket of its own and no OpenAPI;
 * `sidecar.ts` hands requests to it, `api-document.ts` reads its routes.
 */

import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import type { FastifySchemaControllerOptions } from 'fastify/types/schema.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { cutText } from '../protocol/cut-text.js';
import type { ServerView } from '../server/server-view.js';
import { addSecurityHeaders, refuseReboundHosts } from './browser-guard.js';
import { askWhoCalls, type PeerOf } from './callers.js';
import { addCallRoute, type CallLimits, type Calls } from './calls.js';
import { indexPage } from './index-page.js';
import { type KeptAnswer, KeptAnswers } from './kept-answers.js';
import { loadFastify } from './libraries.js';
import type { Metrics } from './metrics.js';
import { addReloadRoute } from './reload-route.js';
import { replyError } from './replies.js';
import { RouteTable } from './route-table.js';
import { livezSchema, metricsSchema, opsSchema, readyzSchema } from './schemas.js';

/** The smallest part of pino's logger that the sidecar needs. */
export interface SidecarLog {
  error(fields: object, message: string): void;
}

export interface AppOptions extends CallLimits {
  /** Who a caller is, where that was found out on its way in. */
  readonly peerOf?: PeerOf;
  readonly log: SidecarLog;
  /** The version of this package. */
  readonly version: string;
  /** Loads the operations anew, see `ServerView.reload`. */
  readonly reload: () => Promise<readonly OperationInfo[]>;
}

/** Longer than any operation is named; find-my-way's own limit of 100 would answer in words of its own. */
const nameLengthMax = 1024;

/** Characters of a URL that an answer repeats. */
const shownUrlLength = 200;

/** Schemas describe only, see `schemas.ts`; fastify's types know of no compiler but ajv's. */
const compilersFactory = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => JSON.stringify,
} as unknown as NonNullable<FastifySchemaControllerOptions['compilersFactory']>;

/** An application without routes: what is common to all that is answered over HTTP. */
export function createApp(options: AppOptions, view: ServerView): FastifyInstance {
  const { fastify } = loadFastify();
  const http: FastifyInstance = fastify({
    routerOptions: { maxParamLength: nameLengthMax },
    schemaController: { compilersFactory },
    frameworkErrors: (error, _request, reply) => {
      replyError(reply as never, 'BAD_REQUEST', sentence(error), error.statusCode ?? 400);
    },
  });
  addSecurityHeaders(http);
  http.addHook('onRequest', refuseReboundHosts(options.host));
  askWhoCalls(http, view, options.host, options.peerOf);
  takeBodiesAsTheyCome(http);
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
  addProbes(http, view, options.version);
  addReadRoutes(http, view, metrics);
  addReloadRoute(http, view, options);
  return addCallRoute(http, view, options);
}

/** Answers with bytes that are kept. */
export function replyKept(reply: FastifyReply, { status, headers, body }: KeptAnswer): FastifyReply {
  return reply.code(status).headers(headers).send(body);
}

/** A handler that wants a body reads it by itself, as it comes. */
function takeBodiesAsTheyCome(http: FastifyInstance): void {
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('*', (_request, body, done) => done(null, body));
}

function answerFaults(http: FastifyInstance, { log }: AppOptions): void {
  const routes = new RouteTable();
  http.addHook('onRoute', ({ url, method }) => routes.add(url, method));
  // find-my-way takes an empty segment for a parameter too.
  http.addHook('onRequest', (request, reply, done) => {
    if ((request.params as { op?: string } | undefined)?.op === '') reply.callNotFound();
    else done();
  });
  http.setNotFoundHandler((request, reply) => {
    const url = cutText(request.url, shownUrlLength);
    const methods = routes.methodsOf(request.url);
    if (methods.length === 0) return replyError(reply, 'BAD_REQUEST', `there is no ${url}; see /openapi.json`, 404);
    const allowed = methods.join(', ');
    const error = `${url} takes ${allowed} and not ${request.method}`;
    return replyError(reply.header('allow', allowed), 'BAD_REQUEST', error, 405);
  });
  http.setErrorHandler(async (error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
      return replyError(reply, 'BAD_REQUEST', 'the content-type is no media type; application/json is one', status);
    }
    if (status < 500) return replyError(reply, 'BAD_REQUEST', sentence(error), status);
    log.error({ err: error, method: request.method, url: request.url }, 'an HTTP request failed');
    return replyError(reply, 'INTERNAL', 'the server failed at this request; its log has the cause');
  });
}

function sentence(error: Error): string {
  return cutText(error.message.replaceAll(/\s+/g, ' '), 2 * shownUrlLength);
}

function addProbes(http: FastifyInstance, view: ServerView, version: string): void {
  http.get('/livez', { schema: livezSchema }, () => ({ live: true, version }));
  http.get('/readyz', { schema: readyzSchema }, (request, reply) => {
    const readiness = view.readiness();
    // To a balancer 503 may mean that the server is dead, and its connections too; while it drains they are not.
    const { drain } = request.query as { drain?: unknown };
    const isEnding = view.state() === 'leaving' || view.state() === 'draining';
    const otherwise = drain === '404' && isEnding ? 404 : 503;
    return reply.code(readiness.ready ? 200 : otherwise).send(readiness);
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
  const kept = new KeptAnswers(() => view.operations());
  http.get('/v1/ops', { schema: opsSchema }, async (_request, reply) =>
    replyKept(reply, await kept.get('/v1/ops', () => jsonAnswer(view.operations().map(publicMembers)))),
  );
}

/** JSON as an answer to keep. */
export function jsonAnswer(value: unknown): KeptAnswer {
  const headers = { 'content-type': 'application/json; charset=utf-8' };
  return { status: 200, headers, body: Buffer.from(JSON.stringify(value)) };
}

/** The members that `$ops` shows. */
function publicMembers({ name, description, streaming, input, output }: OperationInfo) {
  return { name, description, streaming, input, output };
}
