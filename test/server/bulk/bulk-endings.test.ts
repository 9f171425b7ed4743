/** How sums that are answered in parts end before their time, what is freed with each, and that the connection goes on. */
import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { openWire, request } from '../../support/wire.js';
import { fixtures, openServer, untilIdle } from '../support.js';
import { bulk, endings, halves, largeBytes, largeSum, occupy, parse, ping, places, untilBulk } from './bulk-support.js';

const test = suite('the endings of large sums');

test('a peer that stalls in the middle of a body is answered and cut, and what waits takes its place', async (t) => {
  const server = await openServer(t, { frameTimeoutMs: 2000 });
  const stalled = await Promise.all(Array.from({ length: places }, () => openWire(t, server.port)));
  for (const [index, wire] of stalled.entries()) wire.socket.write(halves(largeSum(`${index}`))[0]);
  const trickle = setInterval(() => stalled[0]!.socket.write('1,'), 20);
  t.after(() => clearInterval(trickle));
  await untilBulk(server, places, 0);
  const next = await openWire(t, server.port);
  next.socket.write(largeSum('next').frame);
  await untilBulk(server, places, 1);
  for (const [index, wire] of stalled.entries()) {
    const reply = await wire.reply();
    assert.equal([reply.id, reply.code], [`${index}`, 'DEADLINE_EXCEEDED']);
    assert.match(reply.error!, '32768 bytes a second');
    assert.match(reply.error!, '2000 ms');
    clearInterval(trickle);
    assert.equal(await wire.closed(), []);
  }
  assert.is((await next.reply()).result, largeSum('next').result);
  await untilIdle(server);
  assert.equal(endings(server), { stalled: places, answered: 1 });
  assert.is(server.view.snapshot().connectionsEnded.send_rate, places);
});

test('a deadline that passes in the middle of a body is answered once, and the connection goes on after it', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  for (const timeoutMs of ['0.001', '1', '60']) {
    const [start, rest] = halves(largeSum('1', largeBytes, `"timeoutMs":${timeoutMs},`));
    await wire.send(start);
    const reply = await wire.reply();
    assert.equal([reply.id, reply.code], ['1', 'DEADLINE_EXCEEDED']);
    await untilIdle(server);
    await wire.send(rest);
    await ping(wire);
  }
  const sum = largeSum('in time', largeBytes, '"timeoutMs":60000,');
  await wire.send(sum.frame);
  assert.is((await wire.reply()).result, sum.result);
  await untilIdle(server);
  assert.equal(endings(server), { expired: 3, answered: 1 });
});

test('a fault is answered before the rest has come, which is passed over', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const sum = largeSum('1');
  for (const [fault, code] of [
    ['"x"', 'BAD_DATA'],
    ['NaN', 'BAD_JSON'],
    ['1e400', 'OUT_OF_RANGE'],
  ] as const) {
    const bytes = Buffer.from(sum.frame);
    bytes.write(`${fault},`, bytes.indexOf(',', 300_000) + 1);
    // Segments go to a worker when they are full.
    await wire.send(bytes.subarray(0, 700_000));
    const reply = await wire.reply();
    assert.is(reply.code, code);
    await untilIdle(server);
    await wire.send(bytes.subarray(700_000, 900_000));
    // The rest comes together with what comes after it.
    await wire.send(Buffer.concat([bytes.subarray(900_000), request('2', 'sum', '[2]')]));
    assert.equal(await wire.reply(), { id: '2', ok: true, result: 2 });
  }
  assert.equal(endings(server), { answered: 3 });
});

