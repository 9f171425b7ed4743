/** Reads that go straight to the memory of large sums: whose memory that is when a sum ends between two of them. */
import * as assert from 'uvu/assert';
import type { RunningServer } from '../../../src/server/server.js';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { openWire, type Wire } from '../../support/wire.js';
import { openServer, untilIdle } from '../support.js';
import { bulk, endings, halves, heldMax, largeBytes, largeSum, ping, places, untilBulk } from './bulk-support.js';

const test = suite('reads into the memory of large sums');

/** Sends them, and waits until the server has read them. Nothing else may be on its way: what is read is counted for all. */
async function sendRead({ view }: RunningServer, wire: Wire, bytes: Buffer): Promise<void> {
  const before = view.snapshot().bytesReceived;
  await wire.send(bytes);
  await until('all of it is read', () => view.snapshot().bytesReceived === before + bytes.length);
}

/** Begins a sum whose time is over before the rest has come; gives that rest. */
async function beginExpired(server: RunningServer, wire: Wire, at: number): Promise<Buffer> {
  const [start, rest] = halves(largeSum('over', largeBytes, '"timeoutMs":20,'), at);
  await sendRead(server, wire, start);
  assert.is((await wire.reply()).code, 'DEADLINE_EXCEEDED');
  return rest;
}

test('what comes late for a sum that is over does not reach the memory of another', async (t) => {
  const server = await openServer(t);
  const over = await openWire(t, server.port);
  const rest = await beginExpired(server, over, 200_000);
  await untilIdle(server);
  const other = await openWire(t, server.port);
  const sum = largeSum('other', 450_000);
  const [first, second] = halves(sum, 400_000);
  await sendRead(server, other, first);
  await sendRead(server, over, Buffer.from(String(rest).replaceAll('1', '9')));
  await ping(over);
  await other.send(second);
  assert.is((await other.reply()).result, sum.result);
  await untilIdle(server);
});

test('sums go on being taken where many that are over still have a read to come', async (t) => {
  const server = await openServer(t);
  const over: { wire: Wire; rest: Buffer }[] = [];
  for (let count = 0; count < places + 4; count++) {
    const wire = await openWire(t, server.port);
    over.push({ wire, rest: await beginExpired(server, wire, 100_000) });
  }
  const sum = largeSum('next', 3_000_000);
  const wires = await Promise.all(Array.from({ length: places }, () => openWire(t, server.port)));
  for (const wire of wires) wire.socket.write(sum.frame);
  for (const wire of wires) assert.is((await wire.reply()).result, sum.result);
  for (const { wire, rest } of over) {
    await wire.send(rest);
    await ping(wire);
  }
  await untilIdle(server);
  assert.equal(endings(server), { answered: places, expired: places + 4 });
});

test('memory comes back from sums that end between two reads, however many do', async (t) => {
  const server = await openServer(t);
  for (let round = 0; round < 100; round++) {
    const gone = await openWire(t, server.port);
    await sendRead(server, gone, halves(largeSum('gone'), 300_000)[0]);
    await untilBulk(server, 1, 0);
    gone.socket.resetAndDestroy();
    const expired = await openWire(t, server.port);
    await beginExpired(server, expired, 70_000);
    expired.socket.destroy();
    await untilIdle(server);
    await until('both connections are closed', () => server.view.snapshot().connectionsOpen === 0);
  }
  assert.is(bulk(server).loans, 0);
  // How much a sum needs depends on how soon a worker comes to it. A hundred that lost a segment each lost ten times this.
  assert.ok(bulk(server).bytes < 2 * heldMax, `${bulk(server).bytes} bytes were used by two sums at a time`);
});

test.run();
