/** The generator in C against servers that answer rightly and wrongly, with bodies of every size it treats in its own way. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { compileC } from '../../bench/compile-c.js';
import { type OpenGenerator, openGenerator } from '../../bench/load/run-generator.js';
import { connectsSource } from '../../bench/paths.js';
import { plainAnswer } from '../../bench/peers/plain-answer.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('the load generator in C', { timeoutMs: 60_000 });

/** A server of plain frames. @param change what becomes of a whole reply, by its number from 0 on */
async function listen(t: TestContext, change: (reply: Buffer, count: number) => Buffer): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let chunks: Buffer[] = [];
    let held = 0;
    let wanted = 4;
    let count = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      held += chunk.length;
      while (held >= wanted) {
        const bytes = Buffer.concat(chunks);
        chunks = [bytes];
        if (wanted === 4) wanted += bytes.readUInt32BE();
        if (held < wanted) break;
        socket.write(change(plainAnswer(bytes.toString('utf8', 4, wanted)), count++));
        chunks = [bytes.subarray(wanted)];
        held -= wanted;
        wanted = 4;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as { port: number }).port;
}

const sizes = [10, 16_300, 16_400, 70_000, 1_000_000];

let opened: Promise<OpenGenerator> | undefined;
test.after(async () => (await opened)?.close());

/** @param seconds where a fault is to come, it comes long before they are over */
async function load(
  t: TestContext,
  bytes: number,
  seconds: number,
  change: (reply: Buffer, count: number) => Buffer,
): Promise<number> {
  const port = await listen(t, change);
  opened ??= openGenerator('c');
  const work = { name: 'echo', op: 'echo', data: JSON.stringify('x'.repeat(bytes)), connections: 2, depth: 3 } as const;
  const timing = { seconds, warmupSeconds: 0 };
  return (await (await opened).measure(port, 'frames', work, timing)).replies;
}

for (const bytes of sizes) {
  test.needs('gcc', `counts the replies to echoes of ${bytes.toLocaleString('en')} bytes`, async (t) => {
    assert.ok((await load(t, bytes, 0.5, (reply) => reply)) > 0);
  });

  test.needs('gcc', `finds what is wrong with replies of ${bytes.toLocaleString('en')} bytes`, async (t) => {
    const changed = (change: (text: string) => string) => (reply: Buffer) => {
      const text = change(reply.toString('latin1', 4));
      const header = Buffer.alloc(4);
      header.writeUInt32BE(text.length);
      return Buffer.concat([header, Buffer.from(text, 'latin1')]);
    };
    const faults = {
      'result is wrong': changed((text) => text.replace('xx"', 'xy"')),
      'with an error': changed((text) => text.replace('true', 'false')),
      'never sent': changed((text) => text.replace('"0000', '"nons')),
    };
    for (const [says, change] of Object.entries(faults)) {
      const failed = await load(t, bytes, 20, change).catch((error: Error) => error.message);
      assert.match(String(failed), says);
    }
    const later = (reply: Buffer, count: number) =>
      count === 0 ? reply : changed((text) => text.replace('x', ''))(reply);
    assert.match(
      String(await load(t, bytes, 20, later).catch((error: Error) => error.message)),
      /a reply of \d+ bytes after/,
    );
  });
}

test.needs('gcc', 'a server that takes connections and answers wrongly is not counted', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'trama-connects-'));
  t.after(() => rm(folder, { recursive: true }));
  const program = await compileC(connectsSource, folder);
  const run = (port: number) => promisify(execFile)(program, ['127.0.0.1', `${port}`, '4', '0.2']);
  assert.match((await run(await listen(t, (reply) => reply))).stdout, /^cps=\d+ n=[1-9]\d*\n$/);
  const wrong = await listen(t, (reply) => Buffer.from(reply.toString('latin1').replace('hola', 'halo'), 'latin1'));
  assert.match((await run(wrong).catch((error) => error)).stderr, /^the peer's reply is wrong: /);
});

test.run();
