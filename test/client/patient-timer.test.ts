import * as assert from 'uvu/assert';
import { Client } from '../../src/client/index.js';
import { patientTimer } from '../../src/client/patient-timer.js';
import { tcpTransport } from '../../src/client/tcp-transport.js';
import { suite } from '../support/suite.js';
import { openClient, openPeer, rejection } from './support.js';

const test = suite('client: timers');

/** Keeps this thread busy, as a long computation does. */
function stall(durationMs: number): void {
  const end = performance.now() + durationMs;
  while (performance.now() < end);
}

test('a reply that is here already wins over a time limit that passed during a stall', async (t) => {
  const peer = await openPeer(t, ({ id }, { send }) => {
    send({ id, ok: true, result: 'in time' });
    setImmediate(() => stall(150));
  });
  const client = await openClient(t, { port: peer.port, replyGraceMs: 0 });
  assert.is(await client.call('echo', 1, { timeoutMs: 60 }), 'in time');
});

test('a connection that was made during a stall is not given up', async (t) => {
  const peer = await openPeer(t, ({ id }, { send }) => send({ id, ok: true, result: 1 }));
  const opening = openClient(t, { port: peer.port, connectTimeoutMs: 20 });
  stall(200);
  assert.is(await (await opening).call('echo', 1), 1);
});

test('a stall longer than it takes to prove a connection does not give a peer that closes more attempts', async (t) => {
  const peer = await openPeer(t, () => {}, { onConnection: ({ socket }) => socket.end() });
  const client = await openClient(t, { port: peer.port, reconnect: { delayMinMs: 1, delayMaxMs: 5, attemptsMax: 2 } });
  const closed = new Promise<void>((resolve) => {
    client.onState(({ state }) => {
      if (state === 'connected') stall(1100);
      if (state === 'closed') resolve();
    });
  });
  await closed;
  assert.is(peer.connections.length, 3);
});

test('a time limit longer than a timer can be does not pass at once', async () => {
  const stop = patientTimer(2 ** 40, () => assert.unreachable());
  await new Promise((resolve) => setTimeout(resolve, 20));
  stop();
});

test('a client whose calls ran out of time renews its connection, and other calls on it still get their replies', async (t) => {
  let release: (() => void) | undefined;
  const peer = await openPeer(t, (request, connection) => {
    const answer = () => connection.send({ id: request.id, ok: true, result: request.data });
    if (connection !== peer.connections[0]) answer();
    else if (request.data === 'slow') release = answer;
  });
  const limits = { inFlightMax: 8, replyGraceMs: 1, reconnect: { delayMinMs: 1, delayMaxMs: 5 } };
  const client = await openClient(t, { port: peer.port, ...limits });
  const slow = client.call('echo', 'slow');
  const dead = Array.from({ length: 7 }, () => rejection(client.call('echo', 1, { timeoutMs: 5 })));
  for (const error of await Promise.all(dead)) assert.is(error.code, 'DEADLINE_EXCEEDED');
  assert.is(await client.call('echo', 'renewed'), 'renewed');
  assert.is(peer.connections.length, 2);
  release!();
  assert.is(await slow, 'slow');
});

test('closing does not wait for replies that nobody waits for', async (t) => {
  const peer = await openPeer(t, () => {});
  const client = await Client.open(tcpTransport('127.0.0.1', peer.port), { replyGraceMs: 0 });
  assert.is((await rejection(client.call('echo', 1, { timeoutMs: 1 }))).code, 'DEADLINE_EXCEEDED');
  await client.close({ drainMs: 3_600_000 });
  assert.is(client.state, 'closed');
});

test.run();
