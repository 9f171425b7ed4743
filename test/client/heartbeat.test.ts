/** Connections whose other end is gone without a word. */
import * as assert from 'uvu/assert';
import { startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { openClient, openPeer, type PeerRequest, rejection, slowOpsPath } from './support.js';

const test = suite('client: dead connections');

const reconnect = { delayMinMs: 1, delayMaxMs: 5 };
const ok = ({ id, data }: PeerRequest) => ({ id, ok: true, result: data ?? null });

test('a peer that answers nothing any more is given up: idempotent calls go elsewhere, others are rejected', async (t) => {
  const peer = await openPeer(
    t,
    (request, connection) => connection === peer.connections[0] || connection.send(ok(request)),
    { upkeep: true },
  );
  const client = await openClient(t, { port: peer.port, reconnect, pingIntervalMs: 100, timeoutMs: 0 });
  const pure = client.call('sum', [1]);
  const other = await rejection(client.call('work', 2));
  assert.equal([other.code, /\$ping/.test(other.message)], ['CONNECTION_LOST', true]);
  assert.equal(await pure, [1]);
  assert.is(peer.connections.length, 2);
});

test('a connection that was taken and never answered does not count', async (t) => {
  const peer = await openPeer(
    t,
    (request, connection) => {
      const index = peer.connections.indexOf(connection);
      if (index === 0 && request.op === 'work') connection.socket.destroy();
      else if (index === 0 || index === 3) connection.send(ok(request));
    },
    { upkeep: true },
  );
  const client = await openClient(t, { port: peer.port, reconnect, connectTimeoutMs: 100 });
  await rejection(client.call('work'));
  assert.is(await client.call('work', 'through'), 'through');
  assert.is(peer.connections.length, 4);
});

test('a server that has no place is tried again', async (t) => {
  const overloaded = { id: null, ok: false, error: '1 connections are open', code: 'OVERLOADED' };
  const peer = await openPeer(
    t,
    (request, connection) => {
      const index = peer.connections.indexOf(connection);
      if (index === 0 && request.op === 'work') connection.socket.destroy();
      else if (index === 0 || index === 3) connection.send(ok(request));
    },
    {
      upkeep: true,
      onConnection: ({ send, socket }) => [2, 3].includes(peer.connections.length) && send(overloaded) && socket.end(),
    },
  );
  const client = await openClient(t, { port: peer.port, reconnect });
  await rejection(client.call('work'));
  assert.is(await client.call('work', 'through'), 'through');
});

test('a server that computes is not taken for dead', async (t) => {
  const server = await startServer(t, ['--ops', slowOpsPath, '--workers', '1']);
  const client = await openClient(t, { port: server.port, reconnect: false, pingIntervalMs: 2500 });
  assert.is(await client.call('wait', 6000), 'waited');
});

test('behind a large request there is more patience', async (t) => {
  const peer = await openPeer(
    t,
    (request, connection) => {
      if (request.op === 'work') setTimeout(() => connection.send({ ...ok(request), result: 'late' }), 500);
    },
    { upkeep: true },
  );
  const client = await openClient(t, { port: peer.port, reconnect: false, pingIntervalMs: 20 });
  assert.is(await client.call('work', 'x'.repeat(100_000)), 'late');
  assert.is((await rejection(client.call('work', 'x'))).code, 'CONNECTION_LOST');
});

test('with 0 nothing is asked', async (t) => {
  const peer = await openPeer(t, (request, { send }) => void setTimeout(() => send(ok(request)), 100), {
    upkeep: true,
  });
  const client = await openClient(t, { port: peer.port, reconnect: false, pingIntervalMs: 0 });
  await client.call('work');
  assert.equal(
    peer.requests.map(({ op }) => op),
    ['work'],
  );
});

test.run();
