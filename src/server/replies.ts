/** Response frames that the host writes itself: for what the engine handed out, and for faults of the framing. */
import type { WireErrorCode } from '../errors.js';
import { frameHeaderBytes } from '../protocol/limits.js';

/** The `id` token of a request, quotes included, or `null` where there is no usable one. */
export type IdToken = string | null;

/** `{"id":…,"ok":true,"result":…}` with the result's JSON as it is. */
export function okFrame(id: IdToken, resultJson: string | Uint8Array): Buffer {
  const head = `{"id":${id},"ok":true,"result":`;
  const headBytes = Buffer.byteLength(head);
  const resultBytes = typeof resultJson === 'string' ? Buffer.byteLength(resultJson) : resultJson.length;
  const bodyBytes = headBytes + resultBytes + 1;
  const frame = Buffer.allocUnsafe(frameHeaderBytes + bodyBytes);
  frame.writeUInt32BE(bodyBytes, 0);
  frame.write(head, frameHeaderBytes);
  const resultOffset = frameHeaderBytes + headBytes;
  if (typeof resultJson === 'string') frame.write(resultJson, resultOffset);
  else frame.set(resultJson, resultOffset);
  frame[frame.length - 1] = 0x7d;
  return frame;
}

/** `{"id":…,"ok":false,"error":…,"code":…}`, and `retryAfterMs` where it is given. */
export function errorFrame(id: IdToken, code: WireErrorCode, message: string, retryAfterMs?: number): Buffer {
  const retry = retryAfterMs === undefined ? '' : `,"retryAfterMs":${Math.ceil(retryAfterMs)}`;
  const body = `{"id":${id},"ok":false,"error":${JSON.stringify(message)},"code":"${code}"${retry}}`;
  const bodyBytes = Buffer.byteLength(body);
  const frame = Buffer.allocUnsafe(frameHeaderBytes + bodyBytes);
  frame.writeUInt32BE(bodyBytes, 0);
  frame.write(body, frameHeaderBytes);
  return frame;
}
