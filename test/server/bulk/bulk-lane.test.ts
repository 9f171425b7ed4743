/** Sums that are answered in parts as their bytes come: their sizes, their places, backpressure, and who goes on beside them. */
import * as assert from 'uvu/assert';
import { readBytes } from '../../../src/server/channel/tcp-channel.js';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { frame, openWire, request, type Wire } from '../../support/wire.js';
import { fixtures, openServer, untilIdle } from '../support.js';
import {
  bulk,
  endings,
  halves,
  heldMax,
  largeBytes,
  largeSum,
  occupy,
  parse,
  ping,
  places,
  untilBulk,
  untilUnread,
} from './bulk-support.js';

const test = suite('the bulk lane');

test('a body that is read faster than it is added is not held in memory', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const free = await occupy(t, server);
  const { frame: bytes, result } = largeSum('1', 4_000_000);
  const before = server.view.snapshot().bytesReceived;
  const wire = await openWire(t, server.port);
  wire.socket.write(bytes);
  const read = (await untilUnread(server)) - before;
  assert.ok(read > heldMax / 2 && read <= heldMax, `${read} bytes were read`);
  free();
  assert.is((await wire.reply()).result, result);
  await untilIdle(server);
});

test('nor where its reads end just where segments of memory do', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const free = await occupy(t, server);
  const { frame: bytes, result } = largeSum('1', 2_000_000);
  const before = server.view.snapshot().bytesReceived;
  const wire = await openWire(t, server.port);
  let sent = 4;
  await wire.send(bytes.subarray(0, sent));
  for (let piece = 0; piece < 20; piece++) {
    wire.socket.write(bytes.subarray(sent, sent + 65_536));
    sent += 65_536;
    await untilUnread(server);
  }
  const read = server.view.snapshot().bytesReceived - before;
  assert.ok(read <= heldMax, `${read} bytes were read`);
  free();
  wire.socket.write(bytes.subarray(sent));
  assert.is((await wire.reply()).result, result);
  await untilIdle(server);
});

test('a body that ends while its part still waits for a worker gives its place back once', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const free = await occupy(t, server);
  for (let round = 0; round < 3; round++) {
    const wire = await openWire(t, server.port);
    await wire.send(halves(largeSum('1'), 700_000)[0]);
    await untilBulk(server, 1, 0);
    await until('its part waits', () => server.view.snapshot().pool.queues.some((queue) => queue.waiting > 0));
    wire.socket.destroy();
    await until('it is over', () => bulk(server).ended.gone === round + 1);
    assert.is(bulk(server).open, 0);
  }
  free();
  await untilIdle(server);
});

test('a sum over the limit that finds no memory is told that the server is full, and its connection stays', async (t) => {
  const server = await openServer(t, { maxHeldBytes: 66_000, maxFrameBytes: 50_000 });
  const wire = await openWire(t, server.port);
  await wire.send(largeSum('1').frame);
  const reply = await wire.reply();
  assert.is(reply.code, 'OVERLOADED');
  await ping(wire);
  await untilIdle(server);
});

test('sums are taken at any size where op comes first, all else up to the limit of what is held in memory', async (t) => {
  const server = await openServer(t, { maxFrameBytes: 200_000 });
  const wire = await openWire(t, server.port);
  const sum = largeSum('1', 1_000_000);
  await wire.send(sum.frame);
  assert.equal(String(await wire.take(1)), `{"id":"1","ok":true,"result":${sum.result}.0}`);
  const text = 'x'.repeat(199_900);
  await wire.send(request('2', 'echo', `"${text}"`), request('3', 'upper', `"${text}"`));
  const replies = (await wire.take(2)).map(parse);
  assert.is(replies.find(({ id }) => id === '2')!.result, text);
  assert.is(replies.find(({ id }) => id === '3')!.result, text.toUpperCase());
  const ones = `[${'1,'.repeat(90_000)}1]`;
  await wire.send(frame(`{"id":"4","data":${ones},"op":"sum"}`));
  assert.equal(await wire.reply(), { id: '4', ok: true, result: 90_001 });
  const tooLarge = [
    request('5', 'echo', `"${text}${text}"`),
    request('5', 'upper', `"${text}${text}"`),
    frame(`{"id":"5","data":[${'1,'.repeat(190_000)}1],"op":"sum"}`),
  ];
  for (const bytes of tooLarge) {
    const other = await openWire(t, server.port);
    other.socket.write(bytes);
    const reply = await other.reply();
    assert.equal([reply.id, reply.code], ['5', 'FRAME_TOO_LARGE']);
    assert.match(reply.error!, `${bytes.length - 4} bytes`);
    assert.match(reply.error!, '200000 are allowed (--max-frame-bytes), and more for a sum whose op comes first');
    assert.equal(await other.closed(), []);
  }
  await untilIdle(server);
  assert.equal(endings(server), { answered: 1 });
});

