import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { frame, type Reply, request } from '../../support/wire.js';
import { fixtures, numbers, openServer, untilIdle, untilRunning } from '../support.js';
import { type Limits, openAs, tokenFile } from './support.js';

const test = suite('what an identity is held to');

async function open(t: TestContext, limits: Limits, more: object = {}) {
  const file = tokenFile(t, limits);
  const server = await openServer(t, {
    auth: 'required',
    tokensFile: file.path,
    operationModules: [fixtures],
    ...more,
  });
  await server.ready;
  return { server, file, as: (name: string) => openAs(t, server.port, name, file) };
}

const parsed = (bodies: readonly Buffer[]) => bodies.map((body) => JSON.parse(String(body)) as Reply);
const codes = (replies: readonly Reply[]) => replies.map(({ code = 'ok' }) => code);
const many = (count: number, one: (n: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, n) => one(n)));

test('operations: others are FORBIDDEN, small and large, whichever way they would go', async (t) => {
  const { server, as } = await open(t, { app: { allow: ['upper', 'double'] } });
  const app = await as('app');
  const cases: readonly (readonly [Buffer, string])[] = [
    [request('1', 'upper', '"x"'), 'ok'],
    [request('2', 'double', '2'), 'ok'],
    [request('3', '$ping'), 'ok'],
    [request('4', '$ops'), 'ok'],
    [request('5', 'echo', '1'), 'FORBIDDEN'],
    [request('6', 'sum', '[1]'), 'FORBIDDEN'],
    [request('7', 'nothing'), 'FORBIDDEN'],
    [frame('{"\\u006fp":"\\u0065cho","id":"8"}'), 'FORBIDDEN'],
    [request('9', 'echo', numbers(100_000)), 'FORBIDDEN'],
    [request('10', 'echo', numbers(1_000_000)), 'FORBIDDEN'],
    [request('11', 'sum', numbers(2_000_000)), 'FORBIDDEN'],
    [request('12', 'items', `{"items":${numbers(200_000)}}`), 'FORBIDDEN'],
    [frame(`{"id":"13","data":${numbers(200_000)},"op":"sum"}`), 'FORBIDDEN'],
    [frame(`{"id":"14","data":${numbers(200_000)},"op":"upper"}`), 'FORBIDDEN'],
    [request('15', 'upper', JSON.stringify('x'.repeat(500_000))), 'ok'],
    [request('16', 'upper', JSON.stringify('x'.repeat(100_000))), 'ok'],
  ];
  for (const [bytes, code] of cases) {
    await app.send(bytes);
    const reply = await app.reply();
    assert.is(reply.code ?? 'ok', code, `${reply.id}: ${reply.error}`);
  }
  assert.is(server.view.snapshot().access.refused[0]!.count, 10);
  await untilIdle(server);
});

test('a restricted peer and a free one, turn by turn, each get what they may', async (t) => {
  const { as } = await open(t, { app: { allow: ['upper'] }, free: {} });
  const [app, free] = [await as('app'), await as('free')];
  for (let round = 0; round < 20; round++) {
    await Promise.all([app.send(request('1', 'sum', '[1]')), free.send(request('1', 'sum', '[1]'))]);
    assert.is((await app.reply()).code, 'FORBIDDEN');
    assert.is((await free.reply()).result, 1);
    await free.send(request('1', 'upper', JSON.stringify('x'.repeat(100_000))));
    assert.ok((await free.reply()).ok);
  }
});

test('requests in flight, over all connections', async (t) => {
  const { server, as } = await open(t, { app: { maxRequests: 2 }, other: {} });
  const [one, two, other] = [await as('app'), await as('app'), await as('other')];
  await one.send(request('1', 'wait', '{"ms":60000}'));
  await two.send(request('2', 'wait', '{"ms":60000}'));
  await untilRunning(server, 'wait');
  await until('both are in flight', () =>
    server.view.snapshot().pool.queues.some(({ op, waiting }) => op === 'wait' && waiting === 1),
  );
  await two.send(request('3', 'double', '1'));
  const refused = await two.reply();
  assert.equal([refused.code, refused.retryAfterMs], ['OVERLOADED', 50]);
  assert.match(refused.error!, /2 requests of the identity "app" are in flight/);
  await two.send(request('4', 'sum', numbers(2_000_000)));
  assert.is((await two.reply()).code, 'OVERLOADED');
  // What is answered on the spot is in flight at no time.
  await two.send(request('5', 'sum', '[1]'));
  assert.is((await two.reply()).result, 1);
  await one.send(request('6', '$cancel', '{"id":"1"}'));
  assert.equal(codes(parsed(await one.take(2))).sort(), ['CANCELLED', 'ok']);
  await two.send(request('7', '$cancel', '{"id":"2"}'));
  assert.equal(codes(parsed(await two.take(2))).sort(), ['CANCELLED', 'ok']);
  await two.send(request('8', 'double', '1'));
  assert.is((await two.reply()).result, 2);
  await other.send(request('9', 'double', '1'));
  assert.is((await other.reply()).result, 2);
  await untilIdle(server);
});

