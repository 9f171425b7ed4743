/** A server with two I/O threads; with one where Node or the system has no shared ports, and then the same must hold. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { canSharePort } from '../../../src/server/channel/acceptor.js';
import type { RunningServer, ServerConfig } from '../../../src/server/server.js';
import { holdThreads } from '../../support/hold-threads.js';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { openWire, request, type Wire } from '../../support/wire.js';
import { fixtures, openBurst, openServer } from '../support.js';

const test = suite('more I/O threads', { timeoutMs: 60_000 });

const threads = canSharePort() ? 2 : 1;

const openBoth = (t: TestContext, config: Partial<ServerConfig> = {}) => openServer(t, { listeners: 2, ...config });

async function snapshotOf({ view }: RunningServer) {
  await view.refresh();
  return view.snapshot();
}

/** A connection on each I/O thread, in their order: the kernel spreads them as it likes, so some are let go. */
async function openOnEach(t: TestContext, server: RunningServer): Promise<Wire[]> {
  const wires: Wire[] = [];
  let before = (await snapshotOf(server)).connectionsByThread;
  while (wires.filter(Boolean).length < threads) {
    const wire = await openWire(t, server.port);
    await wire.send(request('0', 'echo', '0'));
    await wire.reply();
    const now = (await snapshotOf(server)).connectionsByThread;
    const at = now.findIndex((count, thread) => count > before[thread]!);
    if (wires[at] === undefined) wires[at] = wire;
    else wire.finish();
    const kept = wires.filter(Boolean).length;
    await until('the others are gone', async () => (await snapshotOf(server)).connectionsOpen === kept);
    before = (await snapshotOf(server)).connectionsByThread;
  }
  return wires;
}

async function untilAllIsFree(server: RunningServer): Promise<void> {
  await until('nothing is held, waits or runs', async () => {
    const { bytesHeld, bulk, pool } = await snapshotOf(server);
    const isIdle = pool.queues.every(({ waiting, running }) => waiting + running === 0);
    return bytesHeld === 0 && bulk.open + bulk.waiting === 0 && isIdle;
  });
}

test('connections are spread over the threads, and their figures are those of all', async (t) => {
  const server = await openBoth(t);
  const wires = await Promise.all(Array.from({ length: 40 }, () => openWire(t, server.port)));
  const frame = request('1', 'echo', '"hola"');
  let bytes = 0;
  for (const wire of wires) {
    await wire.send(frame, frame, request('2', 'nobody'));
    for (const body of await wire.take(3)) bytes += 4 + body.length;
  }
  const { connectionsByThread, connectionsOpen, connectionsAccepted, frames, bytesReceived, bytesSent } =
    await snapshotOf(server);
  assert.equal([connectionsByThread.length, connectionsOpen, connectionsAccepted], [threads, 40, 40]);
  assert.ok(
    connectionsByThread.every((count) => count > 0),
    `${connectionsByThread}`,
  );
  assert.equal(frames.map(({ op, outcome, count }) => [op, outcome, count]).sort(), [
    ['echo', 'ok', 80],
    ['unknown', 'UNKNOWN_OP', 40],
  ]);
  const sent = 40 * (2 * frame.length + request('2', 'nobody').length);
  assert.equal([bytesReceived, bytesSent], [sent, bytes]);
});

test('no more connections are open than may be, however many come to both at once, and no fewer', async (t) => {
  const max = 10;
  const server = await openBoth(t, { maxConnections: max });
  for (let round = 0; round < 5; round++) {
    const wires = await Promise.all(Array.from({ length: 40 }, () => openWire(t, server.port)));
    const answers = await Promise.all(
      wires.map(async (wire) => {
        await wire.send(request('1', 'echo', '1')).catch(() => {});
        return (await wire.reply()).ok;
      }),
    );
    assert.is(answers.filter(Boolean).length, max);
    assert.is((await snapshotOf(server)).connectionsOpen, max);
    for (const wire of wires) wire.finish();
    await until('all are gone', async () => {
      const { connectionsOpen, connectionsTurningAway } = await snapshotOf(server);
      return connectionsOpen + connectionsTurningAway === 0;
    });
  }
  assert.is((await snapshotOf(server)).connectionsEnded.connection_limit, 5 * (40 - max));
});

