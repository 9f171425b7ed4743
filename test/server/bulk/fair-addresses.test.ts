/** Whose large sums come first: clients without an identity are told apart by their addresses. */
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { openWire, request } from '../../support/wire.js';
import { numbers, openServer } from '../support.js';

const test = suite('large sums of addresses', { timeoutMs: 60_000 });

const places = 16;
const sum = request('1', 'sum', numbers(2_000_000));

/** A connection that a balancer has passed on. */
async function openFrom(t: TestContext, port: number, address: string) {
  const wire = await openWire(t, port);
  wire.socket.write(`PROXY TCP4 ${address} 127.0.0.1 40000 ${port}\r\n`);
  return wire;
}

test('a crowd from one address that sends slowly, and a crowd of it that waits, are not before another address', async (t) => {
  const server = await openServer(t, { workers: 2, proxyProtocol: true, trustedProxies: ['127.0.0.1'] });
  await server.ready;
  const bulk = () => server.view.snapshot().bulk;
  const slow = await Promise.all(Array.from({ length: places }, () => openFrom(t, server.port, '192.0.2.1')));
  for (const wire of slow) await wire.send(sum.subarray(0, 1_000_000));
  await until('all places are taken', () => bulk().open === places);
  const waiting = await Promise.all(Array.from({ length: 40 }, () => openFrom(t, server.port, '192.0.2.1')));
  let answered = 0;
  for (const wire of waiting) wire.socket.once('data', () => answered++).write(sum);
  await until('they wait', () => bulk().waiting + answered >= 30);
  const other = await openFrom(t, server.port, '192.0.2.2');
  const before = answered;
  other.socket.write(sum);
  assert.is((await other.reply(20_000)).ok, true);
  assert.ok(answered - before < 20, `${answered - before} of the crowd were before it`);
});

test.run();
