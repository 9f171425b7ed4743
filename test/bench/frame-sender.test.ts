import { createServer, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { FrameSender } from '../../bench/bulk/frame-sender.js';
import { type LargeFrame, largeFrame } from '../../bench/bulk/large-frame.js';
import { runSender } from '../../bench/bulk/run-sender.js';
import { numberShapes } from '../../bench/number-shapes.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('the benchmark’s sender of large frames', { timeoutMs: 30_000 });

const shape = numberShapes[0]!;
const frame = largeFrame(shape, 2_000_000);
const frameBytes = 4 + frame.bodyBytes;

function reply(body: string): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(Buffer.byteLength(body));
  return Buffer.concat([header, Buffer.from(body)]);
}

/** A server that only counts bytes, and calls `onBytes` with how many came over the connection so far. */
async function listen(t: TestContext, onBytes: (socket: Socket, seen: number) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let seen = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      seen += chunk.length;
      onBytes(socket, seen);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

function open(t: TestContext, port: number, sent: LargeFrame = frame): FrameSender {
  const sender = new FrameSender(port, sent);
  t.after(() => sender.close());
  return sender;
}

async function failure(sending: Promise<unknown>): Promise<string> {
  return sending.then(
    () => 'none',
    (error: Error) => error.message,
  );
}

test('sends whole frames one after the other, each when the one before is answered, in two pieces too', async (t) => {
  const ends: number[] = [];
  const port = await listen(t, (socket, seen) => {
    if (seen % frameBytes !== 0) return;
    ends.push(seen);
    const bytes = reply(frame.reply);
    socket.write(bytes.subarray(0, 7));
    setImmediate(() => socket.write(bytes.subarray(7)));
  });
  const sender = open(t, port);
  let streams = 0;
  for (let count = 0; count < 3; count++) await sender.send(() => streams++);
  assert.equal(ends, [frameBytes, 2 * frameBytes, 3 * frameBytes]);
  assert.is(streams, 3);
});

test('fails at a reply that is one digit off', async (t) => {
  const wrong = frame.reply.replace(/\d/, (digit) => `${(Number(digit) + 1) % 10}`);
  const port = await listen(t, (socket, seen) => {
    if (seen === frameBytes) socket.write(reply(wrong));
  });
  assert.match(await failure(open(t, port).send(() => {})), /the server answered .* and not/);
});

test('fails at a reply before the frame is whole, and says what it was', async (t) => {
  // Larger than what the kernel takes from a sender before anybody reads.
  const huge = largeFrame(shape, 2 ** 30);
  const error = '{"id":"large","ok":false,"error":"no","code":"OVERLOADED"}';
  for (const [body, says] of [
    [error, /answered .*OVERLOADED/],
    [huge.reply, /before the frame was whole/],
  ] as const) {
    const port = await listen(t, (socket) => {
      socket.pause();
      socket.write(reply(body));
    });
    assert.match(await failure(open(t, port, huge).send(() => {})), says);
  }
});

test('fails where the server closes, and where nobody listens', async (t) => {
  const port = await listen(t, (socket) => socket.end());
  assert.match(await failure(open(t, port).send(() => {})), /closed the connection|EPIPE|ECONNRESET/);
  const unused = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  assert.match(await failure(open(t, unused).send(() => {})), /ECONNREFUSED/);
});

const options = { shape: shape.name, bodyBytes: frame.bodyBytes, connections: 2, secondsMax: 20 };

test('as a program it tells when all connections stream, and ends after the frames under way', async (t) => {
  let isHeld = true;
  const waiting: Socket[] = [];
  const port = await listen(t, (socket, seen) => {
    if (seen % frameBytes !== 0) return;
    if (isHeld) waiting.push(socket);
    else socket.write(reply(frame.reply));
  });
  const running = runSender({ ...options, port, times: 'again' });
  await running.streaming;
  running.stop();
  isHeld = false;
  for (const socket of waiting) socket.write(reply(frame.reply));
  const { frames, bodyBytes, seconds } = await running.finished;
  assert.ok(frames >= 2, `${frames} frames`);
  assert.is(bodyBytes, frames * frame.bodyBytes);
  assert.ok(seconds > 0);
});

test('as a program it ends with what was wrong', async (t) => {
  const port = await listen(t, (socket) => socket.destroy());
  const running = runSender({ ...options, port, times: 'once' });
  assert.match(await failure(running.finished), /closed the connection|EPIPE|ECONNRESET/);
  assert.match(await failure(running.streaming), /closed the connection|EPIPE|ECONNRESET|none/);
});

test('as a program it is ended where its time is over', async (t) => {
  const port = await listen(t, () => {});
  const running = runSender({ ...options, port, times: 'once', secondsMax: 1.5 });
  assert.match(await failure(running.finished), /not answered within 1.5 s/);
});

test.run();
