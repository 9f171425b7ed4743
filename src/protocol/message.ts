/**
 * Requests and responses as text. Requests are written with `id` and `op` before `data`, so that a server knows what
 * a frame is for from its first bytes. A response's `id` and `ok` come first: {@link readReplyHead} finds them
 * without a look at the rest, whose bytes nobody reads until somebody asks for the value.
 */

import { checkBytes } from './bytes.js';
import { checkBodyBytes, encodeFrame, writeFrameHeader } from './frame.js';
import { frameHeaderBytes } from './limits.js';

/** A request as a program sees it. On the wire `data` is JSON text, which keeps its digits. */
export interface Request {
  readonly id: string;
  readonly op: string;
  readonly data?: unknown;
  /** Milliseconds from the moment the server has read `op`; more than 0. */
  readonly timeoutMs?: number | undefined;
  /** W3C trace context of the caller. */
  readonly traceparent?: string | undefined;
}

export interface OkResponse {
  readonly id: string;
  readonly ok: true;
  readonly result: unknown;
}

export interface ErrorResponse {
  /** `null` where the request had no usable `id`. */
  readonly id: string | null;
  readonly ok: false;
  /** A sentence for a person. */
  readonly error: string;
  /** For programs; absent from servers of the original three-member protocol. */
  readonly code?: string;
  /** Milliseconds to wait before the same request is worth sending again. */
  readonly retryAfterMs?: number;
}

export type Response = OkResponse | ErrorResponse;

/** All of a request but `data`. */
export type RequestHead = Omit<Request, 'data'>;

/** A body up to this size is copied after its length; a larger one is sent from where it is. */
const copiedBodyBytesMax = 64 * 1024;

const encoder = new TextEncoder();
const bodyEnd = encoder.encode('}');

/** A frame cut open where `data` goes: `head`, the bytes of `data`, `tail`. */
export interface RequestEnvelope {
  /** The frame's header included. */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

/**
 * Writes all of a request but its `data`, which is `dataBytes` long and one JSON value.
 * @throws RangeError where the body would be longer than a frame can say.
 */
export function encodeRequestEnvelope(request: RequestHead, dataBytes: number): RequestEnvelope {
  const start = encoder.encode(startOf(request, true));
  const head = new Uint8Array(frameHeaderBytes + start.length);
  writeFrameHeader(head, checkBodyBytes(start.length + dataBytes + bodyEnd.length));
  head.set(start, frameHeaderBytes);
  return { head, tail: bodyEnd };
}

/**
 * Writes a whole request as the pieces of one frame, which are sent in order. `data` is one JSON value as text or as its
 * UTF-8; it is not checked. Large bytes are a piece by themselves, not a copy.
 * @throws RangeError where the body would be longer than a frame can say.
 */
export function encodeRequest(request: RequestHead, data?: string | Uint8Array): Uint8Array[] {
  if (data === undefined || typeof data === 'string') {
    const body = encoder.encode(`${startOf(request, data !== undefined)}${data ?? ''}}`);
    if (body.length <= copiedBodyBytesMax) return [encodeFrame(body)];
    const header = new Uint8Array(frameHeaderBytes);
    writeFrameHeader(header, checkBodyBytes(body.length));
    return [header, body];
  }
  const { head, tail } = encodeRequestEnvelope(request, data.length);
  if (head.length + data.length > copiedBodyBytesMax) return [head, data, tail];
  const frame = new Uint8Array(head.length + data.length + tail.length);
  frame.set(head);
  frame.set(data, head.length);
  frame.set(tail, head.length + data.length);
  return [frame];
}

function startOf({ id, op, timeoutMs, traceparent }: RequestHead, hasData: boolean): string {
  let text = `{"id":${JSON.stringify(id)},"op":${JSON.stringify(op)}`;
  if (timeoutMs !== undefined) text += `,"timeoutMs":${timeoutMs}`;
  if (traceparent !== undefined) text += `,"traceparent":${JSON.stringify(traceparent)}`;
  return hasData ? `${text},"data":` : text;
}

/** The first two members of a response. */
export interface ReplyHead {
  readonly id: string | null;
  readonly ok: boolean;
}

/** What each response begins with. There may be white space between the tokens. */
const replyStart =
  /^[ \t\n\r]*\{[ \t\n\r]*"id"[ \t\n\r]*:[ \t\n\r]*("(?:[^"\\]|\\.)*"|null)[ \t\n\r]*,[ \t\n\r]*"ok"[ \t\n\r]*:[ \t\n\r]*(true|false)/;

/** `id` and `ok` must be in the first so many bytes: an `id` of the longest kind, and room for white space. */
const replyHeadBytesMax = 1024;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Reads `id` and `ok` from the beginning of a response's body, in constant time.
 * @returns `undefined` where the body does not begin as a response does.
 */
export function readReplyHead(body: Uint8Array): ReplyHead | undefined {
  checkBytes(body, 'readReplyHead takes a body');
  // A copy, since a decoder of browsers takes no shared memory.
  const match = replyStart.exec(decoder.decode(new Uint8Array(body.subarray(0, replyHeadBytesMax))));
  if (match === null) return undefined;
  try {
    return { id: JSON.parse(match[1]!) as string | null, ok: match[2] === 'true' };
  } catch {
    // An escape or a control character that JSON does not allow.
    return undefined;
  }
}

/**
 * Checks that a parsed body has the shape of a response.
 * @returns `undefined` where it has not.
 */
export function asResponse(value: unknown): Response | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, ok, error } = value as Partial<Record<string, unknown>>;
  if (typeof id !== 'string' && id !== null) return undefined;
  if (ok === true) return id !== null && Object.hasOwn(value, 'result') ? (value as OkResponse) : undefined;
  return ok === false && typeof error === 'string' ? (value as ErrorResponse) : undefined;
}
