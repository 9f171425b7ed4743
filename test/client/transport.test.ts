import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import * as assert from 'uvu/assert';
import { Client, type OpenTransport } from '../../src/client/index.js';
import { tcpTransport } from '../../src/client/tcp-transport.js';
import { tlsTransport } from '../../src/client/tls-transport.js';
import { openAuthority } from '../support/certificates.js';
import { suite, type TestContext } from '../support/suite.js';
import { type MemoryPeer, memoryTransport } from '../support/transport-pair.js';
import { until } from '../support/until.js';
import { frame, splitFrames } from '../support/wire.js';
import { rejection } from './support.js';

const test = suite('client: transports');

/** A transport, and a server's end that sends one byte when it has the connection and then ends it. */
type Setup = (t: TestContext) => Promise<OpenTransport>;

const setups: Record<string, Setup> = {
  TCP: async (t) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.on('error', () => {})) && socket.end('x'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return tcpTransport('127.0.0.1', (server.address() as { port: number }).port);
  },
  TLS: async (t) => {
    const sockets: Socket[] = [];
    const authority = openAuthority(t);
    const { cert, key } = authority.issue('server');
    const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
      sockets.push(socket.on('error', () => {}));
      socket.end('x');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as { port: number };
    return tlsTransport('127.0.0.1', port, { ca: readFileSync(authority.cert) });
  },
  memory: async () =>
    memoryTransport((peer) => {
      peer.open();
      peer.send(Buffer.from('x'));
      peer.close();
    }),
};

for (const [name, setup] of Object.entries(setups)) {
  const needs = name === 'TLS' ? ['openssl'] : [];
  test.needs(needs, `${name}: it opens, gives what came, and closes once`, async (t) => {
    const events: string[] = [];
    const open = await setup(t);
    const transport = open({
      opened: () => events.push('opened'),
      received: (chunk) => events.push(`received ${Buffer.from(chunk)}`),
      drained: () => events.push('drained'),
      closed: () => events.push('closed'),
    });
    assert.equal(events, []);
    await until('it is closed', () => events.includes('closed'));
    transport.destroy();
    transport.end();
    transport.write(Buffer.from('dropped'));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    assert.equal(events, ['opened', 'received x', 'closed']);
  });

  test.needs(needs, `${name}: no handler runs within destroy, and closed follows it`, async (t) => {
    let closed = 0;
    const open = await setup(t);
    const ignore = () => undefined;
    const transport = open({ opened: ignore, received: ignore, drained: ignore, closed: () => closed++ });
    transport.destroy();
    transport.destroy();
    assert.is(closed, 0);
    await until('it is closed', () => closed > 0);
    assert.is(closed, 1);
  });
}

test('the client works over any transport', async () => {
  const peers: MemoryPeer[] = [];
  const opening = Client.open(
    memoryTransport((peer) => {
      peers.push(peer);
      peer.open();
    }),
    { reconnect: false },
  );
  const client = await opening;
  const calls = [client.call('echo', 1), client.call('echo', 2), rejection(client.call('echo', 3))];
  const requests = splitFrames(peers[0]!.take()).bodies.map((body) => JSON.parse(String(body)) as { id: string });
  for (const { id } of requests.slice(0, 2).reverse()) {
    peers[0]!.send(frame(JSON.stringify({ id, ok: true, result: id })));
  }
  peers[0]!.close(new Error('reset'));
  const [first, second, third] = await Promise.all(calls);
  assert.equal([first, second], [requests[0]!.id, requests[1]!.id]);
  assert.equal([(third as { code?: string }).code, client.state, client.inFlight], ['CONNECTION_LOST', 'closed', 0]);
});

test.run();
