import { createReadStream } from 'node:fs';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import * as assert from 'uvu/assert';
import { type DataSource, ReplyError, RequestError } from '../../src/client/index.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { openClient, openPeer, type PeerConnection, rejection, serverFor } from './support.js';

const test = suite('client: streamed data');
const server = serverFor(test, ['--workers', '1']);
const options = () => ({ port: server().port });

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytes = (json: string): Uint8Array => Buffer.from(json);

const block = Buffer.alloc(64 * 1024, '1,');
const gigabyte = 2 ** 30;

/** An array of ones that never ends, and what became of it. */
function endlessSource() {
  const seen = { givenBytes: 0, closed: false };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield bytes('[');
      while (true) {
        seen.givenBytes += block.length;
        yield block;
      }
    } finally {
      seen.closed = true;
    }
  }
  return { seen, chunks: chunks() };
}

interface Upload {
  readonly socket: Socket;
  /** The beginning of the request, as far as its first bytes have it. */
  readonly id: string;
  receivedBytes: number;
}

/** A peer that answers calls, and leaves what comes over further connections, bytes of unfinished frames, to the test. */
async function openUploadPeer(t: TestContext, onBytes: (upload: Upload, connection: PeerConnection) => void) {
  const uploads: Upload[] = [];
  const peer = await openPeer(t, ({ id, data }, { send }) => send({ id, ok: true, result: data ?? null }), {
    onConnection(connection) {
      if (peer.connections.length === 1) return;
      const { socket } = connection;
      let upload: Upload | undefined;
      socket.removeAllListeners('data').on('data', (chunk) => {
        if (upload === undefined) {
          upload = { socket, id: /"id":"([^"]*)"/.exec(String(chunk.subarray(0, 200)))![1]!, receivedBytes: 0 };
          uploads.push(upload);
        }
        upload.receivedBytes += chunk.length;
        onBytes(upload, connection);
      });
    },
  });
  return { ...peer, uploads };
}

test('data may come from a Node stream, a web stream, a generator or an array', async (t) => {
  const client = await openClient(t, options());
  const parts = ['[', ...Array.from({ length: 20 }, () => '1,'.repeat(50_000)), '0]'].map(bytes);
  const byteLength = parts.reduce((total, part) => total + part.length, 0);
  async function* generator() {
    for (const part of parts) {
      await new Promise((resolve) => setImmediate(resolve));
      yield part;
    }
  }
  const sources: Record<string, DataSource> = {
    'a Node stream': Readable.from(parts, { objectMode: false }),
    'a web stream': new Blob(parts as BlobPart[]).stream(),
    'a generator': generator(),
    'an array': parts,
  };
  for (const [what, source] of Object.entries(sources)) {
    assert.is(await client.callStream('sum', source, byteLength), 1_000_000, what);
  }
});

test('results come as those of call, and raw replies with their digits', async (t) => {
  const client = await openClient(t, { ...options(), newId: () => 'n' });
  const data = '[12345678901234567890, 1.50]';
  assert.equal(await client.callStream('echo', [bytes(data)], data.length, { bigint: true }), [
    12345678901234567890n,
    1.5,
  ]);
  const raw = await client.callRawStream('echo', [bytes(data)], data.length);
  assert.is(text(raw), `{"id":"n","ok":true,"result":${data}}`);
  const error = await rejection(client.callStream('sum', [bytes('["one"]')], 7));
  assert.instance(error, ReplyError);
  assert.is(error.code, 'BAD_DATA');
  assert.match(text(await client.callRawStream('sum', [bytes('{}')], 2)), /^\{"id":"n","ok":false,.*"BAD_DATA"\}$/);
  // Data that is not JSON costs the server the id; on a connection of its own it is clear whose reply it is.
  assert.is((await rejection(client.callStream('sum', [bytes('[1,')], 3))).code, 'BAD_JSON');
});

test('other calls do not wait for a stream', async (t) => {
  const client = await openClient(t, options());
  async function* chunks() {
    yield bytes('[1');
    for (let n = 0; n < 5; n++) {
      assert.is(await client.call('echo', n), n);
      yield bytes(',1');
    }
    yield bytes(']');
  }
  assert.is(await client.callStream('sum', chunks(), 13), 6);
});

test('a frame over the limit is answered while it is sent, and the rest is not read', async (t) => {
  const client = await openClient(t, options());
  const { seen, chunks } = endlessSource();
  assert.is((await rejection(client.callStream('echo', chunks, gigabyte))).code, 'FRAME_TOO_LARGE');
  await until('the source is closed', () => seen.closed);
  assert.ok(seen.givenBytes < gigabyte, String(seen.givenBytes));
  assert.equal([client.state, await client.call('echo', 1)], ['connected', 1]);
});

