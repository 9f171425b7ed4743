import { frameHeaderBytes } from '../../src/protocol/limits.js';
import type { Wire } from './work.js';

/** Digits of the slot number that serves as a request's id. */
export const idDigits = 8;

/**
 * The requests of one connection, built once: one for each slot, one after the other, all of one size. A slot's bytes
 * never change, so a run of neighbouring slots goes to the socket as one view, without a copy, however often.
 */
export interface RequestRing {
  readonly bytes: Uint8Array;
  readonly slots: number;
  readonly requestBytes: number;
}

/** The id of a slot, as it is on the wire. */
export function idOfSlot(slot: number): string {
  return slot.toString(16).padStart(idDigits, '0');
}

/** Requests spaced as Python's `json.dumps` spaces them: the reference client's. */
export function buildRequestRing(wire: Wire, op: string, data: string, slots: number): RequestRing {
  const requests = Array.from({ length: slots }, (_, slot) =>
    wire === 'frames' ? frameRequest(op, data, slot) : respRequest(op, data, slot),
  );
  return { bytes: Buffer.concat(requests), slots, requestBytes: requests[0]!.length };
}

function frameRequest(op: string, data: string, slot: number): Buffer {
  const body = Buffer.from(`{"id": "${idOfSlot(slot)}", "op": "${op}", "data": ${data}}`);
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

/** RESP has no ids: the slot is the first part of what is echoed. */
function respRequest(op: string, data: string, slot: number): Buffer {
  const payload = respPayload(data, slot);
  const bytes = Buffer.byteLength(payload);
  return Buffer.from(`*2\r\n$${op.length}\r\n${op.toUpperCase()}\r\n$${bytes}\r\n${payload}\r\n`);
}

export function respPayload(data: string, slot: number): string {
  return idOfSlot(slot) + data;
}
