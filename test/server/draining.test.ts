/** `$draining`: the request that is answered when the drain begins. */
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame, openWire, request } from '../support/wire.js';
import { fixtures, openServer, untilRunning } from './support.js';

const test = suite('$draining');

const ask = request('d', '$draining');

test('it is answered when the drain begins, and not before', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  await wire.send(ask, request('1', 'sum', '[1]'));
  assert.is((await wire.reply()).id, '1');
  const drained = server.drain(10_000);
  assert.equal(await wire.reply(), { id: 'd', ok: true, result: { draining: true } });
  wire.finish();
  assert.equal(await drained, { cut: 0 });
});

test('a connection that was told goes on until its peer ends it', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  const other = await openWire(t, server.port);
  await wire.send(ask, request('0', 'sum', '[0]'));
  await wire.reply();
  const drained = server.drain(60_000);
  assert.is((await wire.reply()).id, 'd');
  // By then the server has looked many times at a connection on which nothing came.
  await other.closed();
  other.finish();
  await wire.send(request('1', 'sum', '[1]'), request('2', 'double', '2'));
  assert.equal(
    [await wire.reply(), await wire.reply()].map(({ id, result }) => [id, result]),
    [
      ['1', 1],
      ['2', 4],
    ],
  );
  wire.finish();
  assert.equal(await wire.closed(), []);
  assert.equal(await drained, { cut: 0 });
});

test('a peer that was told and stays is ended after half of the time', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  await wire.send(ask, request('1', 'sum', '[1]'));
  await wire.reply();
  const startMs = performance.now();
  const drained = server.drain(3000);
  assert.is((await wire.reply()).id, 'd');
  assert.equal(await wire.closed(), []);
  assert.ok(performance.now() - startMs >= 1500);
  wire.finish();
  assert.equal(await drained, { cut: 0 });
});

test('it is answered with false where the peer half-closes first', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'sum', '[1]'), ask);
  wire.finish();
  const replies = (await wire.closed()).map(String);
  assert.equal(replies, ['{"id":"1","ok":true,"result":1.0}', '{"id":"d","ok":true,"result":{"draining":false}}']);
});

test('it is answered with false where the framing is lost', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const tooLong = frame('{');
  tooLong.writeUInt32BE(2 ** 31);
  await wire.send(ask, tooLong, Buffer.alloc(70_000, ' '));
  const replies = (await wire.closed()).map((body) => JSON.parse(String(body)));
  assert.equal(
    replies.map(({ id, code, result }) => [id, code ?? result]),
    [
      [null, 'FRAME_TOO_LARGE'],
      ['d', { draining: false }],
    ],
  );
});

test('a second one is BAD_REQUEST, also after the first has its answer', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  await wire.send(ask, request('e', '$draining'));
  const second = await wire.reply();
  assert.equal([second.id, second.code], ['e', 'BAD_REQUEST']);
  const drained = server.drain(10_000);
  assert.is((await wire.reply()).id, 'd');
  await wire.send(request('f', '$draining'));
  const third = await wire.reply();
  assert.equal([third.id, third.code], ['f', 'BAD_REQUEST']);
  wire.finish();
  await drained;
});

test('it does not count against the requests in flight', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxRequests: 1 });
  const wire = await openWire(t, server.port);
  await wire.send(ask, request('1', 'double', '1'));
  assert.equal(await wire.reply(), { id: '1', ok: true, result: 2 });
});

test('who asks while the server drains is told at once', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const busy = await openWire(t, server.port);
  const late = await openWire(t, server.port);
  await busy.send(request('1', 'wait', '{"ms":500}'));
  await untilRunning(server, 'wait');
  const drained = server.drain(10_000);
  await late.send(ask);
  assert.equal(await late.reply(), { id: 'd', ok: true, result: { draining: true } });
  late.finish();
  await busy.closed();
  busy.finish();
  await drained;
});

test('where what comes is refused already, the question is answered all the same', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'wait', '{"ms":1500}'));
  await untilRunning(server, 'wait');
  const drained = server.drain(10_000);
  await until('requests are refused', async () => {
    await wire.send(request('2', 'sum', '[1]'));
    return (await wire.reply()).code === 'SHUTTING_DOWN';
  });
  await wire.send(ask);
  assert.equal(await wire.reply(), { id: 'd', ok: true, result: { draining: true } });
  wire.finish();
  await wire.closed();
  await drained;
});

test('without time to drain it is still told, and then cut', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  await wire.send(ask, request('1', 'sum', '[1]'));
  await wire.reply();
  assert.equal(await server.drain(0), { cut: 0 });
  void server.close();
  assert.equal((await wire.closed()).map(String), ['{"id":"d","ok":true,"result":{"draining":true}}']);
});

test('with a delay the server is not ready at first, and serves as before', async (t) => {
  const server = await openServer(t, { drainDelayMs: 1500 });
  const wire = await openWire(t, server.port);
  await wire.send(ask, request('1', 'sum', '[1]'));
  await wire.reply();
  const startMs = performance.now();
  const drained = server.drain(10_000);
  assert.equal([server.view.state(), server.view.readiness().ready], ['leaving', false]);
  const newcomer = await openWire(t, server.port);
  await newcomer.send(ask, request('2', 'sum', '[2]'));
  assert.is((await newcomer.reply()).id, '2');
  assert.is((await wire.reply()).id, 'd');
  assert.ok(performance.now() - startMs >= 1500);
  assert.is((await newcomer.reply()).id, 'd');
  wire.finish();
  newcomer.finish();
  assert.equal(await drained, { cut: 0 });
});

test('a close ends the delay', async (t) => {
  const server = await openServer(t, { drainDelayMs: 3_600_000 });
  const drained = server.drain(10_000);
  await server.close();
  assert.equal(await drained, { cut: 0 });
});

test('a call from inside the process has its answer at once', async (t) => {
  const server = await openServer(t);
  const none = (async function* (): AsyncGenerator<Uint8Array> {})();
  const { ok, result } = JSON.parse(Buffer.from(await server.view.call('$draining', none)).toString());
  assert.equal([ok, result], [true, { draining: false }]);
});

test.run();
