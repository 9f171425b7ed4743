import * as assert from 'uvu/assert';
import { connect, ReplyError, RequestError } from '../../src/client/index.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { openClient, rejection, serverFor, slowOpsPath } from './support.js';

const test = suite('client: calls');
const server = serverFor(test, ['--ops', slowOpsPath, '--workers', '2']);
const options = () => ({ port: server().port });

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytes = (json: string): Uint8Array => Buffer.from(json);

test('operations answer with values', async (t) => {
  const client = await openClient(t, options());
  assert.is(await client.call('sum', [0.1, 0.2]), 0.3);
  assert.is(await client.call('upper', 'straße'), 'STRASSE');
  assert.equal(await client.call('echo', { a: [null, true, 'ñ\ud800'] }), { a: [null, true, 'ñ\ud800'] });
  assert.is(await client.call('echo'), null);
});

test('many calls share a connection, and each gets its own answer', async (t) => {
  const client = await openClient(t, { ...options(), inFlightMax: 100 });
  const calls = Array.from({ length: 3000 }, (_, n) =>
    n % 3 === 0 ? client.call('sum', [n, n]) : client.call('echo', n % 3 === 1 ? n : 'x'.repeat(n)),
  );
  const answers = await Promise.all(calls);
  answers.forEach((answer, n) => {
    assert.is(answer, n % 3 === 0 ? 2 * n : n % 3 === 1 ? n : 'x'.repeat(n));
  });
});

test('a slow call does not delay those made after it', async (t) => {
  const client = await openClient(t, options());
  const order: string[] = [];
  const slow = client.call('wait', 300).then(() => order.push('slow'));
  const quick = client.call('echo', 1).then(() => order.push('quick'));
  await Promise.all([slow, quick]);
  assert.equal(order, ['quick', 'slow']);
});

test('an error reply rejects with its code, and the connection stays', async (t) => {
  const client = await openClient(t, options());
  const error = await rejection(client.call('sum', [1, 'two']));
  assert.instance(error, ReplyError);
  assert.instance(error, RequestError);
  assert.equal([error.code, error.retryable], ['BAD_DATA', false]);
  assert.match(error.message, /index 1/);
  assert.is((await rejection(client.call('nope'))).code, 'UNKNOWN_OP');
  assert.is(await client.call('echo', 1), 1);
  assert.is(client.state, 'connected');
});

test('with bigint, integers keep their digits both ways, and other numbers stay numbers', async (t) => {
  const client = await openClient(t, options());
  const data = {
    large: 12345678901234567890n,
    negative: -(2n ** 63n),
    small: 7n,
    float: 1.5,
    safe: 2 ** 53 - 1,
    huge: 1e21,
  };
  assert.equal(await client.call('echo', data, { bigint: true }), { ...data, small: 7 });
  assert.is(await client.call('sum', [1n, 2], { bigint: true }), 3);
});

test('a BigInt without bigint, a cycle and a function are refused before they are sent', async (t) => {
  const client = await openClient(t, options());
  const cycle: unknown[] = [];
  cycle.push(cycle);
  for (const data of [1n, cycle, () => 1]) {
    const error = await rejection(client.call('echo', data));
    assert.is(error.code, 'BAD_DATA');
  }
  assert.match((await rejection(client.call('echo', 1n))).message, /bigint: true/);
  assert.is(client.inFlight, 0);
});

test('callRaw gives the bytes of the reply, an error reply too', async (t) => {
  let count = 0;
  const client = await openClient(t, { ...options(), newId: () => `n${count++}` });
  const data = '{"b" : 12345678901234567890.10, "a":"\\u00f1\\/", "b":-0}';
  assert.is(text(await client.callRaw('echo', bytes(data))), `{"id":"n0","ok":true,"result":${data}}`);
  assert.is(text(await client.callRaw('sum', bytes('[1,2,3,4]'))), '{"id":"n1","ok":true,"result":10.0}');
  assert.match(text(await client.callRaw('nope')), /^\{"id":"n2","ok":false,"error":".*","code":"UNKNOWN_OP"\}$/);
});

