/**
 * The shape of everything that goes wrong over HTTP: the wire protocol's own error response, in one JSON sentence.
 *
 * Leaves the response bodies of operations alone: those come from the server and are passed on as bytes; only their
 * first members are read, to find the status.
 */

import type { FastifyReply } from 'fastify';
import type { WireErrorCode } from '../errors.js';
import { httpStatusByCode, retryAfterSeconds } from './http-status.js';

/** An error response as the wire protocol has it, for a request that has no id. */
export function errorBody(code: WireErrorCode, error: string): string {
  return JSON.stringify({ id: null, ok: false, error, code });
}

/** Answers with an error of the sidecar's own. `status` where HTTP knows better than the code's usual one. */
export function replyError(
  reply: FastifyReply,
  code: WireErrorCode,
  error: string,
  status = httpStatusByCode[code],
): FastifyReply {
  if (status === 503) reply.header('retry-after', retryAfterSeconds(undefined));
  return reply.code(status).type('application/json; charset=utf-8').send(errorBody(code, error));
}

/** Passes on the body of a response, its bytes untouched, with the status that its code means. */
export function replyResponse(reply: FastifyReply, body: Uint8Array): FastifyReply {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const failure = readFailure(bytes);
  reply.type('application/json; charset=utf-8');
  if (failure === undefined) return reply.code(200).send(bytes);
  const status = httpStatusByCode[failure.code] ?? 500;
  if (status === 503) reply.header('retry-after', retryAfterSeconds(failure.retryAfterMs));
  return reply.code(status).send(bytes);
}

interface Failure {
  readonly code: WireErrorCode;
  readonly retryAfterMs?: number;
}

/** Enough for an id of the greatest length and the member after it; a result may be megabytes. */
const headBytes = 1024;

/** `id` and `ok` come first, in this order, in every response. Only an error response, which is short, is parsed. */
function readFailure(body: Buffer): Failure | undefined {
  const head = body.toString('latin1', 0, headBytes);
  if (/^\{"id":(?:null|"(?:[^"\\]|\\.)*"),"ok":true,/.test(head)) return undefined;
  return JSON.parse(body.toString('utf8')) as Failure;
}
