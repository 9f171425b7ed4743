import * as assert from 'uvu/assert';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { frame, openWire, request } from '../../support/wire.js';
import { fixtures, numbers, openServer, untilIdle, untilRunning } from '../support.js';

const test = suite('requests beside the inline lane');

test('an operation that does not exist is named in the answer', async (t) => {
  const wire = await openWire(t, (await openServer(t)).port);
  await wire.send(request('1', 'sort', '[2,1]'));
  const reply = await wire.reply();
  assert.is(reply.code, 'UNKNOWN_OP');
  assert.match(reply.error!, '"sort"');
});

test('a name that no object has of its own is no operation', async (t) => {
  const wire = await openWire(t, (await openServer(t)).port);
  for (const op of ['constructor', '__proto__', 'toString', '$nothing']) {
    await wire.send(request('1', op));
    assert.is((await wire.reply()).code, 'UNKNOWN_OP', op);
  }
});

test("$ops lists the server's and the user's operations", async (t) => {
  const wire = await openWire(t, (await openServer(t, { operationModules: [fixtures] })).port);
  await wire.send(request('1', '$ops'));
  const operations = (await wire.reply()).result as { name: string; description: string; streaming: boolean }[];
  const names = operations.map(({ name }) => name);
  for (const name of ['echo', 'upper', 'sum', 'double']) assert.ok(names.includes(name), name);
  assert.ok(
    operations.every((operation) => operation.description !== '' && operation.streaming === (operation.name === 'sum')),
  );
});

test("a user's operation answers beside the engine's, in whatever order they are done", async (t) => {
  const wire = await openWire(t, (await openServer(t, { operationModules: [fixtures] })).port);
  await wire.send(Buffer.concat([request('a', 'double', '21'), request('b', 'sum', '[1]')]));
  const replies = (await wire.take(2)).map(String).sort();
  assert.equal(replies, ['{"id":"a","ok":true,"result":42}', '{"id":"b","ok":true,"result":1.0}']);
});

test('$cancel ends a request that runs, and one that waits, and says so', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(request('runs', 'spin', '{}'));
  await untilRunning(server, 'spin');
  await wire.send(request('waits', 'double', '1'));
  for (const id of ['waits', 'runs']) {
    await wire.send(request('c', '$cancel', `{"id":"${id}"}`));
    const replies = (await wire.take(2)).map((body) => JSON.parse(String(body)));
    assert.is(replies.find((reply) => reply.id === id).code, 'CANCELLED');
    assert.equal(replies.find((reply) => reply.id === 'c').result, { cancelled: true });
  }
  await wire.send(request('after', 'double', '2'));
  assert.is((await wire.reply()).result, 4);
  await untilIdle(server);
});

test('$cancel compares ids as they read, not as they are written', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(frame('{"id":"\\u0061b","op":"wait","data":{"ms":60000}}'));
  await untilRunning(server, 'wait');
  await wire.send(request('c', '$cancel', '{"id":"ab"}'));
  assert.ok((await wire.take(2)).map(String).some((body) => body.startsWith('{"id":"\\u0061b","ok":false')));
});

test('$cancel of an id that nobody waits for says so, and what it cannot take is BAD_DATA', async (t) => {
  const wire = await openWire(t, (await openServer(t)).port);
  await wire.send(request('1', '$cancel', '{"id":"x"}'));
  assert.equal((await wire.reply()).result, { cancelled: false });
  for (const data of [undefined, 'null', '[]', '{"id":1}', '"x"']) {
    await wire.send(request('1', '$cancel', data));
    assert.is((await wire.reply()).code, 'BAD_DATA', String(data));
  }
});

test('$auth closes the connection, since no token is valid', async (t) => {
  const wire = await openWire(t, (await openServer(t)).port);
  await wire.send(request('1', '$auth', '7'));
  assert.is((await wire.reply()).code, 'BAD_DATA');
  await wire.send(request('2', '$auth', '{"token":"t"}'));
  assert.is((await wire.reply()).code, 'UNAUTHENTICATED');
  assert.equal(await wire.closed(), []);
});

test('what comes after a refused $auth is not answered, in the same read or in another', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const auth = request('a', '$auth', '{"token":"t"}');
  for (const parts of [[auth, request('2', 'sum', '[2]'), request('3', 'double', '3')]]) {
    for (const segments of [[Buffer.concat(parts)], parts]) {
      const wire = await openWire(t, server.port);
      await wire.send(...segments).catch(() => {});
      const codes = (await wire.closed()).map((body) => JSON.parse(String(body)).code);
      assert.equal(codes, ['UNAUTHENTICATED']);
    }
  }
});

