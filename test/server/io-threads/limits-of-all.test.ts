/** What is held to over all I/O threads; with one thread the same must hold. Connections are enough that each thread has some. */
import * as assert from 'uvu/assert';
import { canSharePort } from '../../../src/server/channel/acceptor.js';
import type { RunningServer } from '../../../src/server/server.js';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { openWire, type Reply, request } from '../../support/wire.js';
import { authRequest, type Limits, openAs, tokenFile } from '../access/support.js';
import { fixtures, openServer } from '../support.js';

const test = suite('limits over all I/O threads', { timeoutMs: 60_000 });

const threads = canSharePort() ? 2 : 1;
const connections = 24;

async function open(t: TestContext, limits: Limits) {
  const file = tokenFile(t, limits);
  const config = { auth: 'required', tokensFile: file.path, operationModules: [fixtures], listeners: 2 } as const;
  const server = await openServer(t, config);
  await server.ready;
  const openAll = async (name: string) => {
    const wires = await Promise.all(Array.from({ length: connections }, () => openAs(t, server.port, name, file)));
    await server.view.refresh();
    const { connectionsByThread } = server.view.snapshot();
    assert.is(connectionsByThread.filter((count) => count > 0).length, threads);
    return wires;
  };
  return { server, file, openAll };
}

const refusals = async ({ view }: RunningServer) => {
  await view.refresh();
  return view.snapshot().access.refused.map(({ limit, count }) => [limit, count]);
};

test('an identity’s requests in flight', async (t) => {
  const { server, openAll } = await open(t, { app: { maxRequests: 3 } });
  const wires = await openAll('app');
  const inPool = () => {
    const queue = server.view.snapshot().pool.queues.find(({ op }) => op === 'wait');
    return queue === undefined ? 0 : queue.running + queue.waiting;
  };
  for (const [index, wire] of wires.entries()) {
    await wire.send(request('1', 'wait', '{"ms":60000}'));
    if (index < 3) await until('it is in the pool', () => inPool() === index + 1);
    else assert.match((await wire.reply()).error!, /3 requests of the identity "app" are in flight/);
  }
  assert.equal(await refusals(server), [['requests', connections - 3]]);
  await wires[0]!.send(request('2', '$cancel', '{"id":"1"}'));
  await wires[0]!.take(2);
  await until('it is gone', () => inPool() === 2);
  await wires.at(-1)!.send(request('1', 'wait', '{"ms":60000}'));
  await until('another one has its place', () => inPool() === 3);
});

test('an identity’s requests a second, and its bytes', async (t) => {
  for (const [limit, limits] of [
    ['request_rate', { requestsPerSecond: 0.001 }],
    ['byte_rate', { bytesPerSecond: 0.001 }],
  ] as const) {
    const { server, openAll } = await open(t, { app: limits });
    let answered = 0;
    for (const wire of await openAll('app')) {
      await wire.send(request('1', 'echo', '1'));
      if ((await wire.reply()).ok) answered++;
    }
    // A trace of what comes between two requests is enough for the second one.
    assert.ok(answered === 1 || answered === 2, `${answered}`);
    assert.equal(await refusals(server), [[limit, connections - answered]]);
  }
});

test('wrong tokens of an address: after too many, no thread answers it, and a right one is taken by all', async (t) => {
  const { server, openAll } = await open(t, { app: {} });
  const tryWrong = async (): Promise<Reply | undefined> => {
    const wire = await openWire(t, server.port);
    await wire.send(authRequest('trama_wrong'));
    const [body] = await wire.closed();
    return body && JSON.parse(String(body));
  };
  // More than 32 over all of the threads, and fewer on each.
  const first = await Promise.all(Array.from({ length: 48 }, tryWrong));
  assert.ok(first.some((reply) => reply?.code === 'UNAUTHENTICATED'));
  const then = await Promise.all(Array.from({ length: 8 }, tryWrong));
  assert.equal(then, Array(8).fill(undefined));
  await openAll('app');
});

test('new limits of the file hold over all threads', async (t) => {
  const { server, file, openAll } = await open(t, { app: {} });
  const wires = await openAll('app');
  for (const wire of wires) {
    await wire.send(request('1', 'echo', '1'));
    assert.ok((await wire.reply()).ok);
  }
  file.write({ app: { requestsPerSecond: 0.001 } });
  server.view.reloadTokens();
  // The other threads read the file before they tell figures.
  await server.view.refresh();
  let answered = 0;
  for (const wire of wires) {
    await wire.send(request('2', 'echo', '1'));
    if ((await wire.reply()).ok) answered++;
  }
  assert.ok(answered === 1 || answered === 2, `${answered}`);
});

test.run();
