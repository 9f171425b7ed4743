import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame, openWire, request } from '../support/wire.js';
import { fixtures, numbers, openServer, untilRunning } from './support.js';

const test = suite('drain');

test('an idle connection is closed, and nothing counts as cut', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'sum', '[1]'));
  await wire.reply();
  const drained = server.drain(5000);
  assert.equal(await wire.closed(), []);
  wire.finish();
  assert.equal(await drained, { cut: 0 });
});

test('everything that was received whole is answered first', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(
    request('1', 'wait', '{"ms":200}'),
    request('2', 'sum', numbers(3_000_000)),
    request('3', 'double', '3'),
  );
  await untilRunning(server, 'wait');
  const drained = server.drain(5000);
  const replies = (await wire.closed()).map((body) => JSON.parse(String(body)));
  wire.finish();
  assert.equal(replies.map(({ id, ok }) => `${id} ${ok}`).sort(), ['1 true', '2 true', '3 true']);
  assert.equal(await drained, { cut: 0 });
});

test('what comes later on a connection that still waits is refused with SHUTTING_DOWN', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'wait', '{"ms":2000}'));
  await untilRunning(server, 'wait');
  const drained = server.drain(5000);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await wire.send(request('2', 'sum', '[1]'), request('3', 'double', '1'), request('4', 'sum', numbers(100_000)));
  await wire.send(frame('rubbish'));
  const replies = (await wire.closed()).map((body) => JSON.parse(String(body)));
  wire.finish();
  assert.equal(replies.map(({ id, code }) => `${id} ${code ?? 'ok'}`).sort(), [
    '1 ok',
    '2 SHUTTING_DOWN',
    '3 SHUTTING_DOWN',
    '4 SHUTTING_DOWN',
    'null BAD_JSON',
  ]);
  assert.equal(await drained, { cut: 0 });
});

test('a peer that never stops sending does not hold the server up', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const flood = setInterval(() => wire.socket.write(request('1', 'sum', '[1]')), 2);
  t.after(() => clearInterval(flood));
  await wire.reply();
  assert.equal(await server.drain(10_000), { cut: 0 });
});

test('a request that the kernel holds when the drain begins is answered', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  wire.socket.write(request('1', 'sum', '[1]'));
  const drained = server.drain(5000);
  assert.equal((await wire.closed()).map(String), ['{"id":"1","ok":true,"result":1.0}']);
  wire.finish();
  assert.equal(await drained, { cut: 0 });
});

test('a peer that reads slowly gets every reply to what the server had received', async (t) => {
  const server = await openServer(t, { unreadPauseBytes: 64 * 1024 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  const one = request('1', 'echo', JSON.stringify('x'.repeat(20_000)));
  for (let i = 0; i < 300; i++) wire.socket.write(one);
  await until('the server reads', () => server.view.snapshot().bytesReceived > 0);
  const received = Math.floor(server.view.snapshot().bytesReceived / one.length);
  const drained = server.drain(15_000);
  // Longer than an ended connection would linger.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  wire.socket.resume();
  const bodies = await wire.closed(15_000);
  wire.finish();
  assert.equal(await drained, { cut: 0 });
  const replies = bodies.map((body) => JSON.parse(String(body)));
  assert.ok(replies.filter(({ ok }) => ok).length >= received, `${received} requests were received`);
  assert.ok(replies.every(({ ok, code }) => ok || code === 'SHUTTING_DOWN'));
  const replyBytes = bodies.reduce((sum, body) => sum + 4 + body.length, 0);
  assert.is(replyBytes, server.view.snapshot().bytesSent);
});

test('a peer that reads nothing is cut and counted', async (t) => {
  const server = await openServer(t, { unreadPauseBytes: 64 * 1024 });
  const wire = await openWire(t, server.port);
  wire.socket.pause();
  for (let i = 0; i < 300; i++) wire.socket.write(request(`${i}`, 'echo', JSON.stringify('x'.repeat(60_000))));
  await until('the server reads', () => server.view.snapshot().bytesReceived > 4_000_000);
  assert.equal(await server.drain(300), { cut: 1 });
});

test('what is not done in time is cut and counted', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  const idle = await openWire(t, server.port);
  await wire.send(request('1', 'spin', '{}'));
  await untilRunning(server, 'spin');
  assert.equal(await server.drain(200), { cut: 1 });
  await wire.closed();
  await idle.closed();
});

test('no connection is taken any more', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'wait', '{"ms":500}'));
  await untilRunning(server, 'wait');
  const { port } = server;
  const drained = server.drain(5000);
  assert.is(server.view.state(), 'draining');
  await until('a connection is refused', async () => {
    const error = await openWire(t, port).then(
      () => undefined,
      (reason: NodeJS.ErrnoException) => reason,
    );
    return error?.code === 'ECONNREFUSED';
  });
  await wire.closed();
  wire.finish();
  await drained;
});

test.run();