test("a budget beyond what a timer can wait does not bring back the operation's own", async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  await server.ready;
  const wire = await openWire(t, server.port);
  await wire.send(frame('{"id":"1","op":"spinShort","timeoutMs":1e10,"data":null}'));
  await untilRunning(server, 'spinShort');
  // Its own limit is 250 ms.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await wire.send(request('c', '$cancel', '{"id":"1"}'));
  const replies = (await wire.take(2)).map((body) => JSON.parse(String(body)));
  assert.is(replies.find(({ id }) => id === '1').code, 'CANCELLED');
});

test('where data is there twice, the place of a fault is in the first', async (t) => {
  const wire = await openWire(t, (await openServer(t)).port);
  await wire.send(frame('{"id":"1","op":"sum","data":[1,"x"],"data":[2,3,"yyyy"]}'));
  const reply = await wire.reply();
  assert.match(reply.error!, 'index 1, byte 3');
});

test('a frame that fits into the budget is taken, whatever its size', async (t) => {
  const server = await openServer(t, { maxHeldBytes: 3_000_000, maxFrameBytes: 3_000_000 });
  const wire = await openWire(t, server.port);
  for (let i = 0; i < 3; i++) {
    await wire.send(request(`${i}`, 'sum', numbers(2_200_000)));
    assert.is((await wire.reply()).result, 1_100_001);
  }
});

test('a deadline ends a request that never looks up', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  await server.ready;
  const wire = await openWire(t, server.port);
  await wire.send(frame('{"id":"1","op":"spin","timeoutMs":30,"data":{}}'));
  assert.is((await wire.reply()).code, 'DEADLINE_EXCEEDED');
  await wire.send(request('2', 'double', '4'));
  assert.is((await wire.reply()).result, 8);
});

test('a request beyond those that a connection may have in flight is refused at once', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxRequests: 2 });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'wait', '{"ms":60000}'), request('2', 'wait', '{"ms":60000}'));
  await wire.send(request('3', 'wait', '{"ms":60000}'));
  const reply = await wire.reply();
  assert.is(reply.id, '3');
  assert.is(reply.code, 'OVERLOADED');
  await wire.send(request('4', 'sum', '[4]'));
  assert.is((await wire.reply()).result, 4);
});

test('a connection that is reset takes its work with it', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'spin', '{}'));
  await untilRunning(server, 'spin');
  await wire.send(request('2', 'double', '1'));
  // Read first: libuv reports a reset that comes together with data as an end, and an end is answered like a half-close.
  const waits = () => server.view.snapshot().pool.queues.some(({ op, waiting }) => op === 'double' && waiting === 1);
  await until('the second request waits', waits);
  wire.socket.resetAndDestroy();
  await untilIdle(server);
});

test('up to 256 KiB, every echo, and with few workers sums up to 768 KiB, is answered by the I/O thread, and other large bodies by the bulk lane', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  for (const [count, sum] of [
    [200_000, '100001.0'],
    [1_000_000, '500001.0'],
  ] as const) {
    await wire.send(request('1', 'sum', numbers(count)));
    assert.is(String(await wire.take(1)), `{"id":"1","ok":true,"result":${sum}}`);
    const text = 'straße '.repeat(count / 10);
    await wire.send(request('2', 'upper', JSON.stringify(text)));
    assert.is((await wire.reply()).result, text.toUpperCase());
  }
  await wire.send(request('3', 'echo', numbers(5_000_000)));
  assert.is(String(await wire.take(1)), `{"id":"3","ok":true,"result":${numbers(5_000_000)}}`);
  await wire.send(request('4', 'sum', `${numbers(100_000).slice(0, -1)},"x"]`));
  assert.match(String(await wire.take(1)), 'index 50001, byte 100003","code":"BAD_DATA"');
  const lanes = server.view
    .snapshot()
    .frames.map(({ op, outcome, lane, count }) => `${op} ${outcome} ${lane} ${count}`);
  assert.equal(lanes.sort(), [
    'echo ok inline 1',
    'sum BAD_DATA inline 1',
    'sum ok bulk 1',
    'sum ok inline 1',
    'upper ok bulk 1',
    'upper ok inline 1',
  ]);
  await untilIdle(server);
});

