/** A request that the engine found but did not answer, taken out of the bytes that it stands in. */
import type { Envelope } from '../engine/index.js';

/** A request as far as the host must know it. */
export interface Request {
  readonly idToken: string;
  readonly id: string;
  readonly op: string;
  /** JSON text; empty where the request has no data. */
  readonly data: Uint8Array;
  readonly timeoutMs: number | undefined;
}

/** Some 24 days: as long as `setTimeout` can wait. */
const timeoutMsMax = 2 ** 31 - 1;

/** The `id` token of a request, quotes included. */
export function idTokenOf(bytes: Uint8Array, envelope: Envelope): string {
  return textOf(bytes, envelope.idOffset, envelope.idLength);
}

/** @param bytes what the envelope's places count in */
export function readRequest(bytes: Uint8Array, envelope: Envelope): Request {
  const idToken = idTokenOf(bytes, envelope);
  return {
    idToken,
    id: JSON.parse(idToken),
    op: JSON.parse(textOf(bytes, envelope.opOffset, envelope.opLength)),
    data: bytes.subarray(envelope.dataOffset, envelope.dataOffset + envelope.dataLength),
    timeoutMs: boundedTimeoutMs(envelope.timeoutMs),
  };
}

export function textOf(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString();
}

export function boundedTimeoutMs(timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined ? undefined : Math.min(timeoutMs, timeoutMsMax);
}

/** A name that a peer chose, safe and short enough for a sentence. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}
