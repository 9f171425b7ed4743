/** Limits on time and number that a peer meets with: each answers or closes, and is counted under its own name. */
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame, openWire, request } from '../support/wire.js';
import { fixtures, numbers, openServer, untilIdle, untilRunning } from './support.js';

const test = suite('limits');

test('a connection that sends no whole frame within its first time is closed; one that has, may stay', async (t) => {
  const server = await openServer(t, { firstFrameTimeoutMs: 300 });
  const prompt = await openWire(t, server.port);
  await prompt.send(request('1', 'sum', '[1]'));
  await prompt.reply();
  const silent = await openWire(t, server.port);
  const slow = await openWire(t, server.port);
  const bytes = request('slow', 'echo', `"${'x'.repeat(1000)}"`);
  let sent = 30;
  await slow.send(bytes.subarray(0, sent));
  const drip = setInterval(() => slow.socket.write(bytes.subarray(sent, ++sent)), 20);
  t.after(() => clearInterval(drip));
  assert.equal(await silent.closed(), []);
  const reply = await slow.reply();
  assert.equal([reply.id, reply.code], ['slow', 'DEADLINE_EXCEEDED']);
  assert.match(reply.error!, '--first-frame-timeout-ms');
  clearInterval(drip);
  await slow.closed();
  assert.is(server.view.snapshot().connectionsEnded.first_frame_timeout, 2);
  await prompt.send(request('2', 'sum', '[2]'));
  assert.is((await prompt.reply()).result, 2);
});

test('an idle connection is closed after its time, not one with work in flight, unread replies or half a frame', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], idleTimeoutMs: 300, unreadPauseBytes: 64 * 1024 });
  await server.ready;
  const working = await openWire(t, server.port);
  await working.send(request('1', 'wait', '{"ms":2500}'));
  await untilRunning(server, 'wait');
  const unread = await openWire(t, server.port);
  unread.socket.pause();
  unread.socket.write(request('2', 'echo', numbers(14_000_000)));
  const halfway = await openWire(t, server.port);
  await halfway.send(request('3', 'sum', '[1]').subarray(0, 10));
  const idle = await Promise.all([openWire(t, server.port), openWire(t, server.port)]);
  await idle[1]!.send(request('4', 'sum', '[1]'));
  assert.is((await idle[1]!.reply()).result, 1);
  for (const wire of idle) assert.equal(await wire.closed(), []);
  assert.is(server.view.snapshot().connectionsEnded.idle_timeout, 2);
  assert.is((await working.reply()).ok, true);
  unread.socket.resume();
  assert.is((await unread.take(1))[0]!.length > 14_000_000, true);
  await halfway.send(request('3', 'sum', '[1]').subarray(10));
  assert.is((await halfway.reply()).result, 1);
  // Now they are idle, too.
  for (const wire of [working, unread, halfway]) assert.equal(await wire.closed(), []);
  await until('all are counted', () => server.view.snapshot().connectionsEnded.idle_timeout === 5);
});

test('connections beyond those that an address may have are told so and closed, until one of them ends', async (t) => {
  const server = await openServer(t, { maxConnectionsPerAddress: 2 });
  const [first] = [await openWire(t, server.port), await openWire(t, server.port)];
  const third = await openWire(t, server.port);
  const refusal = await third.reply();
  assert.equal([refusal.id, refusal.code], [null, 'OVERLOADED']);
  assert.match(refusal.error!, '2 connections are open from 127.0.0.1');
  assert.equal(await third.closed(), []);
  assert.is(server.view.snapshot().connectionsEnded.address_limit, 1);
  first!.socket.destroy();
  await until('there is room again', () => server.view.snapshot().connectionsOpen === 1);
  const fourth = await openWire(t, server.port);
  await fourth.send(request('1', 'sum', '[1]'));
  assert.is((await fourth.reply()).ok, true);
});

test('requests beyond those that the whole server may have in flight are refused, whoever has the others', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxTotalRequests: 2 });
  await server.ready;
  const busy = await openWire(t, server.port);
  await busy.send(request('1', 'wait', '{"ms":600000}'), request('2', 'wait', '{"ms":600000}'));
  await until('both are in flight', () => server.view.snapshot().requestsInFlight === 2);
  const other = await openWire(t, server.port);
  await other.send(request('3', 'double', '1'), request('4', 'sum', '[1]'));
  const replies = (await other.take(2)).map((body) => JSON.parse(String(body)));
  assert.equal(replies.map(({ id, code }) => [id, code]).sort(), [
    ['3', 'OVERLOADED'],
    ['4', undefined],
  ]);
  const refused = replies.find(({ id }) => id === '3');
  assert.match(refused.error, '--max-total-requests');
  assert.ok(refused.retryAfterMs > 0);
  assert.is(server.view.snapshot().requestsRefused.max_total_requests, 1);
  busy.socket.resetAndDestroy();
  await until('nothing is in flight', () => server.view.snapshot().requestsInFlight === 0);
  await other.send(request('5', 'double', '1'));
  assert.is((await other.reply()).result, 2);
});

test('a connection holds no more than its own part of the bytes, and others have theirs', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxConnectionBytes: 200_000 });
  await server.ready;
  const greedy = await openWire(t, server.port);
  await greedy.send(request('1', 'upper', `"${'x'.repeat(300_000)}"`));
  const reply = await greedy.reply();
  assert.equal([reply.id, reply.code], ['1', 'OVERLOADED']);
  assert.match(reply.error!, '--max-connection-bytes');
  assert.equal(server.view.snapshot().requestsRefused, {
    ...server.view.snapshot().requestsRefused,
    connection_bytes: 1,
    held_bytes: 0,
  });
  await greedy.send(request('2', 'upper', `"${'x'.repeat(100_000)}"`));
  assert.is((await greedy.reply()).ok, true);
  await untilIdle(server);
});

test('a body that comes slower than the least rate is answered and its connection closed; one that comes faster, not', async (t) => {
  const server = await openServer(t, { frameTimeoutMs: 1000, minSendRate: 20_000 });
  const head = frame(`{"id":"1","op":"sum","data":[${'1,'.repeat(50_000)}`);
  head.writeUInt32BE(100_000_000);
  const [slow, steady] = [await openWire(t, server.port), await openWire(t, server.port)];
  for (const wire of [slow, steady]) await wire.send(head);
  const send = setInterval(() => {
    slow.socket.write('1,'.repeat(100));
    steady.socket.write('1,'.repeat(4000));
  }, 50);
  t.after(() => clearInterval(send));
  const reply = await slow.reply();
  assert.equal([reply.id, reply.code], ['1', 'DEADLINE_EXCEEDED']);
  assert.match(reply.error!, '20000 bytes a second');
  const { connectionsEnded, bytesReceived } = server.view.snapshot();
  assert.is(connectionsEnded.send_rate, 1);
  await until('the other one is read on', () => server.view.snapshot().bytesReceived > bytesReceived + 200_000);
  assert.is(steady.socket.readableEnded, false);
});

test.run();
