/**
 * Reads one reply carefully: what the scanner does for the first reply and for any that looks unlike the one before.
 * Pure; knows no socket. Throws a plain Error for a reply that is not the right answer to the request.
 */
import { frameHeaderBytes } from '../../src/protocol/limits.js';
import { idDigits, respPayload } from './request-ring.js';
import type { Wire } from './work.js';

export interface CarefulReply {
  readonly slot: number;
  /** Bytes of the whole reply, header included. */
  readonly length: number;
  /** Where the id's digits begin, from the start of the reply. */
  readonly idOffset: number;
}

/** Gives, where the reply is not whole yet, the bytes that it has when it is; 0 where that is not known. */
export type CarefulReader = (bytes: Uint8Array, offset: number) => CarefulReply | number;

export function carefulReader(wire: Wire, op: string, data: string): CarefulReader {
  return wire === 'frames' ? frameReader(resultCheck(op, data)) : respReader(data);
}

/** Tells whether a result is right. A sum may differ in its last digits: peers add doubles one after the other. */
function resultCheck(op: string, data: string): (result: unknown) => boolean {
  const value: unknown = JSON.parse(data);
  if (op === 'sum') {
    const numbers = value as number[];
    const sum = numbers.reduce((total, each) => total + each, 0);
    const tolerance = numbers.reduce((total, each) => total + Math.abs(each), 0) * 1e-12;
    return (result) => typeof result === 'number' && Math.abs(result - sum) <= tolerance;
  }
  const expected = JSON.stringify(value);
  return (result) => JSON.stringify(result) === expected;
}

function frameReader(isRight: (result: unknown) => boolean): CarefulReader {
  return (bytes, offset) => {
    if (bytes.length - offset < frameHeaderBytes) return 0;
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = frameHeaderBytes + view.readUInt32BE(offset);
    if (bytes.length - offset < length) return length;
    const text = view.toString('latin1', offset + frameHeaderBytes, offset + length);
    const reply = parseReply(text);
    if (reply.ok !== true) throw new Error(`the peer answered with an error: ${excerpt(text)}`);
    if (!isRight(reply.result)) throw new Error(`the peer's result is wrong: ${excerpt(text)}`);
    return {
      slot: slotOf(reply.id, text),
      length,
      idOffset: frameHeaderBytes + text.indexOf(`"${reply.id}"`) + 1,
    };
  };
}

function parseReply(text: string): { id?: unknown; ok?: unknown; result?: unknown } {
  try {
    return JSON.parse(text) as object;
  } catch {
    throw new Error(`the peer sent a body that is not JSON: ${excerpt(text)}`);
  }
}

function respReader(data: string): CarefulReader {
  const whole = (slot: number) => {
    const payload = respPayload(data, slot);
    return `$${Buffer.byteLength(payload)}\r\n${payload}\r\n`;
  };
  const length = Buffer.byteLength(whole(0));
  const idOffset = whole(0).indexOf('\n') + 1;
  return (bytes, offset) => {
    if (bytes[offset] === 0x2d /* - */) throw new Error(`the peer answered with an error: ${excerptOf(bytes, offset)}`);
    if (bytes.length - offset < length) return 0;
    const text = Buffer.from(bytes.subarray(offset, offset + length)).toString();
    const slot = slotOf(text.slice(idOffset, idOffset + idDigits), text);
    if (text !== whole(slot)) throw new Error(`the peer's reply is wrong: ${excerpt(text)}`);
    return { slot, length, idOffset };
  };
}

function slotOf(id: unknown, text: string): number {
  if (typeof id !== 'string' || !/^[0-9a-f]{8}$/.test(id)) {
    throw new Error(`the peer answered with an id that was never sent: ${excerpt(text)}`);
  }
  return Number.parseInt(id, 16);
}

function excerptOf(bytes: Uint8Array, offset: number): string {
  return excerpt(Buffer.from(bytes.subarray(offset, offset + 200)).toString('latin1'));
}

function excerpt(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
