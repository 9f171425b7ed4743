/** Frames that attackers and honest clients send. */
import { encodeFrame } from '../../src/protocol/frame.js';

export function frameOf(body: string): Buffer {
  return Buffer.from(encodeFrame(Buffer.from(body)));
}

/** @param data JSON text */
export function requestFrame(id: string, op: string, data?: string, timeoutMs?: number): Buffer {
  const time = timeoutMs === undefined ? '' : `,"timeoutMs":${timeoutMs}`;
  return frameOf(`{"id":"${id}","op":"${op}"${time}${data === undefined ? '' : `,"data":${data}`}}`);
}

/** The frame over and over, in at least so many bytes. */
export function repeated(frame: Buffer, bytes: number): Buffer {
  return Buffer.concat(Array<Buffer>(Math.ceil(bytes / frame.length)).fill(frame));
}

/** A frame that announces so long a body, and the first bytes of it. */
export function beginning(bodyBytes: number, start: string): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bodyBytes);
  return Buffer.concat([header, Buffer.from(start)]);
}