test('a sum may be larger than any frame that is held in memory, and a fault in it is answered while it is sent', async (t) => {
  const client = await openClient(t, options());
  const blocks = 320;
  function* ones(tail: string) {
    yield bytes('[');
    for (let n = 0; n < blocks; n++) yield block;
    yield bytes(tail);
  }
  const blockBytes = blocks * block.length;
  assert.is(await client.callStream('sum', ones('0]'), blockBytes + 3), blockBytes / 2);
  let givenBytes = 0;
  function* faulty() {
    yield bytes('["one",');
    while (true) {
      givenBytes += block.length;
      yield block;
    }
  }
  const error = await rejection(client.callStream('sum', faulty(), gigabyte));
  assert.equal([error.code, /index 0/.test(error.message)], ['BAD_DATA', true]);
  assert.ok(givenBytes < gigabyte, String(givenBytes));
});

test('a reply that comes early ends the sending, also to a peer that reads no more', async (t) => {
  let answered = false;
  const peer = await openUploadPeer(t, ({ id, socket }, { send }) => {
    if (answered) return;
    answered = true;
    socket.pause();
    send({ id, ok: false, error: 'index 7', code: 'BAD_DATA' });
  });
  const client = await openClient(t, { port: peer.port });
  const { seen, chunks } = endlessSource();
  const error = await rejection(client.callStream('sum', chunks, gigabyte));
  assert.equal([error.code, error.message], ['BAD_DATA', 'index 7']);
  await until('the source is closed', () => seen.closed);
  peer.uploads[0]!.socket.resume();
  await until('the connection is gone', () => peer.uploads[0]!.socket.destroyed);
  assert.is(client.inFlight, 0);
});

test('a reply wins over the reset that follows it', { timeoutMs: 60_000 }, async (t) => {
  const peer = await openUploadPeer(t, ({ id, socket, receivedBytes }, { send }) => {
    if (receivedBytes < 100_000) return;
    socket.removeAllListeners('data');
    send({ id, ok: false, error: 'index 7', code: 'BAD_DATA' });
    socket.resetAndDestroy();
  });
  const client = await openClient(t, { port: peer.port });
  for (let n = 0; n < 200; n++) {
    const error = await rejection(client.callStream('sum', endlessSource().chunks, gigabyte));
    assert.equal([error.code, error.message], ['BAD_DATA', 'index 7'], `upload ${n}`);
  }
});

test('a peer that goes away in the middle costs that call only, and the source is closed', async (t) => {
  const peer = await openUploadPeer(t, ({ socket }) => socket.resetAndDestroy());
  const client = await openClient(t, { port: peer.port });
  const { seen, chunks } = endlessSource();
  assert.is((await rejection(client.callStream('sum', chunks, gigabyte))).code, 'CONNECTION_LOST');
  await until('the source is closed', () => seen.closed);
  assert.equal([client.state, await client.call('echo', 1)], ['connected', 1]);
});

test('a peer that answers with something else is told as such', async (t) => {
  const peer = await openUploadPeer(t, (_, { send }) => send({ id: 'other', ok: true, result: null }));
  const client = await openClient(t, { port: peer.port });
  const error = await rejection(client.callStream('sum', endlessSource().chunks, gigabyte));
  assert.equal([error.code, /a reply to "other"/.test(error.message)], ['BAD_REPLY', true]);
});

test('a slow peer is waited for: little more is read than it has taken', async (t) => {
  const byteLength = 256 * 1024 * 1024;
  const chunk = Buffer.alloc(1024 * 1024, ' ');
  let givenBytes = 0;
  let aheadBytesMax = 0;
  let paused = false;
  const peer = await openUploadPeer(t, (upload, { send }) => {
    if (!paused) {
      paused = true;
      upload.socket.pause();
      setTimeout(() => upload.socket.resume(), 100);
    }
    if (upload.receivedBytes > byteLength) send({ id: upload.id, ok: true, result: upload.receivedBytes });
  });
  const client = await openClient(t, { port: peer.port });
  function* chunks() {
    while (givenBytes < byteLength) {
      givenBytes += chunk.length;
      aheadBytesMax = Math.max(aheadBytesMax, givenBytes - (peer.uploads[0]?.receivedBytes ?? 0));
      yield chunk;
    }
  }
  assert.ok((await client.callStream<number>('sum', chunks(), byteLength)) > byteLength);
  // What the two kernels' buffers hold counts too.
  assert.ok(aheadBytesMax < 32 * 1024 * 1024, `${aheadBytesMax} bytes ahead`);
});

