/** One request as the host knows it, from the moment that its `op` is read to its reply. */
import type { Engine, Envelope } from '../../engine/index.js';
import { unknownOperation } from '../../ops/built-in.js';
import { inlineBytesMax } from '../../protocol/limits.js';
import type { IdToken } from '../../protocol/replies.js';
import type { Lane } from '../server-view.js';

/** What is known of a request while it is under way; counters and traces read it. */
export interface RequestRecord {
  /** The `id` as the request has it, quotes included; `null` where there is no usable one. */
  readonly idToken: IdToken;
  /** The `id` as it reads. */
  readonly id: string | undefined;
  /** The operation's name. What peers make up is `unknown`, so that the names are bounded. */
  readonly op: string;
  readonly lane: Lane;
  /** When the server had read `op`; the request's time counts from here. Both as `performance.now()` gives it. */
  readonly cameAtMs: number;
  /** When its last byte was there. */
  wholeAtMs: number | undefined;
  /** The budget that the request brings, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Who sent it, where that is known. */
  readonly identity: string | undefined;
  /** W3C trace context of the caller, as it was sent. */
  readonly traceparent: string | undefined;
}

/** What a request says of itself, before its operation is looked up. */
export interface RequestHead {
  readonly idToken: IdToken;
  readonly id: string | undefined;
  /** `undefined` where the bytes that are there do not have it. */
  readonly op: string | undefined;
  readonly timeoutMs: number | undefined;
  readonly traceparent: string | undefined;
  /** Does `op` stand before `data`? */
  readonly isOpFirst: boolean;
}

/** Some 24 days: as long as `setTimeout` can wait. */
const timeoutMsMax = 2 ** 31 - 1;

/** Reads what the engine found. @param bytes what the envelope's places count in */
export function readHead(bytes: Uint8Array, envelope: Envelope): RequestHead {
  const idToken = textOf(bytes, envelope.idOffset, envelope.idLength) ?? null;
  const op = textOf(bytes, envelope.opOffset, envelope.opLength);
  const traceparent = textOf(bytes, envelope.traceparentOffset, envelope.traceparentLength);
  const { timeoutMs } = envelope;
  return {
    idToken,
    id: idToken === null ? undefined : JSON.parse(idToken),
    op: op === undefined ? undefined : JSON.parse(op),
    timeoutMs: timeoutMs === undefined ? undefined : Math.min(timeoutMs, timeoutMsMax),
    traceparent: traceparent === undefined ? undefined : JSON.parse(traceparent),
    isOpFirst: envelope.dataOffset === 0 || envelope.opOffset < envelope.dataOffset,
  };
}

/** Clients that name the operation first have all that counts in so many bytes. */
const briefBytes = 2048;

/**
 * Reads the head of a body of which only the first bytes may be there, as far as it goes.
 * @param isEnough is an `op` that the first few bytes name before the `data` all that is wanted? The rest is not read then.
 */
export function readStart(engine: Engine, body: Uint8Array, isEnough: (op: string) => boolean): RequestHead {
  const brief = read(engine, body.subarray(0, briefBytes));
  const { op, isOpFirst, idToken } = brief;
  if (op !== undefined && isOpFirst && idToken !== null && isEnough(op)) return brief;
  return read(engine, body.subarray(0, inlineBytesMax));
}

function read(engine: Engine, prefix: Uint8Array): RequestHead {
  return readHead(prefix, engine.peek(prefix));
}

const nullJson = Buffer.from('null');

/** JSON text of the request's data; what is absent counts as `null`. */
export function dataOf(bytes: Uint8Array, { dataOffset, dataLength }: Envelope): Uint8Array {
  return dataLength === 0 ? nullJson : bytes.subarray(dataOffset, dataOffset + dataLength);
}

/** @param op a name of a bounded set */
export function recordOf(
  head: RequestHead,
  lane: Lane,
  cameAtMs: number,
  identity: string | undefined,
  op = unknownOperation,
): RequestRecord {
  const { idToken, id, timeoutMs, traceparent } = head;
  return { idToken, id, op, lane, cameAtMs, wholeAtMs: undefined, timeoutMs, identity, traceparent };
}

/** Milliseconds that are left of the request's budget; `undefined` where it has none. */
export function leftMs({ cameAtMs, timeoutMs }: RequestRecord): number | undefined {
  return timeoutMs === undefined ? undefined : cameAtMs + timeoutMs - performance.now();
}

function textOf(bytes: Uint8Array, offset: number, length: number): string | undefined {
  return length === 0 ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString();
}
