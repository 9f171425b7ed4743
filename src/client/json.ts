/** Values to JSON text and back; with `bigint`, no integer loses a digit on the way. */

import { parse as parseLossless, stringify as stringifyLossless } from 'lossless-json';
import { isWireErrorCode, ProtocolError, RequestError, type WireErrorCode, wireErrors } from '../errors.js';
import { asResponse, type ReplyHead, type Response } from '../protocol/message.js';
import { messageOf } from './checks.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * @returns JSON text, or `undefined` for `undefined`: the request then has no `data`.
 * @throws RequestError `BAD_DATA` for what JSON cannot say: a function, a cycle, or a BigInt without `bigint`.
 */
export function encodeData(data: unknown, bigint: boolean): string | undefined {
  if (data === undefined) return undefined;
  let text: string | undefined;
  try {
    text = bigint ? stringifyLossless(data) : JSON.stringify(data);
  } catch (cause) {
    const hint = !bigint && messageOf(cause).includes('BigInt') ? ' (pass `bigint: true`)' : '';
    throw new RequestError('BAD_DATA', `This data cannot be written as JSON: ${messageOf(cause)}${hint}.`, {
      cause,
    });
  }
  if (text === undefined) throw new RequestError('BAD_DATA', `A ${typeof data} cannot be written as JSON.`);
  return text;
}

function number(token: string): number | bigint {
  const value = Number(token);
  return Number.isSafeInteger(value) || /[.eE]/.test(token) ? value : BigInt(token);
}

/** @throws ProtocolError `BAD_REPLY` where the body is not a response. */
export function decodeResponse(body: Uint8Array, bigint: boolean): Response {
  let value: unknown;
  try {
    const text = decoder.decode(body);
    value = bigint
      ? parseLossless(text, null, { parseNumber: number, onDuplicateKey: ({ newValue }) => newValue })
      : JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('BAD_REPLY', `The reply is not JSON: ${messageOf(cause)}.`, { cause });
  }
  const response = asResponse(value);
  if (response === undefined) throw new ProtocolError('BAD_REPLY', 'The reply is JSON, but not a response.');
  return response;
}

/** The `code` of an error reply, where the server closes the connection after it; none for others, and for other bytes. */
export function codeThatEndsConnection(body: Uint8Array): WireErrorCode | undefined {
  try {
    const { code } = JSON.parse(decoder.decode(body)) as { code?: unknown };
    return typeof code === 'string' && isWireErrorCode(code) && wireErrors[code].scope === 'connection'
      ? code
      : undefined;
  } catch {
    return undefined;
  }
}

/** What a body is that answers no call, for a message. */
export function strangeReply(head: ReplyHead | undefined): string {
  return head === undefined
    ? 'a frame that is not a reply'
    : `a reply to ${JSON.stringify(head.id)}, which is not in flight`;
}