test('a source that fails, or gives no bytes, rejects the call with its reason', async (t) => {
  const client = await openClient(t, options());
  const reason = new Error('the disk is gone');
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield bytes('[1,');
    throw reason;
  }
  const error = await rejection(client.callStream('sum', failing(), 100));
  assert.instance(error, RequestError);
  assert.equal(
    [error.code, error.cause, error.message],
    ['BAD_DATA', reason, 'The data for sum could not be read: the disk is gone.'],
  );
  const missing = await rejection(client.callStream('sum', createReadStream('/no/such/file'), 100));
  assert.match(missing.message, /could not be read: ENOENT/);
  const strings = await rejection(client.callStream('sum', ['[1]'] as unknown as Uint8Array[], 3));
  const path = await rejection(client.callStream('sum', 'numbers.json' as unknown as Uint8Array[], 3));
  assert.instance(path, TypeError);
  assert.match(path.message, /must be a stream, .*such as createReadStream\(path\); this is a string\.$/);
  assert.match(strings.message, /it gave a string where bytes are wanted, a Uint8Array or a Buffer/);
  assert.equal([client.state, await client.call('echo', 1)], ['connected', 1]);
});

test('a source of another length than was announced never makes a request', async (t) => {
  const peer = await openPeer(t, ({ id }, { send }) => send({ id, ok: true, result: null }));
  const client = await openClient(t, { port: peer.port });
  const parts = () => ['[1', ',2', ']'].map(bytes);
  const short = await rejection(client.callStream('sum', parts(), 6));
  assert.is(short.message, 'The call of sum announced 6 bytes of data, and their source ended after 5.');
  const long = await rejection(client.callStream('sum', parts(), 4));
  assert.is(long.message, 'The call of sum announced 4 bytes of data, and their source had more.');
  assert.equal([short.code, long.code], ['BAD_DATA', 'BAD_DATA']);
  await until('their connections are gone', () => peer.connections.slice(1).every(({ socket }) => socket.destroyed));
  assert.is(peer.requests.length, 0);
});

test('a length that is none is refused, and the source closed', async (t) => {
  const client = await openClient(t, options());
  for (const byteLength of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    const source = Readable.from([bytes('1')]);
    assert.instance(await rejection(client.callStream('sum', source, byteLength)), RangeError);
    await until('the source is closed', () => source.destroyed);
  }
  assert.is((await rejection(client.callStream('sum', [], 2 ** 32))).code, 'FRAME_TOO_LARGE');
});

test('an aborted stream rejects at once, ends its connection, and closes a source that gives nothing', async (t) => {
  const peer = await openUploadPeer(t, () => {});
  const client = await openClient(t, { port: peer.port });
  let cancelled = false;
  const node = new Readable({ read() {} });
  node.push('[1,');
  const web = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes('[1,')),
    cancel() {
      cancelled = true;
    },
  });
  const endless = endlessSource();
  for (const [at, source] of [node, web, endless.chunks].entries()) {
    const controller = new AbortController();
    const call = rejection(client.callStream('sum', source, gigabyte, { signal: controller.signal }));
    await until('the upload has begun', () => peer.uploads.length === at + 1);
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    const error = await call;
    assert.equal([error.code, error.cause, client.inFlight], ['CANCELLED', reason, 0]);
    await until('the connection is gone', () => peer.uploads[at]!.socket.destroyed);
  }
  await until('the sources are closed', () => node.destroyed && cancelled && endless.seen.closed);
});

test('the source’s own code may abort the call', async (t) => {
  const client = await openClient(t, options());
  const controller = new AbortController();
  let closed = false;
  function* chunks() {
    try {
      yield bytes('[1,');
      controller.abort();
      while (true) yield block;
    } finally {
      closed = true;
    }
  }
  const error = await rejection(client.callStream('sum', chunks(), gigabyte, { signal: controller.signal }));
  assert.is(error.code, 'CANCELLED');
  await until('the source is closed', () => closed);
});

test('a signal that is aborted already lets nothing out', async (t) => {
  const client = await openClient(t, options());
  const source = Readable.from([bytes('1')]);
  const error = await rejection(client.callStream('sum', source, 1, { signal: AbortSignal.abort() }));
  assert.is(error.code, 'CANCELLED');
  await until('the source is closed', () => source.destroyed);
});