test('a request whose id the server could not read gets its reply among others', async (t) => {
  const client = await openClient(t, options());
  const slow = client.call('wait', 200);
  const broken = client.callRaw('echo', bytes('[1,'));
  const deep = client.callRaw('echo', bytes('['.repeat(2000) + ']'.repeat(2000)));
  const others = [1, 2, 3].map((n) => client.call('echo', n));
  assert.equal(await Promise.all(others), [1, 2, 3]);
  assert.match(text(await broken), /^\{"id":null,"ok":false,.*"BAD_JSON"\}$/);
  assert.match(text(await deep), /^\{"id":null,"ok":false,.*"BAD_JSON"\}$/);
  assert.is(await slow, 'waited');
});

test('a value of many megabytes goes there and back', async (t) => {
  const client = await openClient(t, options());
  const value = 'ñ'.repeat(4_000_000);
  const [answer, small] = await Promise.all([client.call('echo', value), client.call('echo', 1)]);
  assert.ok(answer === value);
  assert.is(small, 1);
});

test('an aborted call rejects at once, and the server is told to stop', async (t) => {
  const client = await openClient(t, options());
  const controller = new AbortController();
  const call = client.call('wait', 3_600_000, { signal: controller.signal });
  const beside = client.call('wait', 50);
  const reason = new Error('no longer wanted');
  controller.abort(reason);
  const error = await rejection(call);
  assert.equal([error.code, error.cause, error instanceof RequestError], ['CANCELLED', reason, true]);
  assert.is(await beside, 'waited');
  // The place is given up when the server has said its word on it, an hour too early for the work to be done.
  await until('the server has answered everything', () => client.inFlight === 0);
});

test('one signal may stand for many calls', async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const client = await openClient(t, options());
  const controller = new AbortController();
  const { signal } = controller;
  const done = await Promise.all(Array.from({ length: 20 }, (_, n) => client.call('echo', n, { signal })));
  const slow = Array.from({ length: 20 }, () => rejection(client.call('wait', 3_600_000, { signal })));
  controller.abort();
  assert.is(done.length, 20);
  for (const error of await Promise.all(slow)) assert.is(error.code, 'CANCELLED');
  await until('the server has answered everything', () => client.inFlight === 0);
  assert.equal(warnings, []);
});

test('a signal that is aborted already lets nothing out', async (t) => {
  const client = await openClient(t, options());
  const error = await rejection(client.call('wait', 1, { signal: AbortSignal.abort() }));
  assert.is(error.code, 'CANCELLED');
  assert.is(client.inFlight, 0);
});

test('a call that takes too long is ended by the server', async (t) => {
  const client = await openClient(t, { ...options(), replyGraceMs: 10_000 });
  const error = await rejection(client.call('wait', 3_600_000, { timeoutMs: 30 }));
  assert.instance(error, ReplyError);
  assert.is(error.code, 'DEADLINE_EXCEEDED');
});

test('after a frame over the limit the client has its reply, and then another connection', async (t) => {
  const client = await openClient(t, options());
  const states: string[] = [];
  client.onState(({ state }) => states.push(state));
  const error = await rejection(client.call('echo', 'x'.repeat(17 * 1024 * 1024)));
  assert.is(error.code, 'FRAME_TOO_LARGE');
  assert.is(await client.call('echo', 1), 1);
  assert.equal(states, ['reconnecting', 'connected']);
});

test('close waits for the calls that were made', async (t) => {
  const client = await openClient(t, { ...options(), inFlightMax: 1 });
  const calls = [client.call('wait', 100), client.call('echo', 'after')];
  const closed = client.close();
  assert.is(client.state, 'closing');
  assert.is((await rejection(client.call('echo', 1))).code, 'CONNECTION_LOST');
  await closed;
  assert.equal(await Promise.all(calls), ['waited', 'after']);
  assert.is(client.state, 'closed');
  await client.close();
});

test('close gives up after drainMs', async (t) => {
  const client = await openClient(t, options());
  const call = rejection(client.call('wait', 3_600_000));
  await client.close({ drainMs: 20 });
  assert.is((await call).code, 'CONNECTION_LOST');
});

test('a client is disposed of at the end of its block', async () => {
  let client: Awaited<ReturnType<typeof connect>>;
  {
    await using opened = await connect(options());
    client = opened;
    assert.is(await client.call('echo', 1), 1);
  }
  assert.is(client.state, 'closed');
});

test.run();
