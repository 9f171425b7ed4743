/**
 * `POST /v1/call/:op`: one operation, for those who have only an HTTP client.
 *
 * Invariants: a body reaches the server with the very bytes that came, as they come, so no digit is lost and nothing is
 * held here. A caller that hangs up stops the work.
 *
 * Leaves the check of the body, budgets, queues, deadlines and the response's bytes to the server behind `ServerView`.
 */

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerView } from '../server/server-view.js';
import { refuseForeignPages } from './browser-guard.js';
import { callerOf } from './callers.js';
import { replyError, replyResponse } from './replies.js';
import { callSchema } from './schemas.js';

export interface CallLimits {
  /** Address that the sidecar listens on. */
  readonly host: string;
  readonly maxFrameBytes: number;
}

export interface Calls {
  /** Calls that have come but are not answered to the last byte. */
  inFlight(): number;
  /** Resolves once none is in flight. */
  idle(): Promise<void>;
}

type CallRequest = FastifyRequest<{
  Params: { op: string };
  Querystring: { 'timeout-ms'?: unknown; timeoutMs?: unknown };
  Body: IncomingMessage | undefined;
}>;

export function addCallRoute(app: FastifyInstance, view: ServerView, limits: CallLimits): Calls {
  let inFlight = 0;
  const whenIdle: (() => void)[] = [];

  /** Before the body is read: what would not fit is not waited for. */
  function admit(_request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    if (view.state() === 'draining') {
      replyError(reply.header('connection', 'close'), 'SHUTTING_DOWN', 'the server is shutting down');
      return;
    }
    inFlight++;
    reply.raw.once('close', () => {
      inFlight--;
      if (inFlight === 0) for (const resolve of whenIdle.splice(0)) resolve();
    });
    done();
  }

  app.route({
    method: 'POST',
    url: '/v1/call/:op',
    schema: callSchema,
    onRequest: [refuseForeignPages(limits.host), admit],
    handler: (request, reply) => answerCall(view, request as CallRequest, reply, limits),
  });
  return {
    inFlight: () => inFlight,
    idle: () => (inFlight === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
  };
}

async function answerCall(
  view: ServerView,
  request: CallRequest,
  reply: FastifyReply,
  { maxFrameBytes: bytesMax }: CallLimits,
): Promise<FastifyReply> {
  const timeoutMs = readTimeout(request);
  if (typeof timeoutMs === 'string') return replyError(reply, 'BAD_REQUEST', timeoutMs);
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) {
    const limit = `the body is over the limit of ${bytesMax} bytes (--max-frame-bytes)`;
    return replyError(reply, 'FRAME_TOO_LARGE', `${limit}; a sum of any size goes over the TCP port`);
  }
  const hangUp = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) hangUp.abort();
  });
  try {
    const options = { signal: hangUp.signal, timeoutMs, identity: callerOf(request) };
    const response = await view.call(request.params.op, piecesOf(request.body), options);
    return replyResponse(reply, response);
  } catch (error) {
    // Nobody is there to be answered.
    if (hangUp.signal.aborted || request.raw.destroyed) return reply.hijack();
    throw error;
  }
}

/** The body as it comes. What is not wanted of it any more is read and thrown away. */
async function* piecesOf(body: IncomingMessage | undefined): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  try {
    yield* body.iterator({ destroyOnReturn: false });
  } finally {
    body.resume();
  }
}

/** Milliseconds, undefined for none, or what is wrong with it. */
function readTimeout(request: CallRequest): number | undefined | string {
  const text = request.query['timeout-ms'] ?? request.query.timeoutMs ?? request.headers['timeout-ms'];
  if (text === undefined) return undefined;
  const timeoutMs = typeof text === 'string' && /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (timeoutMs > 0 && Number.isFinite(timeoutMs)) return timeoutMs;
  return `timeout-ms must be one number of milliseconds above 0, not ${JSON.stringify(text)}`;
}
