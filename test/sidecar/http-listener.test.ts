import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import * as assert from 'uvu/assert';
import { type ConnectionTimes, HttpConnections } from '../../src/sidecar/connections.js';
import { type HttpListener, listenHttp } from '../../src/sidecar/http-listener.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

const test = suite('HTTP connections');

/** Long enough for nothing to end by it. */
const hour = 3_600_000;
const unhurried: ConnectionTimes = {
  keepAliveMs: hour,
  requestMs: hour,
  answerMs: hour,
  answerBytesPerSecond: 1,
  endingMs: hour,
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const sayYes: Answer = (request, response) => {
  request.resume().on('end', () => response.end('yes'));
};

async function listen(
  t: TestContext,
  answer: Answer,
  { connectionsMax = 1000, ...times }: Partial<ConnectionTimes> & { connectionsMax?: number } = {},
): Promise<HttpListener & { readonly port: number }> {
  const all = { ...unhurried, ...times };
  const options = { host: '127.0.0.1', port: 0, requestTimeoutMs: all.requestMs, connectionsMax, times: all };
  const listener = await listenHttp(options, answer);
  t.after(() => listener.close());
  return { ...listener, port: (listener.server.address() as { port: number }).port };
}

interface Peer {
  readonly socket: Socket;
  /** All that came so far. */
  text(): string;
  /** Has the other side ended or reset the connection? */
  isEnded(): boolean;
}

/** A peer that never ends its own side. */
function open(t: TestContext, port: number, first = ''): Promise<Peer> {
  return new Promise((resolve) => {
    let text = '';
    let ended = false;
    const end = () => {
      ended = true;
    };
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      if (first !== '') socket.write(first);
      resolve({ socket, text: () => text, isEnded: () => ended });
    });
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', end).on('end', end).on('close', end);
    t.after(() => socket.destroy());
  });
}

const get = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

const refusals: readonly [what: string, sent: string, status: number, code: string, sentence: RegExp][] = [
  ['what is no HTTP', 'GARBAGE\r\n\r\n', 400, 'BAD_REQUEST', /not a well-formed HTTP request; the framed protocol/],
  ['a frame of the other port', '\0\0\0\x05{"id"', 400, 'BAD_REQUEST', /on another port \(--port\)/],
  [
    'a header without an end',
    `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`,
    431,
    'BAD_REQUEST',
    /over the limit of 16384/,
  ],
  [
    'extensions of chunks without an end',
    `POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;${'y'.repeat(20_000)}`,
    413,
    'BAD_REQUEST',
    /extensions that are too long/,
  ],
  ['a request of HTTP/1.1 without a host', 'GET / HTTP/1.1\r\n\r\n', 400, 'BAD_REQUEST', /needs a host header/],
];

for (const [what, sent, status, code, sentence] of refusals) {
  test(`${what} gets a ${status} with a sentence of its own, as JSON`, async (t) => {
    const { port } = await listen(t, sayYes);
    const peer = await open(t, port, sent);
    await until('the refusal is there', () => peer.text().endsWith('}'));
    const [head, body] = peer.text().split('\r\n\r\n') as [string, string];
    assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(head, /content-type: application\/json; charset=utf-8/);
    const failure = JSON.parse(body) as { ok: boolean; code: string; error: string };
    assert.equal([failure.ok, failure.code], [false, code]);
    assert.match(failure.error, sentence);
  });
}

for (const [what, sent] of [
  ['nothing', ''],
  ['half a head', 'GET / HT'],
  ['half a body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n123'],
] as const) {
  test(`a peer that sends ${what} gets a 408 and its end, though it never ends its own side`, async (t) => {
    const { port, connections } = await listen(t, sayYes, { requestMs: 200, endingMs: 50 });
    const peer = await open(t, port, sent);
    await until('it is refused', () => peer.text().endsWith('}'));
    assert.match(peer.text(), /^HTTP\/1\.1 408 .*"the request was not whole within 200 ms \(--frame-timeout-ms\)"/s);
    await until('its place is free', () => connections.size === 0);
    assert.equal(connections.ended(), { late: 1 });
  });
}

