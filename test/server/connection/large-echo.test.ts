/** Echoes over 64 KiB: checked as they come, answered from where they stand. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { fuzzed } from '../../support/seed.js';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { frame, openWire, request } from '../../support/wire.js';
import { openServer, untilIdle } from '../support.js';

const test = suite('large echoes');

const text = (bytes: number) => JSON.stringify('hola, ñandú '.repeat(bytes / 14).slice(0, bytes));
const parse = (body: Buffer) => JSON.parse(String(body));

test('come back byte for byte, at every size, however many follow each other', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const sizes = [65_500, 65_536, 65_600, 131_072, 262_144, 300_000, 1_048_576, 4_000_000, 100];
  const datas = sizes.map((bytes) => text(bytes));
  for (const [index, data] of datas.entries()) wire.socket.write(request(`${index}`, 'echo', data));
  const replies = await wire.take(sizes.length, 20_000);
  for (const [index, data] of datas.entries()) {
    assert.ok(String(replies[index]) === `{"id":"${index}","ok":true,"result":${data}}`, `${sizes[index]} bytes`);
  }
  await untilIdle(server);
});

test('come back as they are, with any members around them, however the bytes are cut', {
  timeoutMs: 60_000,
}, async (t) => {
  const server = await openServer(t);
  const space = fc.constantFrom('', ' ', '\n\t ');
  const body = fc.record({
    id: fc.constantFrom('a', 'ü\\n', 'x'.repeat(256)),
    data: fc.oneof(
      fc.json({ maxDepth: 4 }).map((json) => `[${json},${text(70_000)}]`),
      fc.integer({ min: 65_000, max: 700_000 }).map(text),
      fc.constant(`{"data":{"op":"sum","id":[]},"x":${text(66_000)}}`),
    ),
    isIdLast: fc.boolean(),
    space,
  });
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 4 }), cuts, async (bodies, where) => {
      const wire = await openWire(t, server.port);
      const bytes = Buffer.concat(
        bodies.map(({ id, data, isIdLast, space: s }) =>
          frame(
            isIdLast
              ? `{"op":"echo",${s}"data":${s}${data}${s},"id":"${id}"}${s}`
              : `${s}{"id":"${id}","op"${s}:"echo","z":[1],"data":${data}${s}}`,
          ),
        ),
      );
      let sent = 0;
      for (const cut of [...where.map((each) => Math.floor(each * bytes.length)).sort((a, b) => a - b), bytes.length]) {
        await wire.send(bytes.subarray(sent, cut));
        sent = cut;
        await new Promise(setImmediate);
      }
      const replies = await wire.take(bodies.length, 10_000);
      for (const [index, { id, data }] of bodies.entries()) {
        assert.ok(String(replies[index]) === `{"id":"${id}","ok":true,"result":${data}}`, `frame ${index} differs`);
      }
      wire.socket.destroy();
    }),
    fuzzed(25),
  );
  await untilIdle(server);
});

test('of one that is at fault the error comes at once, and the rest of it is passed over', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const bad = frame(`{"id":"bad","op":"echo","data":[${'1,'.repeat(50_000)}x${',1'.repeat(200_000)}]}`);
  await wire.send(bad.subarray(0, 200_000));
  const reply = await wire.reply();
  assert.equal([reply.ok, reply.code, reply.id], [false, 'BAD_JSON', null]);
  assert.match(reply.error!, 'expected a JSON value at byte 100032');
  await until('its memory is given back', () => server.view.snapshot().bytesHeld === 0);
  await wire.send(bad.subarray(200_000), request('2', 'sum', '[2]'));
  assert.is((await wire.reply()).id, '2');
  await untilIdle(server);
});

test('are counted once, as answered by the I/O thread', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'echo', text(100_000)), frame(`{"id":"2","op":"echo","data":[${text(100_000)}}`));
  await wire.take(2);
  const { frames, latency } = server.view.snapshot();
  const echoes = frames.filter(({ op }) => op === 'echo');
  assert.equal(
    echoes.map(({ outcome, lane, count }) => [outcome, lane, count]),
    [
      ['ok', 'inline', 1],
      ['BAD_JSON', 'inline', 1],
    ],
  );
  const observed = latency.find(({ lane }) => lane === 'inline')!.histogram;
  assert.is(
    observed.counts.reduce((sum, count) => sum + count, 0),
    2,
  );
});

test('a peer that does not read them is not read from, and gets them all when it does', async (t) => {
  const server = await openServer(t);
  const wire = await openWire(t, server.port);
  const data = text(1_000_000);
  wire.socket.pause();
  for (let count = 0; count < 40; count++) wire.socket.write(request(`${count}`, 'echo', data));
  let before = -1;
  await until(
    'the server stops reading',
    () => {
      const now = server.view.snapshot().bytesReceived;
      const isStill = now === before && now > 0;
      before = now;
      return isStill;
    },
    { everyMs: 100 },
  );
  assert.ok(server.view.snapshot().bytesHeld < 8_000_000, `${server.view.snapshot().bytesHeld} bytes are held`);
  wire.socket.resume();
  const replies = (await wire.take(40, 20_000)).map(parse);
  assert.equal(
    replies.map(({ id }) => Number(id)),
    Array.from({ length: 40 }, (_, index) => index),
  );
  assert.ok(replies.every(({ result }) => JSON.stringify(result) === data));
  await untilIdle(server);
});

test('peers that go in the middle of one, or of its reply, leave nothing behind', async (t) => {
  const server = await openServer(t);
  const bytes = request('1', 'echo', text(3_000_000));
  for (const at of [70_000, 400_000, 2_000_000, bytes.length]) {
    for (const how of ['reset', 'end'] as const) {
      const wire = await openWire(t, server.port);
      wire.socket.pause();
      await wire.send(bytes.subarray(0, at));
      if (how === 'reset') wire.socket.resetAndDestroy();
      else wire.socket.destroy();
    }
  }
  await untilIdle(server);
  await until('no connection is left', () => server.view.snapshot().connectionsOpen === 0);
  assert.is(server.view.snapshot().bytesHeld, 0);
  const wire = await openWire(t, server.port);
  await wire.send(bytes);
  assert.is((await wire.reply()).ok, true);
});

test('where the budget has no room for one, it is refused and passed over', async (t) => {
  const server = await openServer(t, { maxFrameBytes: 800_000, maxHeldBytes: 1_000_000 });
  const holder = await openWire(t, server.port);
  await holder.send(request('held', 'echo', text(700_000)).subarray(0, 600_000));
  await until('it is held', () => server.view.snapshot().bytesHeld > 500_000);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'echo', text(700_000)), request('2', 'sum', '[2]'));
  const replies = [await wire.reply(), await wire.reply()];
  assert.equal(
    replies.map(({ id, code }) => [id, code ?? 'ok']),
    [
      ['1', 'OVERLOADED'],
      ['2', 'ok'],
    ],
  );
  holder.socket.destroy();
  await untilIdle(server);
});

test.run();
