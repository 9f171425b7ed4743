import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { frame, openWire, request } from '../../support/wire.js';
import { fixtures, numbers, openServer, untilIdle, untilRunning } from '../support.js';

const test = suite('connection');

const long = new URL('../fixtures/long.js', import.meta.url).href;

test('a peer that does not read is not read from, and gets all its replies once it reads', async (t) => {
  const server = await openServer(t, { unreadPauseBytes: 128 * 1024 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  const one = request('1', 'echo', JSON.stringify('x'.repeat(60_000)));
  const count = 1000;
  for (let i = 0; i < count; i++) wire.socket.write(one);
  const received = () => server.view.snapshot().bytesReceived;
  let before = -1;
  await until(
    'the server stops reading',
    () => {
      const stopped = received() > 0 && received() === before;
      before = received();
      return stopped;
    },
    { everyMs: 150 },
  );
  assert.ok(before < (count * one.length) / 2, `${before} bytes were read`);
  wire.socket.resume();
  assert.is((await wire.take(count, 15_000)).length, count);
});

test('a reply of any size that fits the budget reaches a peer that reads, and so do many at once', async (t) => {
  const server = await openServer(t, { maxFrameBytes: 100_000_000, unreadPauseBytes: 64 * 1024 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  await wire.send(request('1', 'echo', numbers(70_000_000)));
  wire.socket.resume();
  assert.is((await wire.take(1, 15_000))[0]!.length, `{"id":"1","ok":true,"result":${numbers(70_000_000)}}`.length);
  for (let i = 0; i < 8; i++) wire.socket.write(request(`${i}`, 'echo', numbers(10_000_000)));
  assert.is((await wire.take(8, 15_000)).length, 8);
  await untilIdle(server);
});

test('a result that has no room beside the unread replies is refused, and the connection stays', async (t) => {
  const server = await openServer(t, {
    operationModules: [long],
    maxHeldBytes: 4_000_000,
    unreadPauseBytes: 3_000_000,
  });
  await server.ready;
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  for (let i = 0; i < 40; i++) wire.socket.write(request(`${i}`, 'long', '1000000'));
  const told = () => server.view.snapshot().frames.some(({ outcome }) => outcome === 'OVERLOADED');
  await until('some are refused', told);
  wire.socket.resume();
  const codes = (await wire.take(40, 15_000)).map((body) => JSON.parse(String(body)).code ?? 'ok');
  assert.equal([...new Set(codes)].sort(), ['OVERLOADED', 'ok']);
  await wire.send(request('after', 'sum', '[1]'));
  assert.is((await wire.reply()).result, 1);
  await untilIdle(server);
});

test('a peer that reads slowly and steadily is never cut', async (t) => {
  const server = await openServer(t, { frameTimeoutMs: 400, minReadRate: 4_000_000, unreadPauseBytes: 64 * 1024 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  wire.socket.write(request('1', 'echo', numbers(15_000_000)));
  // Some 10 MB a second, in gulps.
  const gulp = setInterval(() => {
    wire.socket.resume();
    setTimeout(() => wire.socket.pause(), 2);
  }, 20);
  t.after(() => clearInterval(gulp));
  assert.is((await wire.take(1, 19_000)).length, 1);
  assert.is(server.view.snapshot().connectionsEnded.unread, 0);
});

test('unread replies of all peers share the budget of the server', async (t) => {
  const server = await openServer(t, { maxHeldBytes: 8_000_000, unreadPauseBytes: 1_000_000 });
  // Small frames: gathering large ones would take from the same budget, and might leave only refusals to be unread.
  const one = request('1', 'echo', JSON.stringify('x'.repeat(60_000)));
  for (let peer = 0; peer < 12; peer++) {
    const wire = await openWire(t, server.port);
    wire.socket.pause();
    for (let i = 0; i < 400; i++) wire.socket.write(one);
  }
  await until('the server reads no more', async () => {
    const before = server.view.snapshot().bytesReceived;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return before > 0 && server.view.snapshot().bytesReceived === before;
  });
  // Each peer may be one call of the engine over its share.
  assert.ok(server.view.snapshot().bytesHeld <= 8_000_000 + 12 * 128 * 1024, `${server.view.snapshot().bytesHeld}`);
  assert.is(server.view.snapshot().connectionsEnded.unread, 0);
});

test('a peer that takes none of its replies for too long is cut, and nothing stays held for it', async (t) => {
  const server = await openServer(t, { unreadPauseBytes: 64 * 1024, frameTimeoutMs: 2000, minReadRate: 1e9 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  for (let i = 0; i < 2; i++) wire.socket.write(request(`${i}`, 'echo', numbers(12_000_000)));
  wire.socket.write(request('3', 'echo', numbers(10_000_000)).subarray(0, 3_000_000));
  await until('it is cut', () => server.view.snapshot().connectionsEnded.unread === 1);
  await untilIdle(server);
});

test('the same holds after its half-close', async (t) => {
  const server = await openServer(t, { frameTimeoutMs: 2000, minReadRate: 1e9 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  wire.socket.write(request('1', 'echo', numbers(14_000_000)));
  wire.finish();
  await until('it is cut', () => server.view.snapshot().connectionsEnded.unread === 1);
  await untilIdle(server);
  assert.is(server.view.snapshot().connectionsOpen, 0);
});

test('time in which a peer was not read from does not count against its frame', async (t) => {
  const server = await openServer(t, { unreadPauseBytes: 64 * 1024, frameTimeoutMs: 2000 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  wire.socket.write(request('1', 'echo', numbers(14_000_000)));
  const second = request('2', 'sum', numbers(100_000));
  wire.socket.write(second.subarray(0, 50_000));
  await until('the first reply is out', () => server.view.snapshot().bytesSent > 14_000_000);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  wire.socket.resume();
  await wire.take(1, 15_000);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  wire.socket.write(second.subarray(50_000));
  assert.is((await wire.reply()).result, 50_001);
});

test('a half-close is answered to the end: what runs too', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(
    request('1', 'wait', '{"ms":100}'),
    request('2', 'sum', numbers(200_000)),
    request('3', 'sum', '[3]'),
  );
  wire.finish();
  const replies = (await wire.closed()).map((body) => JSON.parse(String(body)));
  assert.equal(replies.map(({ id, ok }) => `${id} ${ok}`).sort(), ['1 true', '2 true', '3 true']);
});

test('an end in the middle of a frame drops it, and answers what was whole', async (t) => {
  const server = await openServer(t);
  for (const cut of [1, 3, 4, 5, 20]) {
    const wire = await openWire(t, server.port);
    await wire.send(Buffer.concat([request('1', 'sum', '[1]'), request('2', 'sum', '[2]').subarray(0, cut)]));
    wire.finish();
    assert.equal((await wire.closed()).map(String), ['{"id":"1","ok":true,"result":1.0}']);
  }
  await untilIdle(server);
});

test('a frame that is not whole in time is answered and closed, though bytes trickle in', async (t) => {
  const server = await openServer(t, { frameTimeoutMs: 300 });
  const wire = await openWire(t, server.port);
  const bytes = frame(`{"id":"slow","op":"echo","data":"${'x'.repeat(1000)}"}`);
  let sent = 30;
  await wire.send(bytes.subarray(0, sent));
  const trickle = setInterval(() => wire.socket.write(bytes.subarray(sent, ++sent)), 20);
  t.after(() => clearInterval(trickle));
  const reply = await wire.reply();
  assert.equal([reply.id, reply.code], ['slow', 'DEADLINE_EXCEEDED']);
  clearInterval(trickle);
  await wire.closed();
  assert.is(server.view.snapshot().connectionsEnded.frame_timeout, 1);
  await untilIdle(server);
});

test('a connection that sends nothing may stay', async (t) => {
  const server = await openServer(t, { frameTimeoutMs: 100 });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'sum', '[1]'));
  await wire.reply();
  // Longer than the sweep's period and the deadline together.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await wire.send(request('2', 'sum', '[2]'));
  assert.is((await wire.reply()).result, 2);
});

test('a frame over the limit is answered, then the connection closes after what runs', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'wait', '{"ms":100}'));
  await untilRunning(server, 'wait');
  const header = Buffer.from([0x01, 0x00, 0x00, 0x01]);
  await wire.send(Buffer.concat([header, Buffer.from(`{"id":"big","op":"echo","data":"${'x'.repeat(65536)}`)]));
  const replies = (await wire.closed()).map((body) => JSON.parse(String(body)));
  assert.equal(
    replies.map(({ id, code }) => [id, code]),
    [
      ['big', 'FRAME_TOO_LARGE'],
      ['1', undefined],
    ],
  );
  assert.match(replies[0].error, '16777217');
});

test('a peer that goes on sending after its fault still gets the answer', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const chunk = Buffer.alloc(64 * 1024, 0x20);
  wire.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  for (let i = 0; i < 100; i++) wire.socket.write(chunk);
  assert.is((await wire.reply()).code, 'FRAME_TOO_LARGE');
});

test('connections beyond the limit are told so and closed', async (t) => {
  const server = await openServer(t, { maxConnections: 2 });
  const first = await openWire(t, server.port);
  await openWire(t, server.port);
  const third = await openWire(t, server.port);
  assert.is((await third.reply()).code, 'OVERLOADED');
  assert.equal(await third.closed(), []);
  await first.send(request('1', 'sum', '[1]'));
  assert.is((await first.reply()).ok, true);
  first.socket.destroy();
  await until('there is room again', () => server.view.snapshot().connectionsOpen === 1);
  const fourth = await openWire(t, server.port);
  await fourth.send(request('1', 'sum', '[1]'));
  assert.is((await fourth.reply()).ok, true);
});

test('more requests in one read than the engine can hand out at once are all answered', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const count = 3000;
  await wire.send(Buffer.concat(Array.from({ length: count }, (_, i) => request(`${i}`, 'x'))));
  const ids = (await wire.take(count)).map((body) => Number(JSON.parse(String(body)).id));
  assert.equal(ids, [...ids.keys()]);
});

test('replies that outgrow the requests many times over are all written', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const count = 50_000;
  wire.socket.write(Buffer.alloc(4 * count));
  const bodies = await wire.take(count, 15_000);
  assert.ok(bodies.every((body) => body.includes('BAD_JSON')));
});

test.run();