test('a large body is answered alike, whether it comes with one read or in pieces', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  await server.ready;
  const pad = ' '.repeat(100_000);
  const bodies = [
    `{"id":"1","op":"echo","data":[1,"é"]${pad}}`,
    `{"id":"2","op":"echo","data":1,"data":2${pad},x}`,
    `{"op":"echo","data":1${pad}}`,
    `{"id":"3","op":"sum","data":[1,true,nul]${pad}}`,
    `{"id":"4","op":"sum","data":[1,2]${pad}}`,
    `{"id":"5","op":"upper","data":5${pad}}`,
    `{"data":"ß"${pad},"id":"6","op":"upper"}`,
    `{"id":"7","op":"double","data":${pad}21}`,
    `{"id":"8","op":"nobody-has-this","data":1${pad}}`,
    `{"id":"9","op":"$ping","data":[${pad}]}`,
    `{"id":"10","op":"$cancel","data":{"id":"x"${pad}}}`,
  ];
  for (const body of bodies) {
    const bytes = frame(body);
    const wire = await openWire(t, server.port);
    await wire.send(bytes);
    const atOnce = String(await wire.take(1));
    for (const at of [3, 50, 65_540, 99_000]) {
      await wire.send(bytes.subarray(0, at));
      const read = server.view.snapshot().bytesReceived;
      await wire.send(bytes.subarray(at, -1));
      await until('it is read', () => server.view.snapshot().bytesReceived >= read + bytes.length - at - 1);
      await wire.send(bytes.subarray(-1));
      assert.is(String(await wire.take(1)), atOnce, `${body.slice(0, 40)}, cut at ${at}`);
    }
  }
  await untilIdle(server);
});

test("a large body for a user's operation reaches it, with op before or after the data", async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  const data = `{"items":${numbers(200_000)}}`;
  await wire.send(request('1', 'items', data));
  assert.is((await wire.reply()).result, 100_001);
  await wire.send(frame(`{"data":${data},"op":"items","id":"2"}`));
  assert.equal(await wire.reply(), { id: '2', ok: true, result: 100_001 });
  await untilIdle(server);
});

test('a large body for an operation that does not exist, or that takes none, is answered with its id', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'sort', numbers(100_000)));
  const unknown = await wire.reply();
  assert.equal([unknown.id, unknown.code], ['1', 'UNKNOWN_OP']);
  await wire.send(frame(`{"data":${numbers(100_000)},"op":"$cancel","id":"2"}`));
  const control = await wire.reply();
  assert.equal([control.id, control.code], ['2', 'BAD_DATA']);
  await untilIdle(server);
});

test('large frames beyond the budget of the server are refused by id, and the budget comes back', async (t) => {
  const server = await openServer(t, { maxHeldBytes: 300_000 });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'echo', numbers(1_000_000)));
  const reply = await wire.reply();
  assert.equal([reply.id, reply.code], ['1', 'OVERLOADED']);
  await untilIdle(server);
  await wire.send(request('2', 'sum', numbers(100_000)));
  assert.is((await wire.reply()).result, 50_001);
  await untilIdle(server);
});

test('a full queue refuses with a time to come back at', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxQueue: 1 });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'wait', '{"ms":60000}'));
  await untilRunning(server, 'wait');
  await wire.send(request('2', 'wait', '{"ms":60000}'), request('3', 'wait', '{"ms":60000}'));
  const reply = await wire.reply();
  assert.equal([reply.id, reply.code], ['3', 'OVERLOADED']);
  assert.ok(reply.retryAfterMs! > 0);
});

test('counts frames by operation, outcome and lane, and unknown names as one', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  const requests = [
    request('1', 'sum', '[1]'),
    request('2', 'sum', '["x"]'),
    request('3', 'made-up-1'),
    request('4', 'made-up-2'),
    request('5', 'double', '1'),
    request('6', '$ops'),
    frame('rubbish'),
  ];
  await wire.send(Buffer.concat(requests));
  await wire.take(requests.length);
  const { frames, latency, bytesReceived } = server.view.snapshot();
  const lines = frames.map(({ op, outcome, lane, count }) => `${op} ${outcome} ${lane} ${count}`).sort();
  assert.equal(lines, [
    '$ops ok inline 1',
    'double ok pool 1',
    'sum BAD_DATA inline 1',
    'sum ok inline 1',
    'unknown BAD_JSON inline 1',
    'unknown UNKNOWN_OP inline 2',
  ]);
  const observed = (lane: string) =>
    latency.find((entry) => entry.lane === lane)!.histogram.counts.reduce((sum, count) => sum + count, 0);
  assert.is(observed('inline'), 6);
  assert.is(observed('pool'), 1);
  assert.is(bytesReceived, Buffer.concat(requests).length);
});

test('a worker that dies with a large frame in it does not lose the frame', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'dieOnce', '{"how":"exit"}'), request('2', 'sum', numbers(200_000)));
  const replies = (await wire.take(2)).map((body) => JSON.parse(String(body)));
  assert.is(replies.find(({ id }) => id === '1').code, 'WORKER_LOST');
  assert.is(replies.find(({ id }) => id === '2').result, 100_001);
  await until('the lost thread is counted', () => server.view.snapshot().pool.threads.lost === 1);
});

test.run();
