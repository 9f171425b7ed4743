import * as assert from 'uvu/assert';
import type { StateEvent } from '../../src/client/index.js';
import { startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { openClient, openPeer, type PeerConnection, type PeerRequest, rejection, slowOpsPath } from './support.js';

const test = suite('client: reconnecting');

const reconnect = { delayMinMs: 1, delayMaxMs: 5 };

function answer({ id, op, data }: PeerRequest, { send, socket }: PeerConnection): void {
  if (op === 'hang up') socket.destroy();
  else send({ id, ok: true, result: data ?? null });
}

test('calls made while there is no connection go out, in order, over the next one', async (t) => {
  const peer = await openPeer(t, answer);
  const client = await openClient(t, { port: peer.port, reconnect });
  const events: StateEvent[] = [];
  client.onState((event) => events.push(event));
  await peer.stop();
  await until('the loss was noticed', () => client.state === 'reconnecting');
  const calls = [1, 2, 3].map((n) => client.call('echo', n));
  assert.equal([client.waiting, client.inFlight], [3, 0]);
  const again = await openPeer(t, answer, { port: peer.port });
  assert.equal(await Promise.all(calls), [1, 2, 3]);
  assert.equal(
    again.requests.map(({ data }) => data),
    [1, 2, 3],
  );
  const [first] = events;
  assert.equal([first!.state, first!.error?.code], ['reconnecting', 'CONNECTION_LOST']);
  assert.ok(first!.retryInMs! > 0);
  assert.is(events.at(-1)!.state, 'connected');
});

test('a call that was in flight is rejected and not sent again', async (t) => {
  const peer = await openPeer(t, answer);
  const client = await openClient(t, { port: peer.port, reconnect });
  assert.is((await rejection(client.call('hang up'))).code, 'CONNECTION_LOST');
  assert.is(await client.call('echo', 'again'), 'again');
  assert.equal(
    peer.requests.map(({ op }) => op),
    ['hang up', 'echo'],
  );
  assert.is(peer.connections.length, 2);
});

test('attempts are bounded, also against a peer that accepts and closes, and then the client is closed', async (t) => {
  const peer = await openPeer(t, answer, { onConnection: ({ socket }) => socket.end() });
  const client = await openClient(t, { port: peer.port, reconnect: { ...reconnect, attemptsMax: 3 } });
  const closed = new Promise<StateEvent>((resolve) => {
    client.onState((event) => event.state === 'closed' && resolve(event));
  });
  const { error } = await closed;
  assert.is(error?.code, 'CONNECTION_LOST');
  assert.is(peer.connections.length, 4);
  assert.is((await rejection(client.call('echo', 1))).code, 'CONNECTION_LOST');
});

test('calls that wait are rejected when the last attempt has failed', async (t) => {
  const peer = await openPeer(t, answer);
  const client = await openClient(t, { port: peer.port, reconnect: { ...reconnect, attemptsMax: 2 } });
  const lost = new Promise<Promise<unknown>[]>((resolve) => {
    client.onState(() => resolve([client.call('echo', 1)]), { once: true });
  });
  await peer.stop();
  const error = await rejection((await lost)[0]!);
  assert.equal([error.code, error.retryable], ['CONNECT_FAILED', true]);
  assert.is(client.state, 'closed');
});

test('a reply shows that the connection is good and the count of attempts begins anew', async (t) => {
  const peer = await openPeer(t, answer);
  const client = await openClient(t, { port: peer.port, reconnect: { ...reconnect, attemptsMax: 2 } });
  for (let round = 0; round < 5; round++) {
    assert.is(await client.call('echo', round), round);
    await rejection(client.call('hang up'));
  }
  assert.is(await client.call('echo', 'end'), 'end');
});

test('a deadline holds for a call that waits for a connection', async (t) => {
  const peer = await openPeer(t, answer);
  const slowly = { delayMinMs: 3_600_000, delayMaxMs: 3_600_000 };
  const client = await openClient(t, { port: peer.port, reconnect: slowly, replyGraceMs: 5 });
  await peer.stop();
  await until('the loss was noticed', () => client.state === 'reconnecting');
  assert.is((await rejection(client.call('echo', 1, { timeoutMs: 10 }))).code, 'DEADLINE_EXCEEDED');
  assert.is(client.waiting, 0);
});

test('closing while there is no connection rejects what waits and tries no more', async (t) => {
  const peer = await openPeer(t, answer);
  const client = await openClient(t, { port: peer.port, reconnect });
  await peer.stop();
  await until('the loss was noticed', () => client.state === 'reconnecting');
  const call = rejection(client.call('echo', 1));
  await client.close();
  assert.is((await call).code, 'CONNECTION_LOST');
  const again = await openPeer(t, answer, { port: peer.port });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.is(again.connections.length, 0);
});

test('without reconnect a lost connection closes the client', async (t) => {
  const peer = await openPeer(t, answer);
  const client = await openClient(t, { port: peer.port, reconnect: false });
  await rejection(client.call('hang up'));
  await until('the client is closed', () => client.state === 'closed');
  assert.is(peer.connections.length, 1);
});

test('a server that shuts down answers what it has before the client loses it', async (t) => {
  const server = await startServer(t, ['--ops', slowOpsPath, '--workers', '1']);
  const client = await openClient(t, { port: server.port, reconnect });
  const running = client.call('wait', 300);
  await client.call('echo', 'the call before this one has arrived');
  const stopped = server.stop();
  assert.is(await running, 'waited');
  assert.is(await stopped, 0);
  await until('the loss was noticed', () => client.state !== 'connected');
});

test('a server that is killed costs the calls that were in flight', async (t) => {
  const server = await startServer(t, ['--ops', slowOpsPath, '--workers', '1']);
  const client = await openClient(t, { port: server.port, reconnect: false });
  const running = rejection(client.call('wait', 3_600_000));
  await client.call('echo', 'the call before this one has arrived');
  await server.stop('SIGKILL');
  assert.is((await running).code, 'CONNECTION_LOST');
});

test.run();
