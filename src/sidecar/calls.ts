/**
 * `POST /v1/call/:op`: one operation, for those who have only an HTTP client.
 *
 * Invariants: a body reaches the server only as one JSON value in UTF-8, with the very bytes that came, so no digit is
 * lost and no body can add members to the request around it. The bytes of all bodies held at once stay within a
 * budget. A caller that hangs up stops the work.
 *
 * Leaves queues, deadlines and the response's bytes to the server behind `ServerView`.
 */

import { constants } from 'node:buffer';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServerView } from '../server/server-view.js';
import { refuseForeignPages } from './browser-guard.js';
import { replyError, replyResponse } from './replies.js';
import { callSchema } from './schemas.js';

export interface CallLimits {
  /** Address that the sidecar listens on. */
  readonly host: string;
  readonly maxFrameBytes: number;
  /** Bytes of bodies held by all calls at once. */
  readonly maxHeldBytes: number;
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
  Body: Buffer | undefined;
}>;

/** The largest body that can be both within the limit and checked as one text. */
export function bodyBytesMax(maxFrameBytes: number): number {
  return Math.min(maxFrameBytes, constants.MAX_STRING_LENGTH);
}

export function addCallRoute(app: FastifyInstance, view: ServerView, limits: CallLimits): Calls {
  let inFlight = 0;
  let bytesHeld = 0;
  const whenIdle: (() => void)[] = [];

  /** Before the body is read: what would not fit is not waited for. */
  function admit(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    if (view.state() === 'draining') {
      replyError(reply.header('connection', 'close'), 'SHUTTING_DOWN', 'the server is shutting down');
      return;
    }
    const bytes = announcedBytes(request, limits.maxFrameBytes);
    if (bytesHeld + bytes > limits.maxHeldBytes) {
      const error = `the HTTP side holds ${bytesHeld} of at most ${limits.maxHeldBytes} bytes; try again`;
      replyError(reply.header('connection', 'close'), 'OVERLOADED', error);
      return;
    }
    inFlight++;
    bytesHeld += bytes;
    reply.raw.once('close', () => {
      inFlight--;
      bytesHeld -= bytes;
      if (inFlight === 0) for (const resolve of whenIdle.splice(0)) resolve();
    });
    done();
  }

  app.route({
    method: 'POST',
    url: '/v1/call/:op',
    schema: callSchema,
    bodyLimit: bodyBytesMax(limits.maxFrameBytes),
    onRequest: [refuseForeignPages(limits.host), admit],
    handler: (request, reply) => answerCall(view, request as CallRequest, reply),
  });
  return {
    inFlight: () => inFlight,
    idle: () => (inFlight === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
  };
}

function announcedBytes(request: FastifyRequest, maxFrameBytes: number): number {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  // A chunked body does not say its size, so it is counted as the largest that it may be.
  return encoding === undefined ? Math.min(Number(length ?? 0), maxFrameBytes) : maxFrameBytes;
}

const nullBytes = Buffer.from('null');

async function answerCall(view: ServerView, request: CallRequest, reply: FastifyReply): Promise<FastifyReply> {
  const timeoutMs = readTimeout(request);
  if (typeof timeoutMs === 'string') return replyError(reply, 'BAD_REQUEST', timeoutMs);
  const data = request.body === undefined || request.body.length === 0 ? nullBytes : request.body;
  const place = view.check(data);
  if (place >= 0) return replyError(reply, 'BAD_JSON', `the body is not one JSON value in UTF-8: see byte ${place}`);

  const hangUp = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) hangUp.abort();
  });
  try {
    const options = { signal: hangUp.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return replyResponse(reply, await view.call(request.params.op, data, options));
  } catch (error) {
    // Nobody is there to be answered.
    if (hangUp.signal.aborted) return reply.hijack();
    throw error;
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
