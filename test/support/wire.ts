/**
 * A raw connection for tests: bytes out, frames in, nothing understood and nothing shared with `src/client`, so that a
 * fault there cannot hide one in the server.
 */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls';
import type { TestContext } from './suite.js';
import { until } from './until.js';

/** A frame: the length, big-endian, and the body. Text is taken as UTF-8. */
export function frame(body: string | Uint8Array): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes.length);
  return Buffer.concat([header, bytes]);
}

/** A request's frame. `data` is JSON text, sent as it is. */
export function request(id: string, op: string, data?: string): Buffer {
  const member = data === undefined ? '' : `,"data":${data}`;
  return frame(`{"id":${JSON.stringify(id)},"op":${JSON.stringify(op)}${member}}`);
}

/** The bodies of the whole frames in `bytes`, and what is left after them. */
export function splitFrames(bytes: Buffer): { bodies: Buffer[]; rest: Buffer } {
  const bodies: Buffer[] = [];
  let offset = 0;
  while (offset + 4 <= bytes.length) {
    const end = offset + 4 + bytes.readUInt32BE(offset);
    if (end > bytes.length) break;
    bodies.push(bytes.subarray(offset + 4, end));
    offset = end;
  }
  return { bodies, rest: bytes.subarray(offset) };
}

export interface Reply {
  readonly id: string | null;
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: string;
  readonly code?: string;
  readonly retryAfterMs?: number;
}

export interface Wire {
  readonly socket: Socket;
  /** Sends the parts one by one, each in a segment of its own as far as the kernel allows. */
  send(...parts: readonly (string | Uint8Array)[]): Promise<void>;
  /** Takes the next `count` replies' bodies in order of arrival; rejects where the peer closes first. */
  take(count: number, timeoutMs?: number): Promise<Buffer[]>;
  /** Takes one reply, parsed. */
  reply(timeoutMs?: number): Promise<Reply>;
  /** Half-close: no more requests. */
  finish(): void;
  /** Waits until the peer has closed, and gives the bodies that nobody took. Rejects where half a frame is left. */
  closed(timeoutMs?: number): Promise<Buffer[]>;
}

/** Connects over loopback, by TLS where its options are given; the connection ends with the test. */
export async function openWire(
  t: Pick<TestContext, 'after'>,
  port: number,
  tls?: ConnectionOptions & { readonly allowHalfOpen?: boolean },
): Promise<Wire> {
  const to = { port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true };
  const socket = tls === undefined ? connect(to) : connectSecurely({ ...to, ...tls });
  t.after(() => socket.destroy());
  const opened = tls === undefined ? 'connect' : 'secureConnect';
  await new Promise<void>((resolve, reject) => socket.once(opened, resolve).once('error', reject));
  const chunks: Buffer[] = [];
  const bodies: Buffer[] = [];
  let ended = false;
  const collect = () => {
    const { bodies: whole, rest } = splitFrames(Buffer.concat(chunks));
    bodies.push(...whole);
    chunks.splice(0, chunks.length, rest);
  };
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A reset is an end like any other here: tests ask what came before it.
  socket.on('error', () => {});
  socket.on('end', () => {
    ended = true;
  });
  socket.on('close', () => {
    ended = true;
  });

  const wire: Wire = {
    socket,
    async send(...parts) {
      for (const part of parts) await new Promise<void>((resolve) => socket.write(part, () => resolve()));
    },
    async take(count, timeoutMs = 10_000) {
      await until(
        `${count} replies come`,
        () => {
          const last = ended;
          collect();
          if (bodies.length < count && last)
            throw new Error(`the peer closed after ${bodies.length} of ${count} replies`);
          return bodies.length >= count;
        },
        { timeoutMs, everyMs: 2 },
      );
      return bodies.splice(0, count);
    },
    async reply(timeoutMs) {
      const [body] = await wire.take(1, timeoutMs);
      return JSON.parse(String(body)) as Reply;
    },
    finish: () => void socket.end(),
    async closed(timeoutMs = 10_000) {
      await until('the peer closes', () => ended, { timeoutMs, everyMs: 2 });
      collect();
      if (chunks[0]!.length > 0) throw new Error(`the peer closed in the middle of a reply: ${chunks[0]}`);
      return bodies.splice(0);
    },
  };
  return wire;
}
