/** What the client does when its server is about to end, and when a connection is lost. */
import * as assert from 'uvu/assert';
import type { StateEvent } from '../../src/client/index.js';
import { startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { openClient, openPeer, type PeerConnection, type PeerRequest, rejection, slowOpsPath } from './support.js';

const test = suite('client: servers that drain');

const reconnect = { delayMinMs: 1, delayMaxMs: 5 };

const ok = ({ id, data }: PeerRequest) => ({ id, ok: true, result: data ?? null });
const told = { id: '$draining', ok: true, result: { draining: true } };
const refused = ({ id }: PeerRequest) => ({ id, ok: false, error: 'the server drains', code: 'SHUTTING_DOWN' });

/** Answers what clients ask by themselves, but for `$draining`, which waits. True where it was that. */
function answersUpkeep(request: PeerRequest, { send }: PeerConnection): boolean {
  if (request.op === '$ping') send(ok(request));
  return request.id.startsWith('$');
}

test('a client that is told moves its calls to another connection and ends the old one after its last reply', async (t) => {
  const seen: string[] = [];
  const held: (() => void)[] = [];
  const ended: number[] = [];
  const peer = await openPeer(
    t,
    (request, connection) => {
      const index = peer.connections.indexOf(connection);
      seen.push(`${index} ${request.op} ${request.data ?? ''}`.trim());
      if (answersUpkeep(request, connection)) return;
      if (request.data === 'held') held.push(() => connection.send(ok(request)));
      else connection.send(ok(request));
    },
    { upkeep: true, onConnection: ({ socket }) => socket.on('end', () => ended.push(peer.connections.length)) },
  );
  const client = await openClient(t, { port: peer.port, reconnect });
  const events: StateEvent[] = [];
  client.onState((event) => events.push(event));
  const first = client.call('work', 'held');
  await client.call('work', 'one');
  peer.connections[0]!.send(told);
  await until('there is another connection', () => seen.includes('1 $ping'));
  await until('calls go there', async () => {
    await client.call('work', 'two');
    return seen.includes('1 work two');
  });
  assert.equal(ended, []);
  held[0]!();
  assert.is(await first, 'held');
  await until('the old connection is ended', () => ended.length === 1);
  assert.is(await client.call('work', 'three'), 'three');
  assert.is(seen.at(-1), '1 work three');
  assert.equal(events, []);
  assert.equal(seen.slice(0, 3), ['0 $draining', '0 work held', '0 work one']);
  assert.equal(client.inFlight, 0);
});

test('while no other connection can be had, the client stays on the one that it has', async (t) => {
  let isClosed = true;
  const peer = await openPeer(
    t,
    (request, connection) => answersUpkeep(request, connection) || connection.send(ok(request)),
    { upkeep: true, onConnection: ({ socket }) => isClosed && peer.connections.length > 1 && socket.destroy() },
  );
  const client = await openClient(t, { port: peer.port, reconnect: { ...reconnect, attemptsMax: 2 } });
  await client.call('work', 0);
  peer.connections[0]!.send(told);
  await until('many attempts have failed', () => peer.connections.length > 8);
  assert.is(await client.call('work', 1), 1);
  assert.equal([client.state, peer.connections[0]!.socket.readableEnded], ['connected', false]);
  isClosed = false;
  await until('the old connection is left', () => peer.connections[0]!.socket.readableEnded);
  assert.is(await client.call('work', 2), 2);
});

test('another server that drains too is no place to go', async (t) => {
  const peer = await openPeer(
    t,
    (request, connection) => {
      const index = peer.connections.indexOf(connection);
      if (request.op === '$draining' && index > 0 && index < 4) connection.send(told);
      else if (!answersUpkeep(request, connection)) connection.send({ ...ok(request), result: index });
    },
    { upkeep: true },
  );
  const client = await openClient(t, { port: peer.port, reconnect });
  assert.is(await client.call('work'), 0);
  peer.connections[0]!.send(told);
  await until('calls go to the first one that does not drain', async () => (await client.call('work')) === 4);
});

test('a call that a draining server refuses is sent again, whatever it does', async (t) => {
  const peer = await openPeer(t, (request, connection) =>
    connection.send(connection === peer.connections[0] ? refused(request) : ok(request)),
  );
  const client = await openClient(t, { port: peer.port, reconnect });
  const results = await Promise.all([1, 2, 3].map((n) => client.call('work', n, { idempotent: false })));
  assert.equal(results, [1, 2, 3]);
  assert.is(peer.connections.length, 2);
});

test('a call that every server refuses is rejected in the end', async (t) => {
  const peer = await openPeer(t, (request, { send }) => send(refused(request)));
  const client = await openClient(t, { port: peer.port, reconnect });
  assert.is((await rejection(client.call('work'))).code, 'SHUTTING_DOWN');
});

test('of calls that lost their replies, idempotent ones are sent again and others rejected', async (t) => {
  const peer = await openPeer(t, (request, connection) => {
    if (connection !== peer.connections[0]) connection.send(ok(request));
    else if (peer.requests.length === 3) connection.socket.destroy();
  });
  const client = await openClient(t, { port: peer.port, reconnect });
  const calls = [client.call('sum', [1]), client.call('work', 2, { idempotent: true }), client.call('work', 3)];
  const outcomes = await Promise.allSettled(calls);
  assert.equal(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.reason.code)),
    [[1], 2, 'CONNECTION_LOST'],
  );
});