test('users’ operations of all threads take turns by connection', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'trama-turns-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const journal = join(folder, 'journal');
  const server = await openBoth(t, { operationModules: [fixtures] });
  const waiting = (count: number) =>
    until(`${count} wait`, () =>
      server.view.snapshot().pool.queues.some(({ op, waiting }) => op === 'wait' && waiting === count),
    );
  const [flooder, other = flooder] = await openOnEach(t, server);
  const note = (name: string, ms: number) => JSON.stringify({ ms, journal, name });
  await flooder!.send(request('held', 'wait', note('held', 60_000)));
  await until('it runs', () => server.view.snapshot().pool.queues.some(({ running }) => running === 1));
  for (let i = 0; i < 30; i++) await flooder!.send(request(`${i}`, 'wait', note('flood', 0)));
  await waiting(30);
  const late = other === flooder ? await openWire(t, server.port) : other!;
  await late.send(request('1', 'wait', note('late', 0)));
  await waiting(31);
  await flooder!.send(request('cancel', '$cancel', '{"id":"held"}'));
  assert.is((await late.reply()).ok, true);
  await flooder!.take(32);
  const order = readFileSync(journal, 'utf8').trim().split('\n');
  assert.ok([1, 2].includes(order.indexOf('late')), `${order}`);
  assert.is(order.length, 32);
  await untilAllIsFree(server);
});

test('cancels and deadlines reach what runs and what waits, from each thread', async (t) => {
  const server = await openBoth(t, { operationModules: [fixtures] });
  for (const wire of await openOnEach(t, server)) {
    await wire.send(request('runs', 'spin', '{}'));
    await until('it runs', () => server.view.snapshot().pool.queues.some(({ running }) => running === 1));
    await wire.send(request('waits', 'double', '2'));
    await wire.send(request('1', '$cancel', '{"id":"waits"}'), request('2', '$cancel', '{"id":"runs"}'));
    const codes = (await wire.take(4)).map((body) => JSON.parse(String(body)));
    assert.equal(
      codes.map(({ id, code, result }) => [id, code ?? result]),
      [
        ['waits', 'CANCELLED'],
        ['1', { cancelled: true }],
        ['runs', 'CANCELLED'],
        ['2', { cancelled: true }],
      ],
    );
    const body = '{"id":"late","op":"spin","timeoutMs":100,"data":{}}';
    await wire.send(Buffer.concat([Buffer.from([0, 0, 0, body.length]), Buffer.from(body)]));
    assert.is((await wire.reply()).code, 'DEADLINE_EXCEEDED');
    await wire.send(request('after', 'double', '21'));
    assert.is((await wire.reply()).result, 42);
  }
  await untilAllIsFree(server);
});

test('a client that leaves takes its tasks with it, from each thread', async (t) => {
  const server = await openBoth(t, { operationModules: [fixtures] });
  const wires = await openOnEach(t, server);
  for (const wire of wires) await wire.send(request('1', 'spin', '{}'), request('2', 'spin', '{}'));
  const count = () =>
    server.view.snapshot().pool.queues.reduce((sum, { waiting, running }) => sum + waiting + running, 0);
  await until('all are there', () => count() === 2 * threads);
  for (const wire of wires) wire.socket.resetAndDestroy();
  await untilAllIsFree(server);
});

test('large bodies of all kinds are answered right on all threads at once', async (t) => {
  const server = await openBoth(t, { workers: 2, operationModules: [fixtures], maxRequests: 200 });
  const wires = await openOnEach(t, server);
  const more = await Promise.all(wires.map(() => openWire(t, server.port)));
  await Promise.all(
    [...wires, ...more].map(async (wire, at) => {
      for (let round = 1; round <= 4; round++) {
        const digit = at + round;
        const count = 400_000;
        const frames = [
          request('sum', 'sum', `[${`${digit},`.repeat(count)}${digit}]`),
          request('upper', 'upper', JSON.stringify(`é${digit}`.repeat(count))),
          request('items', 'items', `{"items":[${`${digit},`.repeat(count)}${digit}]}`),
          request('echo', 'echo', JSON.stringify(`x${digit}`.repeat(count))),
        ];
        const sent = wire.send(...frames);
        const replies = new Map(
          (await wire.take(4, 30_000)).map((body) => JSON.parse(String(body))).map((reply) => [reply.id, reply.result]),
        );
        await sent;
        assert.is(replies.get('sum'), digit * (count + 1));
        assert.is(replies.get('upper'), `É${digit}`.repeat(count));
        assert.is(replies.get('items'), count + 1);
        assert.is(replies.get('echo'), `x${digit}`.repeat(count));
      }
    }),
  );
  await untilAllIsFree(server);
});