test('a malformed peer that never ends its own side loses its place after a moment', async (t) => {
  const { port, connections } = await listen(t, sayYes, { endingMs: 50 });
  const peers = await Promise.all(Array.from({ length: 20 }, () => open(t, port, 'GARBAGE\r\n\r\n')));
  await until('all are refused', () => peers.every((peer) => peer.text().endsWith('}')));
  // Each byte more would renew a time that counts silence.
  for (const { socket } of peers) socket.write('more\r\n');
  await until('all places are free', () => connections.size === 0);
  assert.equal(connections.ended(), { malformed: 20 });
});

test('an idle connection ends, also where its peer sends line ends that belong to no request', async (t) => {
  const { port, connections } = await listen(t, sayYes, { keepAliveMs: 100, requestMs: 100 });
  const peer = await open(t, port, get);
  await until('it is answered', () => peer.text().endsWith('yes'));
  const drip = setInterval(() => peer.socket.write('\r\n'), 20);
  t.after(() => clearInterval(drip));
  await until('its place is free', () => connections.size === 0);
});

test('an answer that nobody reads ends the connection, and one that is read steadily does not', async (t) => {
  const size = 16 * 1024 * 1024;
  const large: Answer = (_request, response) => void response.end(Buffer.alloc(size));
  // What is unread gets 200 ms, and a time for each byte that even 4 MiB in the kernel make short here.
  const { port, connections } = await listen(t, large, { answerMs: 200, answerBytesPerSecond: 1e9 });
  const silent = await open(t, port);
  silent.socket.pause();
  silent.socket.write(get);
  await until('the silent one is cut', () => connections.ended().unread === 1);
  await until('its place is free', () => connections.size === 0);

  const slow = await listen(t, large, { answerMs: 1, answerBytesPerSecond: 1e6 });
  const reader = await open(t, slow.port);
  let read = 0;
  reader.socket.on('data', (chunk: string) => {
    read += chunk.length;
    reader.socket.pause();
    setTimeout(() => reader.socket.resume(), 1);
  });
  reader.socket.write(get);
  await until('all is read', () => read > size);
  assert.equal(slow.connections.ended(), {});
});

test('a peer that pipelines without reading does not renew the time of its first answer', async (t) => {
  const large: Answer = (_request, response) => void response.end(Buffer.alloc(8 * 1024 * 1024));
  const { port, connections } = await listen(t, large, { answerMs: 300, answerBytesPerSecond: 1e9 });
  const peer = await open(t, port);
  peer.socket.pause();
  const drip = setInterval(() => peer.socket.write(get), 20);
  t.after(() => clearInterval(drip));
  await until('it is cut', () => connections.ended().unread === 1);
});

test('when all places are taken, the one that has been idle longest gives way to a newcomer', async (t) => {
  const { port, connections } = await listen(t, sayYes, { connectionsMax: 4 });
  const peers: Peer[] = [];
  for (let count = 0; count < 4; count++) {
    peers.push(await open(t, port, 'GET / HT'));
    await until('it has a place', () => connections.size === count + 1);
  }
  const newcomer = await open(t, port, get);
  await until('the newcomer is answered', () => newcomer.text().includes('yes'));
  await until('the oldest has ended', () => peers[0]!.isEnded());
  assert.equal(
    peers.slice(1).map((peer) => peer.isEnded()),
    [false, false, false],
  );
  assert.is(connections.ended().evicted, 1);
});

test('a newcomer has a moment to send its request before it gives way to others', () => {
  const times = { keepAliveMs: 1, requestMs: 60_000, answerMs: 1, answerBytesPerSecond: 1, endingMs: 1 };
  const connections = new HttpConnections(2, times);
  const [slow, probe, third, fourth] = Array.from({ length: 4 }, () => new PassThrough());
  connections.add(slow!, 0);
  const request = Object.assign(new EventEmitter(), { socket: slow, headers: { 'content-length': '5' } });
  connections.begin(request as unknown as IncomingMessage, new EventEmitter() as ServerResponse, 0);
  connections.add(probe!, 5_000);
  // One whose body drips gives way before one that has just come.
  connections.add(third!, 5_001);
  assert.equal([slow!.destroyed, probe!.destroyed], [true, false]);
  // Where all have just come, the first of them does.
  connections.add(fourth!, 5_002);
  assert.equal([probe!.destroyed, third!.destroyed, connections.size], [true, false, 2]);
});

