/** Connections whose other end is gone without a word. */
import * as assert from 'uvu/assert';
import { startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
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

test('silent connections stay open for a while: a balancer would send the next one there again', async (t) => {
  const closed: number[] = [];
  const answers = (index: number) => index === 3;
  const peer = await openPeer(
    t,
    (request, connection) => void (answers(peer.connections.indexOf(connection)) && connection.send(ok(request))),
    {
      upkeep: true,
      onConnection: ({ socket }) => {
        const index = peer.connections.length - 1;
        socket.once('close', () => closed.push(index));
      },
    },
  );
  const client = await openClient(t, { port: peer.port, reconnect, pingIntervalMs: 100, connectTimeoutMs: 100 });
  assert.equal(await client.call('sum', [1]), [1]);
  assert.equal([peer.connections.length, closed], [4, []]);
  // One that speaks again has nobody to speak to.
  peer.connections[0]!.send({ id: '$ping', ok: true, result: null });
  await until('it is closed', () => closed.length === 1);
  await client.close();
  await until('all are closed', () => closed.length === 4);
});

test('a client that is closed closes silent connections too', async (t) => {
  const peer = await openPeer(t, () => {}, { upkeep: true });
  const client = await openClient(t, { port: peer.port, reconnect, pingIntervalMs: 100, timeoutMs: 0 });
  const call = rejection(client.call('sum', [1]));
  await until('another connection is there', () => peer.connections.length === 2);
  await client.close({ drainMs: 0 });
  await call;
  await until('all are closed', () => peer.connections.every(({ socket }) => socket.destroyed));
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