test('what is held of unfinished frames is counted for all threads together', async (t) => {
  const server = await openBoth(t, { maxHeldBytes: 8_000_000 });
  const wires = await openOnEach(t, server);
  const start = request('1', 'upper', `"${'x'.repeat(3_000_000)}"`).subarray(0, 1_000_000);
  await Promise.all(wires.map((wire) => wire.send(start)));
  await until('all of it is held', async () => (await snapshotOf(server)).bytesHeld >= threads * start.length - 1000);
  const more = await Promise.all(Array.from({ length: 20 }, () => openWire(t, server.port)));
  await Promise.all(more.map((wire) => wire.send(start).catch(() => {})));
  await until('some are turned away', async () =>
    (await snapshotOf(server)).frames.some(({ outcome }) => outcome === 'OVERLOADED'),
  );
  const { bytesHeld, bytesHeldMax } = server.view.snapshot();
  assert.ok(bytesHeld <= bytesHeldMax, `${bytesHeld} of ${bytesHeldMax}`);
  for (const wire of [...wires, ...more]) wire.socket.destroy();
  await untilAllIsFree(server);
});

test('a reload holds on every thread when it is done', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'trama-reload-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'ops.mjs');
  const library = new URL('../../../src/index.js', import.meta.url).href;
  const write = (version: string, names: string[]) =>
    writeFileSync(
      file,
      `import { defineOperation } from '${library}';\n${names
        .map((name) => `export const ${name} = defineOperation({ description: 'Says.', run: () => '${version}' });`)
        .join('\n')}`,
    );
  write('one', ['version', 'old']);
  const server = await openBoth(t, { operationModules: [pathToFileURL(file).href] });
  await server.ready;
  const wires = await openOnEach(t, server);
  const ask = async (wire: Wire, op: string) => {
    await wire.send(request('1', op));
    const { result, code } = await wire.reply();
    return result ?? code;
  };
  for (const wire of wires) assert.equal([await ask(wire, 'version'), await ask(wire, 'old')], ['one', 'one']);
  for (const version of ['two', 'three']) {
    write(version, ['version', 'added']);
    await server.view.reload();
    for (const wire of wires) {
      const answers = [await ask(wire, 'version'), await ask(wire, 'added'), await ask(wire, 'old')];
      assert.equal(answers, [version, version, 'UNKNOWN_OP']);
    }
  }
});

test('a burst of clients at the moment of a drain gets all its replies, and no reset', async (t) => {
  for (let round = 0; round < 10; round++) {
    const server = await openBoth(t, { operationModules: round % 2 === 0 ? [] : [fixtures] });
    const op = round % 2 === 0 ? 'sum' : 'items';
    const data = round % 2 === 0 ? '[1]' : '{"items":[1]}';
    const requests = Buffer.concat(Array.from({ length: 20 }, (_, index) => request(`${index}`, op, data)));
    const burst = await openBurst(t, server.port, 40, requests);
    const drained = server.drain(20_000);
    const replies = await burst.replies();
    assert.equal(await drained, { cut: 0 });
    assert.is(burst.resets(), 0);
    // A user's operation may find the queue full; it is answered all the same.
    for (const text of replies) assert.is(text.split('"ok":').length - 1, 20);
    await server.close();
  }
});

test('what a drain cuts is counted over all threads', async (t) => {
  const server = await openBoth(t, { operationModules: [fixtures] });
  for (const wire of await openOnEach(t, server)) await wire.send(request('1', 'spin', '{}'));
  const count = () =>
    server.view.snapshot().pool.queues.reduce((sum, { waiting, running }) => sum + waiting + running, 0);
  await until('all are there', () => count() === threads);
  assert.equal(await server.drain(50), { cut: threads });
});

test('figures of a thread that does not answer are those of before, and no counter goes back', async (t) => {
  const server = await openBoth(t);
  const wires = await openOnEach(t, server);
  const before = await snapshotOf(server);
  const free = threads === 1 ? () => {} : await holdThreads(t, 'trama-io-2');
  await wires[0]!.send(request('1', 'echo', '1'));
  await wires[0]!.reply();
  const held = await snapshotOf(server);
  assert.ok(held.bytesReceived > before.bytesReceived);
  assert.equal(held.connectionsByThread, before.connectionsByThread);
  free();
  for (const wire of wires) {
    await wire.send(request('1', 'echo', '1'));
    await wire.reply();
  }
  const after = await snapshotOf(server);
  assert.is(after.bytesReceived - held.bytesReceived, threads * request('1', 'echo', '1').length);
});

test.run();