test('the time of a stream runs from the call, and ends it where nobody answers', async (t) => {
  const peer = await openPeer(t, () => {});
  const client = await openClient(t, { port: peer.port, replyGraceMs: 5 });
  const done = await rejection(
    client.callStream('sum', [bytes('[1]')], 3, { timeoutMs: 2000, signal: AbortSignal.timeout(50) }),
  );
  assert.is(done.code, 'CANCELLED');
  assert.ok(peer.requests[0]!.timeoutMs! <= 2000, String(peer.requests[0]!.timeoutMs));
  const idle = new Readable({ read() {} });
  const error = await rejection(client.callStream('sum', idle, 3, { timeoutMs: 20 }));
  assert.equal([error.code, error.message], ['DEADLINE_EXCEEDED', 'No reply to sum came within 20 ms.']);
  await until('the source is closed', () => idle.destroyed);
  await until('its connection is gone', () => peer.connections.slice(1).every(({ socket }) => socket.destroyed));
});

test('streams beyond the limit wait in order, then are refused', async (t) => {
  const peer = await openPeer(t, ({ id, data }, { send }) => send({ id, ok: true, result: data }));
  const client = await openClient(t, { port: peer.port, streamsMax: 1, waitingMax: 2 });
  const release: (() => void)[] = [];
  async function* held(json: string) {
    await new Promise<void>((resolve) => release.push(resolve));
    yield bytes(json);
  }
  const order: unknown[] = [];
  const calls = ['1', '2', '3'].map((json) =>
    client.callStream('echo', held(json), 1).then((result) => order.push(result)),
  );
  assert.equal([client.inFlight, client.waiting], [1, 2]);
  const extra = Readable.from([bytes('4')]);
  const error = await rejection(client.callStream('echo', extra, 1));
  assert.equal([error.code, error.retryable], ['OVERLOADED', true]);
  await until('the source is closed', () => extra.destroyed);
  for (const at of [2, 1, 0]) release[at]!();
  await Promise.all(calls);
  assert.equal(order, [1, 2, 3]);
});

test('close waits for streams, those that wait included, and takes no more', async (t) => {
  const client = await openClient(t, { ...options(), streamsMax: 1 });
  let release!: () => void;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* held() {
    yield bytes('[1,');
    await gate;
    yield bytes('2]');
  }
  const calls = [client.callStream('sum', held(), 5), client.callStream('sum', [bytes('[4]')], 3)];
  const closed = client.close();
  assert.is((await rejection(client.callStream('sum', [], 0))).code, 'CONNECTION_LOST');
  assert.is(client.state, 'closing');
  release();
  await closed;
  assert.equal(await Promise.all(calls), [3, 4]);
  assert.is(client.state, 'closed');
});

test('close gives streams up after drainMs', async (t) => {
  const peer = await openUploadPeer(t, () => {});
  const client = await openClient(t, { port: peer.port, streamsMax: 1 });
  const sources = [endlessSource(), endlessSource()];
  const calls = sources.map(({ chunks }) => rejection(client.callStream('sum', chunks, 2 * gigabyte)));
  await until('the upload has begun', () => peer.uploads.length === 1);
  await client.close({ drainMs: 20 });
  for (const call of calls) assert.is((await call).code, 'CONNECTION_LOST');
  await until('the sources are closed', () => sources.every(({ seen }) => seen.closed));
  assert.is(peer.uploads.length, 1);
});

test('a stream lives on where the connection of the other calls is lost', async (t) => {
  const peer = await openPeer(t, ({ id, data }, { send }) => send({ id, ok: true, result: data }));
  const client = await openClient(t, { port: peer.port, reconnect: false });
  async function* chunks() {
    yield bytes('"a');
    peer.connections[0]!.socket.destroy();
    await until('the client is closed', () => client.state === 'closed');
    yield bytes('b"');
  }
  assert.is(await client.callStream('echo', chunks(), 4), 'ab');
});

test('a stream whose connection does not come about is not tried again', async (t) => {
  const peer = await openPeer(t, () => {});
  const client = await openClient(t, { port: peer.port, reconnect: { delayMinMs: 3_600_000, delayMaxMs: 3_600_000 } });
  await peer.stop();
  const source = new Readable({ read() {} });
  assert.is((await rejection(client.callStream('sum', source, 3))).code, 'CONNECT_FAILED');
  await until('the source is closed', () => source.destroyed);
});

test.run();