test('a client that dies in the middle of a body, by reset or by half-close, leaves nothing behind', async (t) => {
  const server = await openServer(t);
  const { frame: bytes } = largeSum('1');
  for (const at of [70_000, 262_148, 300_000, 900_000, bytes.length - 1]) {
    const gone = bulk(server).ended.gone;
    const reset = await openWire(t, server.port);
    const before = server.view.snapshot().bytesReceived;
    await reset.send(bytes.subarray(0, at));
    // libuv reports a reset that comes together with data as an end.
    await until('all of it is read', () => server.view.snapshot().bytesReceived === before + at);
    reset.socket.resetAndDestroy();
    const ends = await openWire(t, server.port);
    await ends.send(request('before', 'sum', '[1]'), bytes.subarray(0, at));
    ends.finish();
    assert.equal((await ends.closed()).map(String), ['{"id":"before","ok":true,"result":1.0}']);
    await until('both are over', () => bulk(server).ended.gone === gone + 2);
    await untilIdle(server);
  }
  await until('no connection is left', () => server.view.snapshot().connectionsOpen === 0);
});

test('a half-close after whole large frames is answered to the end', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const sum = largeSum('1');
  await wire.send(sum.frame, sum.frame);
  wire.finish();
  assert.equal(
    (await wire.closed()).map((body) => parse(body).result),
    [sum.result, sum.result],
  );
  await untilIdle(server);
});

test('$cancel reaches a body that has come whole and waits for the worker', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const free = await occupy(t, server);
  const wire = await openWire(t, server.port);
  await wire.send(largeSum('1').frame, request('c', '$cancel', '{"id":"1"}'));
  const replies = (await wire.take(2)).map(parse);
  assert.is(replies.find(({ id }) => id === '1')!.code, 'CANCELLED');
  assert.equal(replies.find(({ id }) => id === 'c')!.result, { cancelled: true });
  assert.equal([bulk(server).open, bulk(server).ended.cancelled], [0, 1]);
  free();
  await ping(wire);
  await untilIdle(server);
});

test('threads that die between the parts and with them cost no digit', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  await server.ready;
  const { frame: bytes, result } = largeSum('1', 3_000_000);
  const wire = await openWire(t, server.port);
  const killer = await openWire(t, server.port);
  // Three: a part that as many threads could not begin with is still taken by the next.
  for (let bomb = 0, at = 0; bomb < 3; bomb++) {
    await killer.send(request('bomb', 'bombBehind', '{"ms":0}'));
    for (let piece = 0; piece < 4; piece++, at += 250_000) await wire.send(bytes.subarray(at, at + 250_000));
    assert.is((await killer.reply()).ok, true);
    // Two bombs in one thread would end one thread.
    await until('the thread is lost', () => server.view.snapshot().pool.threads.lost === bomb + 1);
  }
  await wire.send(bytes.subarray(3_000_000));
  assert.is((await wire.reply()).result, result);
  await untilIdle(server);
});

test('a drain waits for a body that still comes, and takes no new one', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const other = await openWire(t, server.port);
  const sum = largeSum('1');
  const [start, rest] = halves(sum);
  await wire.send(start);
  await other.send(halves(largeSum('2'))[0]);
  await untilBulk(server, 2, 0);
  const drained = server.drain(10_000);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await wire.send(Buffer.concat([rest, halves(largeSum('late'))[0]]));
  const late = halves(largeSum('late'))[1];
  const replies = [await wire.reply(), await wire.reply()];
  assert.equal(replies.map(({ id, code, result }) => [id, code, result]).sort(), [
    ['1', undefined, sum.result],
    ['late', 'SHUTTING_DOWN', undefined],
  ]);
  await wire.send(late).catch(() => {});
  await wire.closed();
  wire.finish();
  await other.send(halves(largeSum('2'))[1]);
  assert.is((await other.reply()).id, '2');
  await other.closed();
  other.finish();
  assert.equal(await drained, { cut: 0 });
  await untilIdle(server);
});

test('what a drain finds unfinished in the end is cut, counted and freed', async (t) => {
  const server = await openServer(t);
  const wires = await Promise.all(Array.from({ length: places + 1 }, () => openWire(t, server.port)));
  for (const wire of wires) wire.socket.write(halves(largeSum('1'))[0]);
  await untilBulk(server, places, 1);
  assert.equal(await server.drain(300), { cut: places + 1 });
  await untilIdle(server);
  assert.equal(endings(server), { gone: places + 1 });
});

test.run();