test('other requests are answered while large ones stream, also by the only worker', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  await server.ready;
  const chunk = Buffer.from('1,'.repeat(100_000));
  const head = frame(`{"id":"endless","op":"sum","data":[${' '.repeat(70_000)}`);
  head.writeUInt32BE(0xffff_ffff);
  const streams = await Promise.all(Array.from({ length: 4 }, () => openWire(t, server.port)));
  for (const { socket } of streams) {
    // Writes on as fast as it is read.
    const go = () => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on('drain', go).write(head, go);
  }
  await untilBulk(server, 4, 0);
  const wire = await openWire(t, server.port);
  for (let round = 0; round < 10; round++) {
    const received = server.view.snapshot().bytesReceived;
    await wire.send(request('a', 'sum', '[1]'));
    assert.is((await wire.reply()).result, 1);
    await wire.send(request('b', 'double', `${round}`));
    assert.is((await wire.reply()).result, 2 * round);
    await until('the large ones come on', () => server.view.snapshot().bytesReceived > received + 500_000);
  }
  assert.is(bulk(server).open, 4);
  for (const { socket } of streams) socket.resetAndDestroy();
  await untilIdle(server);
  assert.equal(endings(server), { gone: 4 });
});

test('peers that send slowly do not keep others from a place, and lose nothing by that', async (t) => {
  const server = await openServer(t);
  const sums = Array.from({ length: places }, (_, index) => largeSum(`slow ${index}`));
  const wires: Wire[] = [];
  for (const sum of sums) {
    const wire = await openWire(t, server.port);
    await wire.send(halves(sum)[0]);
    wires.push(wire);
  }
  await untilBulk(server, places, 0);
  // Each sends a little now and then, from where its first half ends.
  let sent = halves(sums[0]!)[0].length;
  const trickle = setInterval(() => {
    for (const [index, wire] of wires.entries()) wire.socket.write(sums[index]!.frame.subarray(sent, sent + 2000));
    sent += 2000;
  }, 50);
  t.after(() => clearInterval(trickle));
  for (let round = 0; round < 3; round++) {
    const others = await Promise.all(Array.from({ length: 8 }, () => openWire(t, server.port)));
    for (const other of others) other.socket.write(largeSum('quick').frame);
    for (const other of others) assert.is((await other.reply()).result, largeSum('quick').result);
  }
  clearInterval(trickle);
  for (const [index, wire] of wires.entries()) {
    wire.socket.write(sums[index]!.frame.subarray(sent));
    assert.is((await wire.reply()).result, sums[index]!.result);
    await ping(wire);
  }
  await untilIdle(server);
  assert.equal(endings(server), { answered: places + 24 });
});

test('bodies beyond the places wait unread, and get their turn whichever way others end', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxRequests: 3 });
  // No part comes back meanwhile, so no place is given up.
  const free = await occupy(t, server);
  const sums = Array.from({ length: places }, (_, index) => largeSum(`${index}`));
  const wires: Wire[] = [];
  for (const sum of sums) {
    const wire = await openWire(t, server.port);
    await wire.send(halves(sum)[0]);
    wires.push(wire);
  }
  await untilBulk(server, places, 0);
  const before = await untilUnread(server);
  const waiting: Wire[] = [];
  const waits = async (id: string, members = '') => {
    const wire = await openWire(t, server.port);
    wire.socket.write(largeSum(id, largeBytes, members).frame);
    waiting.push(wire);
    await untilBulk(server, places, waiting.length);
  };
  for (const id of ['first', 'dies', 'second']) await waits(id);
  await waits('late', '"timeoutMs":300,');
  await waits('third');
  const read = (await untilUnread(server)) - before;
  assert.ok(read <= 5 * (65_536 + readBytes), `${read} bytes were read of bodies that wait`);
  const [first, dies, second, late, third] = waiting;

  assert.is((await late!.reply()).code, 'DEADLINE_EXCEEDED');
  await ping(late!);
  // That it is gone is seen when its turn comes, since it is not read from before.
  dies!.socket.resetAndDestroy();
  await untilBulk(server, places, 4);
  // One is cut off, one closes its side: each time the next one's turn comes.
  wires[1]!.socket.resetAndDestroy();
  await untilBulk(server, places, 3);
  wires[2]!.finish();
  await untilBulk(server, places, 1);
  free();
  for (const [wire, id] of [
    [first!, 'first'],
    [second!, 'second'],
    [third!, 'third'],
  ] as const) {
    assert.is((await wire.reply()).result, largeSum(id).result);
  }
  for (const [index, wire] of wires.entries()) {
    if (index === 1 || index === 2) continue;
    await wire.send(halves(sums[index]!)[1]);
    assert.is((await wire.reply()).result, sums[index]!.result);
    await ping(wire);
  }
  await untilIdle(server);
  const { gone, expired, cancelled, stalled, failed } = bulk(server).ended;
  // One that has come whole when its peer is gone counts as cancelled.
  assert.equal([gone + cancelled, expired, stalled, failed], [3, 1, 0, 0]);
});

