import * as assert from 'uvu/assert';
import { Client, ProtocolError, ReplyError } from '../../src/client/index.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { openClient, openPeer, type PeerRequest, rejection } from './support.js';

const test = suite('client: peers that misbehave');

const ok = ({ id, data }: PeerRequest) => ({ id, ok: true, result: data ?? null });
const reconnect = { delayMinMs: 1, delayMaxMs: 5 };

test('a peer that is not a trama server is told as such', async (t) => {
  const answers = {
    'another protocol': 'HTTP/1.1 400 Bad Request\r\n\r\n',
    'a frame that is not JSON': '\0\0\0\x03abc',
    'JSON that is not a reply': '\0\0\0\x02{}',
    'a reply to nothing': '\0\0\0\x1b{"id":"?","ok":true,"r":""}',
  };
  for (const [what, answer] of Object.entries(answers)) {
    const peer = await openPeer(t, (_, { socket }) => socket.write(answer, 'latin1'));
    const client = await openClient(t, { port: peer.port, reconnect: false });
    const error = await rejection(client.call('echo', 1));
    assert.instance(error, ProtocolError, what);
    assert.is(error.code, 'BAD_REPLY', what);
    await until('the client is closed', () => client.state === 'closed');
    await peer.stop();
  }
});

test('a peer that answers in HTTP is told as such, also where its first bytes come one by one', async (t) => {
  const peer = await openPeer(t, async (_, { socket }) => {
    socket.setNoDelay();
    for (const byte of 'HTTP/1.1 400 Bad Request') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const client = await openClient(t, { port: peer.port, reconnect: false });
  const error = await rejection(client.call('echo', 1));
  assert.is(error.code, 'BAD_REPLY');
  assert.match(error.message, /:\d+ answers in HTTP: the framed protocol is on another port, 5000 by default\.$/);
});

test('a reply without an id that answers no request ends the connection', async (t) => {
  const peer = await openPeer(t, (request, connection) => {
    connection.send(ok(request));
    connection.send({ id: null, ok: false, error: 'for whom?', code: 'BAD_JSON' });
  });
  const client = await openClient(t, { port: peer.port, reconnect: false });
  const closed = new Promise((resolve) => client.onState(({ error }) => resolve(error?.code)));
  assert.is(await client.call('echo', 1), 1);
  assert.is(await closed, 'BAD_REPLY');
});

test('after a reply whose code costs the connection, the next call goes out over another one', async (t) => {
  for (const code of ['FRAME_TOO_LARGE', 'UNAUTHENTICATED']) {
    const peer = await openPeer(t, (request, connection) => {
      // Like a server: once it has refused something, it throws away what comes on this connection.
      if (connection !== peer.connections[0]) connection.send(ok(request));
      else if (peer.requests.length === 1) {
        connection.send({ id: code === 'FRAME_TOO_LARGE' ? null : request.id, ok: false, error: 'no more', code });
        setTimeout(() => connection.socket.end(), 20);
      }
    });
    const client = await openClient(t, { port: peer.port, reconnect });
    assert.is((await rejection(client.call('echo', 'refused'))).code, code);
    const waits = client.call('echo', 'next');
    assert.equal([client.waiting, client.inFlight], [1, 0], code);
    assert.is(await waits, 'next', code);
    assert.is(peer.connections.length, 2, code);
  }
});

test('calls in flight on a connection that is given up still get their replies, also where the peer never closes', async (t) => {
  const held: (() => void)[] = [];
  const peer = await openPeer(t, (request, connection) => {
    if (connection !== peer.connections[0]) connection.send(ok(request));
    else if (request.data === 'held') held.push(() => connection.send(ok(request)));
    else connection.send({ id: request.id, ok: false, error: 'no more', code: 'UNAUTHENTICATED' });
  });
  const client = await openClient(t, { port: peer.port, reconnect });
  const first = client.call('echo', 'held');
  assert.is((await rejection(client.call('echo', 'refused'))).code, 'UNAUTHENTICATED');
  const waits = client.call('echo', 'next');
  assert.equal([client.waiting, client.inFlight, client.state], [1, 1, 'connected']);
  held[0]!();
  assert.equal(await Promise.all([first, waits]), ['held', 'next']);
  assert.equal(
    peer.requests.map(({ data }) => data),
    ['held', 'refused', 'next'],
  );
});

test('an error reply that costs no connection leaves it in use', async (t) => {
  const peer = await openPeer(t, ({ id }, { send }) => send({ id, ok: false, error: 'later', code: 'OVERLOADED' }));
  const client = await openClient(t, { port: peer.port, reconnect });
  for (let n = 0; n < 3; n++) assert.is((await rejection(client.call('echo', n))).code, 'OVERLOADED');
  assert.is(peer.connections.length, 1);
});

test('a result that is not JSON rejects the call that asked for it', async (t) => {
  const peer = await openPeer(t, ({ id }, { send }) => send(`{"id":"${id}","ok":true,"result":}`));
  const client = await openClient(t, { port: peer.port });
  assert.is((await rejection(client.call('echo', 1))).code, 'BAD_REPLY');
});

test('a reply over the limit is refused from its length', async (t) => {
  const peer = await openPeer(t, ({ id }, { send }) => send({ id, ok: true, result: 'x'.repeat(1000) }));
  const client = await openClient(t, { port: peer.port, replyBytesMax: 1000, reconnect: false });
  const error = await rejection(client.call('echo', 1));
  assert.is(error.code, 'BAD_REPLY');
  assert.match(error.message, /at most 1000/);
});

test('a connection that ends in the middle of a reply rejects what is in flight, and nothing is sent twice', async (t) => {
  const peer = await openPeer(t, (request, connection) => {
    if (request.data === 'last') connection.send(ok(request));
    else if (request.data === 'second') connection.socket.end('\0\0\0\x20{"id":');
  });
  const client = await openClient(t, { port: peer.port, reconnect });
  const calls = ['first', 'second'].map((data) => rejection(client.call('work', data)));
  for (const error of await Promise.all(calls)) {
    assert.equal([error.code, error.retryable], ['CONNECTION_LOST', false]);
    assert.match(error.message, /middle of a reply/);
  }
  assert.is(await client.call('echo', 'last'), 'last');
  assert.equal(
    peer.requests.map(({ data }) => data),
    ['first', 'second', 'last'],
  );
});

test('a peer that never answers is given up a little after the time that the call had', async (t) => {
  const peer = await openPeer(t, () => {});
  const client = await openClient(t, { port: peer.port, replyGraceMs: 10 });
  const error = await rejection(client.call('echo', 1, { timeoutMs: 20 }));
  assert.is(error.code, 'DEADLINE_EXCEEDED');
  assert.not.instance(error, ReplyError);
  assert.is(peer.requests[0]?.timeoutMs, 20);
});

test('a reply that comes after its call was given up is dropped', async (t) => {
  const late: (() => void)[] = [];
  const peer = await openPeer(t, (request, { send }) => {
    if (request.data === 'late') late.push(() => send(ok(request)));
    else send(ok(request));
  });
  const client = await openClient(t, { port: peer.port, replyGraceMs: 0, reconnect: false });
  assert.is((await rejection(client.call('echo', 'late', { timeoutMs: 5 }))).code, 'DEADLINE_EXCEEDED');
  await until('the request has come', () => late.length === 1);
  late[0]!();
  assert.is(await client.call('echo', 'next'), 'next');
  assert.is(client.inFlight, 0);
});

test('what a code means that this version does not know is left to the caller', async (t) => {
  const replies: Record<string, object> = {
    unknown: { error: 'never heard', code: 'QUOTA' },
    original: { error: 'three members' },
    busy: { error: 'later', code: 'OVERLOADED', retryAfterMs: 250 },
  };
  const peer = await openPeer(t, ({ id, data }, { send }) => send({ id, ok: false, ...replies[data as string] }));
  const client = await openClient(t, { port: peer.port });
  const seen = async (data: string) => {
    const { code, serverCode, retryable, retryAfterMs, message } = (await rejection(
      client.call('x', data),
    )) as ReplyError;
    return [code, serverCode, retryable, retryAfterMs, message];
  };
  assert.equal(await seen('unknown'), ['INTERNAL', 'QUOTA', false, undefined, 'never heard']);
  assert.equal(await seen('original'), ['INTERNAL', undefined, false, undefined, 'three members']);
  assert.equal(await seen('busy'), ['OVERLOADED', 'OVERLOADED', true, 250, 'later']);
});

test('calls beyond the limits wait, then are refused', async (t) => {
  const held: (() => void)[] = [];
  const peer = await openPeer(t, (request, { send }) => held.push(() => send(ok(request))));
  const client = await openClient(t, { port: peer.port, inFlightMax: 2, waitingMax: 2 });
  const calls = [0, 1, 2, 3].map((n) => client.call('echo', n));
  const error = await rejection(client.call('echo', 4));
  assert.equal([error.code, error.retryable], ['OVERLOADED', true]);
  await until('two requests have come', () => held.length === 2);
  assert.equal([client.inFlight, client.waiting], [2, 2]);
  for (let answered = 0; answered < 4; answered++) {
    await until('the next request has come', () => held.length > answered);
    held[answered]!();
  }
  assert.equal(await Promise.all(calls), [0, 1, 2, 3]);
});

test('the time that a call waits in the client is not granted to the server again', async (t) => {
  const held: (() => void)[] = [];
  const peer = await openPeer(t, (request, { send }) => held.push(() => send(ok(request))));
  const client = await openClient(t, { port: peer.port, inFlightMax: 1 });
  const first = client.call('echo', 1);
  const second = client.call('echo', 2, { timeoutMs: 10_000 });
  await until('the first request has come', () => held.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  held[0]!();
  await first;
  await until('the second request has come', () => held.length === 2);
  held[1]!();
  await second;
  const budgetMs = peer.requests[1]!.timeoutMs!;
  assert.ok(budgetMs < 10_000 && budgetMs > 0, String(budgetMs));
});

test('an aborted call that still waits is never sent', async (t) => {
  const held: (() => void)[] = [];
  const peer = await openPeer(t, (request, { send }) => held.push(() => send(ok(request))));
  const client = await openClient(t, { port: peer.port, inFlightMax: 1 });
  const controller = new AbortController();
  const first = client.call('echo', 1);
  const second = rejection(client.call('echo', 2, { signal: controller.signal }));
  const third = client.call('echo', 3);
  controller.abort();
  assert.is((await second).code, 'CANCELLED');
  for (const at of [0, 1]) {
    await until('a request has come', () => held.length > at);
    held[at]!();
  }
  assert.equal(await Promise.all([first, third]), [1, 3]);
  assert.equal(
    peer.requests.map(({ op, data }) => [op, data]),
    [
      ['echo', 1],
      ['echo', 3],
    ],
  );
});

test('a peer that does not read is not written to without bound', async (t) => {
  const peer = await openPeer(t, (request, { send }) => send({ id: request.id, ok: true, result: null }), {
    onConnection: ({ socket }) => socket.pause(),
  });
  const client = await openClient(t, { port: peer.port });
  const data = Buffer.from(JSON.stringify('x'.repeat(1_000_000)));
  const calls = Array.from({ length: 50 }, () => client.callRaw('echo', data));
  await until('the peer has the connection', () => peer.connections.length === 1);
  assert.ok(client.waiting > 25, `${client.waiting} wait`);
  peer.connections[0]!.socket.resume();
  assert.is((await Promise.all(calls)).length, 50);
});

test('an id that is in flight is not given out twice', async (t) => {
  const peer = await openPeer(t, () => {});
  const client = await openClient(t, { port: peer.port, newId: () => 'same' });
  client.call('echo', 1).catch(() => {});
  assert.is((await rejection(client.call('echo', 2))).code, 'BAD_REQUEST');
});

test('connecting fails in one sentence, at once or after the time for it', async (t) => {
  const peer = await openPeer(t, () => {});
  await peer.stop();
  const refused = await rejection(openClient(t, { port: peer.port }));
  assert.equal([refused.code, refused.retryable], ['CONNECT_FAILED', true]);
  assert.match(refused.message, new RegExp(`127\\.0\\.0\\.1:${peer.port} \\(ECONNREFUSED\\)`));

  const silent = Client.open(
    (handlers) => ({ peer: 'nowhere', write: () => true, end() {}, destroy: () => handlers.closed() }),
    { connectTimeoutMs: 10 },
  );
  const late = await rejection(silent);
  assert.equal([late.code, late.message], ['CONNECT_FAILED', 'nowhere did not answer within 10 ms.']);
});

test('options out of range are refused by name', async () => {
  for (const options of [
    { inFlightMax: 0 },
    { streamsMax: 0 },
    { timeoutMs: -1 },
    { replyBytesMax: 2 ** 32 },
    { connectTimeoutMs: Number.NaN },
    { reconnect: { attemptsMax: 0 } },
    { reconnect: { delayMinMs: 10, delayMaxMs: 5 } },
  ]) {
    const error = await rejection(Client.open(() => assert.unreachable() as never, options));
    assert.instance(error, RangeError);
    assert.match(error.message, /must be a number/);
  }
});

test.run();