test('those that wait for an answer keep their places', async (t) => {
  const answers: ServerResponse[] = [];
  const later: Answer = (request, response) => {
    request.resume();
    answers.push(response);
  };
  const { port, connections } = await listen(t, later, { connectionsMax: 4 });
  const callers = await Promise.all(Array.from({ length: 3 }, () => open(t, port, get)));
  await until('all are here', () => connections.counts().answering === 3);
  const idle: Peer[] = [];
  for (let count = 0; count < 10; count++) idle.push(await open(t, port));
  await until('nine of them had to go', () => connections.ended().evicted === 9);
  for (const response of answers) response.end('yes');
  await until('all are answered', () => callers.every((caller) => caller.text().endsWith('yes')));
});

test('well-formed clients that keep their connections for ever do not shut probes out', async (t) => {
  const { port, connections } = await listen(t, sayYes, { connectionsMax: 8 });
  let stop = false;
  t.after(() => {
    stop = true;
  });
  // Each asks as soon as it is answered, and comes back when it is turned away.
  const greedy = async () => {
    while (!stop) {
      await new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(get))
          .on('data', () => socket.write(get))
          .on('error', () => {})
          .on('close', resolve);
        t.after(() => socket.destroy());
      });
    }
  };
  for (let count = 0; count < 40; count++) void greedy();
  await until('half of the places are taken', () => connections.size >= 4);
  let answered = 0;
  for (let count = 0; count < 20; count++) {
    const probe = await open(t, port, get);
    await until('the probe is done', () => probe.isEnded() || probe.text().includes('yes'));
    if (probe.text().includes('yes')) answered++;
    probe.socket.destroy();
  }
  assert.is(answered, 20);
});

test('a crowded server closes after the answer, one with room keeps the connection', async (t) => {
  const { port } = await listen(t, sayYes, { connectionsMax: 8 });
  const first = await open(t, port, get);
  await until('it is answered', () => first.text().endsWith('yes'));
  assert.match(first.text(), /connection: keep-alive/i);
  for (let count = 0; count < 4; count++) await open(t, port, 'GET / HT');
  const late = await open(t, port, get);
  await until('it is answered', () => late.text().endsWith('yes'));
  assert.match(late.text(), /connection: close/i);
});

test('calls take three quarters of the places at the most, so that probes find one', async (t) => {
  const never: Answer = (request, response) => {
    request.resume();
    if (request.method === 'GET') response.end('yes');
  };
  const { port, connections } = await listen(t, never, { connectionsMax: 8 });
  const post = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
  for (let count = 0; count < 6; count++) {
    await open(t, port, post);
    await until('it runs', () => connections.counts().answering === count + 1);
  }
  const refused = await open(t, port, post);
  await until('the next one is refused', () => refused.text().includes('"OVERLOADED"'));
  assert.match(refused.text(), /^HTTP\/1\.1 503 .*retry-after: 1\r\n/s);
  const probe = await open(t, port, get);
  await until('the probe is answered', () => probe.text().endsWith('yes'));
});

test('what is malformed after half an answer does not get a second one into it', async (t) => {
  const half: Answer = (request, response) => {
    request.resume();
    response.write('half');
  };
  const { port } = await listen(t, half);
  const peer = await open(t, port, get);
  await until('half is there', () => peer.text().includes('half'));
  peer.socket.write('GARBAGE\r\n\r\n');
  await until('it has ended', () => peer.isEnded());
  assert.not.match(peer.text(), /400/);
});

test('a close ends every connection at once, whatever its state', async (t) => {
  const listener = await listen(t, () => {});
  const peers = await Promise.all(['', 'GARBAGE\r\n\r\n', 'GET / HT', get].map((sent) => open(t, listener.port, sent)));
  await until('all have come', () => listener.connections.size === 4 && listener.connections.counts().ending === 1);
  listener.close();
  await until('all have ended', () => peers.every((peer) => peer.isEnded()) && listener.connections.size === 0);
});

test.run();
