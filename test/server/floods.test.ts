/** One peer that takes what it can: others go on, and what is held stays within the budget. */
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame, openWire, request } from '../support/wire.js';
import { fixtures, numbers, openServer, untilIdle, untilRunning } from './support.js';

const test = suite('floods');

const many = (bytes: Buffer, count: number) => Buffer.concat(Array.from({ length: count }, () => bytes));

const floods: { readonly [kind: string]: Buffer } = {
  'names that do not exist': request('f', 'nothing'),
  $cancel: request('f', '$cancel', '{"id":"nobody"}'),
  $ops: request('f', '$ops'),
  'a user’s operation': request('f', 'double', '1'),
  'length 0': frame(''),
  'bad JSON': frame('{"id":'),
  echo: request('f', 'echo', '"x"'),
};

for (const [kind, one] of Object.entries(floods)) {
  test(`a flood of ${kind} that never ends costs who floods: others are answered meanwhile`, async (t) => {
    const server = await openServer(t, { operationModules: [fixtures], maxRequests: 1000 });
    await server.ready;
    const flood = connect({ port: server.port, host: '127.0.0.1' });
    t.after(() => flood.destroy());
    const bytes = many(one, Math.ceil(1_000_000 / one.length));
    const go = () => {
      while (flood.writable && flood.write(bytes));
    };
    flood.on('error', () => {});
    flood.on('drain', go).on('connect', go).resume();
    const honest = await openWire(t, server.port);
    for (let round = 0; round < 5; round++) {
      const { bytesReceived } = server.view.snapshot();
      await until('the flood goes on', () => server.view.snapshot().bytesReceived > bytesReceived + 100_000);
      await honest.send(request('h', 'sum', '[1,2]'), request('d', 'double', '2'));
      const replies = (await honest.take(2)).map((body) => JSON.parse(String(body)));
      assert.equal(replies.map(({ id, result }) => [id, result]).sort(), [
        ['d', 4],
        ['h', 3],
      ]);
    }
    flood.destroy();
    await untilIdle(server);
  });
}

test('an announcement costs nothing: memory follows what has come', async (t) => {
  const server = await openServer(t, { maxConnections: 1000 });
  const header = Buffer.from([0x01, 0x00, 0x00, 0x00]);
  const start = Buffer.concat([header, Buffer.from('{"id"')]);
  const wires = await Promise.all(Array.from({ length: 300 }, () => openWire(t, server.port)));
  for (const wire of wires) await wire.send(start);
  await until('all is read', () => server.view.snapshot().bytesReceived === 300 * start.length);
  // A few buffers of 64 KiB are there for whoever comes first.
  assert.ok(server.view.snapshot().bytesHeld <= 32 * 65_540 + 300 * 512, `${server.view.snapshot().bytesHeld} bytes`);
});

test('where memory is short, frames of which nothing comes are let go, and small requests always have room', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxHeldBytes: 8_000_000 });
  await server.ready;
  const large = request('stalled', 'echo', numbers(1_000_000));
  const wires = await Promise.all(Array.from({ length: 40 }, () => openWire(t, server.port)));
  for (const wire of wires) wire.socket.write(large.subarray(0, 600_000));
  const honest = await openWire(t, server.port);
  for (let round = 0; round < 20; round++) {
    await honest.send(request(`${round}`, 'double', `${round}`));
    assert.is((await honest.reply()).result, 2 * round);
  }
  await until('so many are let go that there is room', () => server.view.snapshot().bytesHeld <= 7_000_000);
  const first = await Promise.race(wires.map(async (wire) => ({ wire, reply: await wire.reply() })));
  assert.is(first.reply.code, 'OVERLOADED');
  // What is still to come of a frame that was let go is passed over.
  first.wire.socket.write(large.subarray(600_000));
  await first.wire.send(request('after', 'sum', '[1]'));
  assert.is((await first.wire.reply()).id, 'after');
  for (const wire of wires) wire.socket.destroy();
  await untilIdle(server);
});

test('replies that nobody reads are held within the budget, and those who read go on', async (t) => {
  const server = await openServer(t, { maxHeldBytes: 16_000_000, maxConnections: 1000 });
  const one = many(request('1', 'echo', JSON.stringify('x'.repeat(200))), 20_000);
  for (let count = 0; count < 20; count++) {
    const wire = await openWire(t, server.port);
    wire.socket.pause();
    wire.socket.write(one);
  }
  let before = -1;
  await until('the server reads no more of them', async () => {
    const now = server.view.snapshot().bytesReceived;
    const isSame = now > 0 && now === before;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isSame;
  });
  assert.ok(server.view.snapshot().bytesHeld <= 16_000_000, `${server.view.snapshot().bytesHeld} bytes`);
  const honest = await openWire(t, server.port);
  await honest.send(request('1', 'sum', numbers(1_000_000)), request('2', 'echo', numbers(300_000)));
  const replies = (await honest.take(2)).map((body) => JSON.parse(String(body)));
  assert.equal(replies.map(({ id, ok }) => [id, ok]).sort(), [
    ['1', true],
    ['2', true],
  ]);
});

test('a request and the reset of its peer that come together do no work for nobody', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  await server.ready;
  for (let round = 0; round < 5; round++) {
    const wire = await openWire(t, server.port);
    // In one turn of this loop, so that the kernel has both before the server reads.
    wire.socket.write(request('1', 'spin', '{}'));
    wire.socket.resetAndDestroy();
  }
  await until('all are noticed', () => server.view.snapshot().connectionsOpen === 0);
  await untilIdle(server);
});

test('a peer that half-closed and is gone while its work runs is noticed', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  await server.ready;
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'spin', '{}'));
  await untilRunning(server, 'spin');
  wire.finish();
  await new Promise((resolve) => setTimeout(resolve, 50));
  wire.socket.resetAndDestroy();
  await untilIdle(server);
});

test('an ended connection whose peer drips and reads nothing is closed all the same', async (t) => {
  const server = await openServer(t, { frameTimeoutMs: 1000, minReadRate: 1e9, unreadPauseBytes: 64 * 1024 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  wire.socket.write(many(request('1', 'echo', JSON.stringify('x'.repeat(60_000))), 200));
  wire.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x41]));
  const drip = setInterval(() => wire.socket.write('x'), 100);
  t.after(() => clearInterval(drip));
  await until('it is closed', () => server.view.snapshot().connectionsOpen === 0);
  await untilIdle(server);
});

test('a time limit counts from where the operation is read, also while the rest of the frame comes', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const large = frame(`{"id":"1","op":"echo","timeoutMs":200,"data":${numbers(200_000)}}`);
  await wire.send(large.subarray(0, 150_000));
  const reply = await wire.reply();
  assert.equal([reply.id, reply.code], ['1', 'DEADLINE_EXCEEDED']);
  await wire.send(large.subarray(150_000), request('2', 'sum', '[2]'));
  assert.equal([(await wire.reply()).id], ['2']);
  await untilIdle(server);
});

test.run();
