import { createServer, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { generateLoad } from '../../bench/load/generate-load.js';
import { plainAnswer } from '../../bench/peers/plain-answer.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('the load generator', { timeoutMs: 30_000 });

const work = { op: 'echo', data: '"hola"', connections: 3, depth: 5 } as const;
const timing = { seconds: 0.1, warmupSeconds: 0.05 };

/** A server of plain frames whose replies to each read pass through `send`. */
async function listen(t: TestContext, send: (socket: Socket, replies: Buffer[]) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let held: Buffer = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      const replies: Buffer[] = [];
      while (held.length >= 4 && held.length >= 4 + held.readUInt32BE()) {
        const end = 4 + held.readUInt32BE();
        replies.push(plainAnswer(held.toString('utf8', 4, end)));
        held = held.subarray(end);
      }
      send(socket, replies);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

async function failure(port: number, options = {}): Promise<string> {
  try {
    await generateLoad(port, 'frames', work, timing, options);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

test('counts checked replies and their latency', async (t) => {
  const port = await listen(t, (socket, replies) => socket.write(Buffer.concat(replies)));
  const measured = await generateLoad(port, 'frames', work, timing);
  assert.ok(measured.replies > 0);
  assert.ok(measured.ratePerSecond > 0);
  assert.ok(measured.p99Us >= measured.p50Us);
});

test('takes replies in another order than the requests', async (t) => {
  const port = await listen(t, (socket, replies) => socket.write(Buffer.concat(replies.reverse())));
  assert.ok((await generateLoad(port, 'frames', work, timing)).replies > 0);
});

test('fails at a doubled reply', async (t) => {
  const port = await listen(t, (socket, replies) => socket.write(Buffer.concat([replies[0]!, replies[0]!])));
  assert.match(await failure(port), /doubled or unknown id/);
});

test('fails at one reply too many, whichever slot it hits', async (t) => {
  let answered = 0;
  const port = await listen(t, (socket, replies) => {
    if (answered++ === 0) socket.write(replies[0]!);
    socket.write(Buffer.concat(replies));
  });
  assert.match(await failure(port), /doubled or unknown id|more replies than/);
});

test('fails at an error reply', async (t) => {
  const port = await listen(t, (socket) => {
    const body = '{"id":"00000000","ok":false,"error":"no","code":"OVERLOADED"}';
    socket.write(Buffer.concat([Buffer.from([0, 0, 0, body.length]), Buffer.from(body)]));
  });
  assert.match(await failure(port), /answered with an error: .*OVERLOADED/);
});

test('fails where a reply does not come', async (t) => {
  const port = await listen(t, (socket, replies) => socket.write(Buffer.concat(replies.slice(1))));
  assert.match(await failure(port, { drainMs: 200 }), /replies did not come within 200 ms/);
});

test('fails where the peer closes', async (t) => {
  const port = await listen(t, (socket) => socket.destroy());
  assert.match(await failure(port), /closed with 5 replies missing|ECONNRESET/);
});

test('fails where nobody listens', async (t) => {
  let port = 0;
  await new Promise<void>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      port = (server.address() as { port: number }).port;
      server.close(() => resolve());
    });
  });
  t.after(() => {});
  assert.match(await failure(port), /ECONNREFUSED/);
});

test.run();
