import { runInNewContext } from 'node:vm';
import * as assert from 'uvu/assert';
import { connect } from '../../src/client/index.js';
import { suite } from '../support/suite.js';
import { openClient, openPeer, rejection } from './support.js';

const test = suite('client: what callers give');

const wrong = (value: unknown): never => value as never;

test('arguments of the wrong kind are refused in one sentence, and nothing is sent', async (t) => {
  const peer = await openPeer(t, ({ id, data }, { send }) => send({ id, ok: true, result: data ?? null }));
  const client = await openClient(t, { port: peer.port });
  const detached = new Uint8Array(8);
  structuredClone(detached, { transfer: [detached.buffer] });
  const calls: Promise<unknown>[] = [
    client.call(wrong(5)),
    client.call('echo', 1, wrong(null)),
    client.callRaw('echo', wrong('text')),
    client.callRaw('echo', wrong([1])),
    client.callRaw('echo', wrong(new Uint16Array(1))),
    client.callRaw('echo', detached),
    client.call('echo', 1, { timeoutMs: wrong('50') }),
    client.call('echo', 1, { timeoutMs: 1e-320 }),
    client.call('echo', 1, { timeoutMs: wrong(null) }),
    client.call('echo', 1, { signal: wrong({}) }),
    client.call('echo', 1, { traceparent: wrong(7) }),
    client.call('echo', 1, { bigint: wrong('yes') }),
    client.callStream('echo', [detached], 1),
    client.callStream('echo', [], wrong('1')),
    client.close({ drainMs: Number.NaN }),
    client.close(wrong(5)),
    connect(wrong(null)),
    connect({ port: wrong('5000') }),
    connect({ port: 70_000 }),
    connect({ host: wrong(5) }),
    connect({ port: peer.port, newId: wrong('id') }),
    connect({ port: peer.port, inFlightMax: 1.5 }),
  ];
  for (const [at, call] of calls.entries()) {
    const { message } = await rejection(call);
    assert.match(
      message,
      /^[^\n]+ (must be|has lost its memory|whose buffer was transferred)[^\n]*\.$/,
      `argument ${at}`,
    );
  }
  assert.equal([client.state, client.inFlight], ['connected', 0]);
  assert.is(await client.call('echo', 1), 1);
  assert.is(peer.requests.length, 1);
});

test('values of another realm, and shared memory, are taken as what they are', async (t) => {
  const peer = await openPeer(t, ({ id, data }, { send }) => send({ id, ok: true, result: data ?? null }));
  const client = await openClient(t, { port: peer.port });
  const foreign = runInNewContext('new Uint8Array([49, 50])') as Uint8Array;
  const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(55);
  assert.match(Buffer.from(await client.callRaw('echo', foreign)).toString(), /"result":12\}$/);
  assert.match(Buffer.from(await client.callRaw('echo', shared)).toString(), /"result":77\}$/);
  assert.is(await client.callStream('echo', [foreign, shared], 4), 1277);
});

test('empty and small pieces of a stream let an abort act at once', async (t) => {
  const peer = await openPeer(t, ({ id, data }, { send }) => send({ id, ok: true, result: data ?? null }));
  const client = await openClient(t, { port: peer.port });
  for (const piece of [new Uint8Array(0), Buffer.from('1,1,1,1,')]) {
    let stopped = false;
    function* endless() {
      try {
        while (true) yield piece;
      } finally {
        stopped = true;
      }
    }
    const error = await rejection(client.callStream('sum', endless(), 2 ** 31, { signal: AbortSignal.timeout(50) }));
    assert.is(error.code, 'CANCELLED');
    assert.is(await client.callStream('echo', [Buffer.from('12')], 2), 12);
    assert.ok(stopped);
  }
});

test.run();