for (const [kind, op, data] of [
  ['the engine’s', 'echo', '1'],
  ['users’', 'double', '1'],
] as const) {
  test(`requests a second: ${kind} operations, exact on the whole`, async (t) => {
    const perSecond = 50;
    const { server, as } = await open(t, { app: { requestsPerSecond: perSecond }, other: {} }, { maxRequests: 10_000 });
    const [app, other] = [await as('app'), await as('other')];
    const startMs = performance.now();
    const all: Reply[] = [];
    let batches = 0;
    while (performance.now() - startMs < 2500) {
      batches++;
      await app.send(many(20, (n) => request(`${n}`, op, data)));
      all.push(...parsed(await app.take(20)));
      await other.send(request('o', op, data));
      assert.ok((await other.reply()).ok);
    }
    const seconds = (performance.now() - startMs) / 1000;
    const answered = all.filter(({ ok }) => ok).length;
    const refused = all.filter(({ code }) => code === 'OVERLOADED');
    assert.is(answered + refused.length, batches * 20);
    // One second's worth at the beginning, and one batch of debt.
    assert.ok(answered <= perSecond * (seconds + 1) + 21, `${answered} in ${seconds} s`);
    assert.ok(answered >= perSecond, `${answered} in ${seconds} s`);
    assert.ok(refused.length > 0 && refused.every(({ retryAfterMs }) => retryAfterMs! >= 1));
    assert.match(refused[0]!.error!, /the identity "app" may send 50 requests a second, and has|are used up/);
    await untilIdle(server);
  });
}

test('who comes back when he is told to finds something left', async (t) => {
  const { as } = await open(t, { app: { requestsPerSecond: 5 } });
  const app = await as('app');
  await app.send(many(10, (n) => request(`${n}`, 'echo', '1')));
  await app.take(10);
  await app.send(request('a', 'echo', '1'));
  const { code, retryAfterMs } = await app.reply();
  assert.is(code, 'OVERLOADED');
  await new Promise((resolve) => setTimeout(resolve, retryAfterMs! + 5));
  await app.send(request('b', 'echo', '1'));
  assert.ok((await app.reply()).ok);
});

test('bytes a second: a large body counts when it is let in, and what follows pays for it', async (t) => {
  const { server, as } = await open(t, { app: { bytesPerSecond: 1_000_000 } });
  const app = await as('app');
  await app.send(request('1', 'sum', numbers(3_000_000)));
  assert.ok((await app.reply()).ok);
  await app.send(request('2', 'sum', numbers(3_000_000)), request('3', 'echo', '1'));
  const replies = parsed(await app.take(2));
  assert.equal(codes(replies), ['OVERLOADED', 'OVERLOADED']);
  assert.ok(replies[0]!.retryAfterMs! > 500, `${replies[0]!.retryAfterMs}`);
  assert.is(server.view.snapshot().access.refused.find(({ limit }) => limit === 'byte_rate')!.count, 2);
  await untilIdle(server);
});

test('threads: one that has its share waits, while others use the rest', async (t) => {
  const { server, as } = await open(t, { app: { workerShare: '50%' }, other: {} }, { workers: 2 });
  const [app, other] = [await as('app'), await as('other')];
  const waiting = JSON.stringify({ ms: 60_000 });
  await app.send(request('1', 'wait', waiting), request('2', 'wait', waiting), request('3', 'wait', waiting));
  const wait = () => server.view.snapshot().pool.queues.find(({ op }) => op === 'wait')!;
  await until('one runs and two wait', () => wait().running === 1 && wait().waiting === 2);
  // The other thread stays free for others, in the same operation and in another one.
  await other.send(request('1', 'double', '2'), request('2', 'wait', '{"ms":1}'));
  assert.equal(
    parsed(await other.take(2))
      .map(({ id }) => id)
      .sort(),
    ['1', '2'],
  );
  assert.equal([wait().running, wait().waiting], [1, 2]);
  await app.send(request('c', '$cancel', '{"id":"1"}'));
  await app.take(2);
  await until('the next one runs', () => wait().running === 1 && wait().waiting === 1);
  app.socket.resetAndDestroy();
  await untilIdle(server);
});

test('all of it holds for calls from inside the process, such as those over HTTP', async (t) => {
  const { server, file } = await open(t, { app: { allow: ['double', 'items'] }, slow: { requestsPerSecond: 0.01 } });
  const { view } = server;
  const call = async (name: string, op: string, text: string): Promise<Reply> => {
    const caller = await view.authenticate(file.tokens[name], '10.0.0.1');
    if (caller.refusal !== undefined) throw new Error(caller.refusal);
    const { identity } = caller;
    async function* data() {
      yield Buffer.from(text);
    }
    return JSON.parse(Buffer.from(await view.call(op, data(), { identity })).toString());
  };
  assert.is((await view.authenticate(undefined, '10.0.0.1')).refusal !== undefined, true);
  assert.is((await call('app', 'sum', '[1]')).code, 'FORBIDDEN');
  assert.is((await call('app', 'sum', numbers(1_000_000))).code, 'FORBIDDEN');
  assert.is((await call('app', 'items', `{"items":${numbers(200_000)}}`)).result, 100_001);
  assert.is((await call('slow', 'double', '2')).result, 4);
  // A trace of what came meanwhile is enough to go into debt.
  await call('slow', 'double', '2');
  const refused = await call('slow', 'double', '2');
  assert.is(refused.code, 'OVERLOADED');
  assert.ok(refused.retryAfterMs! >= 1);
  await untilIdle(server);
});

test.run();