test('a call that each connection ends with is not sent again and again', async (t) => {
  const peer = await openPeer(t, (_request, { socket }) => void socket.destroy());
  const client = await openClient(t, { port: peer.port, reconnect });
  assert.is((await rejection(client.call('sum', [1]))).code, 'CONNECTION_LOST');
  assert.is(peer.requests.length, 4);
});

test('the time of a call that is sent again goes on', async (t) => {
  const peer = await openPeer(t, (request, connection) => {
    if (connection !== peer.connections[0]) connection.send(ok(request));
    else setTimeout(() => connection.socket.destroy(), 50);
  });
  const client = await openClient(t, { port: peer.port, reconnect });
  await client.call('sum', [1], { timeoutMs: 10_000 });
  const [first, second] = peer.requests.map(({ timeoutMs }) => timeoutMs!);
  assert.is(first, 10_000);
  assert.ok(second! <= 9_951, `${second} ms were left`);
});

test('an older server, which does not know the question, is left alone', async (t) => {
  const peer = await openPeer(
    t,
    (request, { send }) =>
      send(
        request.op === 'echo' ? ok(request) : { id: request.id, ok: false, error: 'no operation', code: 'UNKNOWN_OP' },
      ),
    { upkeep: true },
  );
  const client = await openClient(t, { port: peer.port, reconnect });
  assert.is(await client.call('echo', 1), 1);
  assert.equal([peer.connections.length, client.inFlight], [1, 0]);
});

test('a client that may not reconnect asks nothing', async (t) => {
  const peer = await openPeer(t, (request, { send }) => send(ok(request)), { upkeep: true });
  const client = await openClient(t, { port: peer.port, reconnect: false });
  await client.call('echo', 1);
  assert.equal(
    peer.requests.map(({ op }) => op),
    ['echo'],
  );
});

test('a client that is closed while it moves waits for its replies, and opens nothing more', async (t) => {
  const held: (() => void)[] = [];
  const peer = await openPeer(
    t,
    (request, connection) => {
      if (request.op === 'work') held.push(() => connection.send(ok(request)));
    },
    { upkeep: true },
  );
  const client = await openClient(t, { port: peer.port, reconnect });
  const call = client.call('work', 1);
  await until('the call is there', () => held.length === 1);
  peer.connections[0]!.send(told);
  await until('the client asks another server, which does not answer', () =>
    peer.requests.some(({ op }) => op === '$ping'),
  );
  const closed = client.close();
  held[0]!();
  assert.is(await call, 1);
  await closed;
  assert.equal([client.state, peer.connections.length], ['closed', 2]);
});

test('a refused call keeps a client that closes open until it has its reply', async (t) => {
  const peer = await openPeer(t, (request, connection) => {
    if (connection !== peer.connections[0]) connection.send(ok(request));
    else if (client.state === 'closing') connection.send(refused(request));
    else setTimeout(() => connection.send(refused(request)), 20);
  });
  const client = await openClient(t, { port: peer.port, reconnect });
  const call = client.call('work', 1);
  await until('the call is there', () => peer.requests.length === 1);
  await Promise.all([client.close(), call]);
  assert.is(await call, 1);
});

test('a real server that ends costs no call, also where it is the only one', async (t) => {
  const first = await startServer(t, ['--ops', slowOpsPath, '--workers', '1']);
  const client = await openClient(t, {
    port: first.port,
    reconnect: { delayMinMs: 5, delayMaxMs: 50, attemptsMax: 400 },
  });
  let isOver = false;
  const work = Array.from({ length: 4 }, async () => {
    let calls = 0;
    for (; !isOver; calls++) await client.call('wait', 5);
    return calls;
  });
  await client.call('wait', 1);
  assert.is(await first.stop(), 0);
  const second = await startServer(t, ['--ops', slowOpsPath, '--workers', '1', '--port', String(first.port)]);
  await client.call('wait', 1);
  isOver = true;
  assert.ok((await Promise.all(work)).every((calls) => calls > 0));
  assert.is(await second.stop(), 0);
});

test.run();
