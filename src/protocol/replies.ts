/** Response frames that the host writes itself, where the engine does not: replies of users' operations, and errors. */
import type { WireErrorCode } from '../errors.js';
import { checkBodyBytes, writeFrameHeader } from './frame.js';
import { frameHeaderBytes } from './limits.js';

/** The `id` token of a request, quotes included, or `null` where there is no usable one. */
export type IdToken = string | null;

// Taken now: in a worker thread, an operation may replace what `JSON` has.
const { stringify } = JSON;
const encoder = new TextEncoder();
/** Room for the header, which is written once the length is known. */
const headerRoom = '\0'.repeat(frameHeaderBytes);
const closingBrace = 0x7d;

/** `{"id":…,"ok":true,"result":…}` with the result's JSON as it is. */
export function okFrame(id: IdToken, resultJson: string | Uint8Array): Uint8Array {
  const head = `${headerRoom}{"id":${id},"ok":true,"result":`;
  if (typeof resultJson === 'string') return withHeader(encoder.encode(`${head}${resultJson}}`));
  const headBytes = encoder.encode(head);
  const frame = new Uint8Array(headBytes.length + resultJson.length + 1);
  frame.set(headBytes);
  frame.set(resultJson, headBytes.length);
  frame[frame.length - 1] = closingBrace;
  return withHeader(frame);
}

/** `{"id":…,"ok":false,"error":…,"code":…}`, and `retryAfterMs` where it is given. */
export function errorFrame(id: IdToken, code: WireErrorCode, message: string, retryAfterMs?: number): Uint8Array {
  const retry = retryAfterMs === undefined ? '' : `,"retryAfterMs":${Math.ceil(retryAfterMs)}`;
  const error = stringify(message);
  return withHeader(encoder.encode(`${headerRoom}{"id":${id},"ok":false,"error":${error},"code":"${code}"${retry}}`));
}

function withHeader(frame: Uint8Array): Uint8Array {
  writeFrameHeader(frame, checkBodyBytes(frame.length - frameHeaderBytes));
  return frame;
}