test('a crowd that sends slowly takes its turns beside newcomers: neither waits for long', async (t) => {
  const server = await openServer(t);
  const sums = Array.from({ length: 4 * places }, (_, index) => largeSum(`slow ${index}`));
  const wires = await Promise.all(sums.map(() => openWire(t, server.port)));
  for (const [index, wire] of wires.entries()) await wire.send(halves(sums[index]!)[0]);
  await until('most of them wait', () => bulk(server).waiting >= 2 * places);
  const other = await openWire(t, server.port);
  for (let round = 0; round < 10; round++) {
    const quick = largeSum(`quick ${round}`);
    other.socket.write(quick.frame);
    // All of the crowd have a turn of a second before it where newcomers are not told apart: some four seconds.
    assert.is((await other.reply(3000)).result, quick.result);
  }
  for (const [index, wire] of wires.entries()) wire.socket.write(halves(sums[index]!)[1]);
  for (const [index, wire] of wires.entries()) assert.is((await wire.reply()).result, sums[index]!.result);
  await untilIdle(server);
  assert.equal(endings(server), { answered: sums.length + 10 });
});

test('large frames, small ones and $cancel one after the other on one connection get one reply each', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxRequests: 1000 });
  await server.ready;
  const wire = await openWire(t, server.port);
  const sizes = [65_537, 262_144, 786_432, 786_433, 800_000, 1_048_576, 1_200_000];
  const expected = new Map<string, unknown>();
  for (let index = 0; index < 60; index++) {
    const sum = largeSum(`large ${index}`, sizes[index % sizes.length]);
    expected.set(`large ${index}`, sum.result);
    expected.set(`small ${index}`, index);
    expected.set(`double ${index}`, 2 * index);
    expected.set(`cancel ${index}`, undefined);
    wire.socket.write(sum.frame);
    wire.socket.write(request(`small ${index}`, 'sum', `[${index}]`));
    wire.socket.write(request(`double ${index}`, 'double', `${index}`));
    wire.socket.write(request(`cancel ${index}`, '$cancel', `{"id":"large ${index - (index % 3)}"}`));
  }
  const replies = (await wire.take(4 * 60, 20_000)).map(parse);
  assert.is(new Set(replies.map(({ id }) => id)).size, 4 * 60);
  for (const { id, ok, result, code } of replies) {
    if (id!.startsWith('cancel')) assert.is(ok, true);
    else if (!ok) assert.equal([id!.startsWith('large'), code], [true, 'CANCELLED'], id!);
    else assert.is(result, expected.get(id!), id!);
  }
  await ping(wire);
  await untilIdle(server);
  const { answered, cancelled } = bulk(server).ended;
  // Those of up to 768 KiB are answered by the I/O thread, since there are few workers.
  const isBulk = (index: number) => sizes[index % sizes.length]! > 786_432;
  assert.is(answered + cancelled, Array.from({ length: 60 }, (_, index) => index).filter(isBulk).length);
});

test('requests beyond those that a connection may have in flight are refused, and passed over', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxRequests: 2 });
  const free = await occupy(t, server);
  const wire = await openWire(t, server.port);
  const sum = largeSum('x', 800_000);
  await wire.send(largeSum('1', 800_000).frame, sum.frame, largeSum('3', 1_000_000).frame);
  const reply = await wire.reply();
  assert.equal([reply.id, reply.code], ['3', 'OVERLOADED']);
  await ping(wire);
  free();
  assert.equal((await wire.take(2)).map((body) => parse(body).id).sort(), ['1', 'x']);
  await untilIdle(server);
});

test.run();
