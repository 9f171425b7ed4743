/** TLS, the PROXY protocol and new certificates with two I/O threads; with one the same must hold. */
import { copyFileSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import * as assert from 'uvu/assert';
import { canSharePort } from '../../../src/server/channel/acceptor.js';
import type { RunningServer, ServerConfig } from '../../../src/server/server.js';
import { openAuthority } from '../../support/certificates.js';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { openWire, request, type Wire } from '../../support/wire.js';
import { openServer } from '../support.js';

const test = suite('TLS with more I/O threads', { timeoutMs: 60_000 });

const threads = canSharePort() ? 2 : 1;
const connections = 24;

async function openSecure(t: TestContext, config: Partial<ServerConfig> = {}) {
  const authority = openAuthority(t);
  const { cert, key } = authority.issue('server');
  const server = await openServer(t, { listeners: 2, tlsPort: 0, tlsCert: cert, tlsKey: key, ...config });
  return { server, authority, cert, key, trust: { ca: readFileSync(authority.cert) } };
}

async function snapshotOf({ view }: RunningServer) {
  await view.refresh();
  return view.snapshot();
}

async function assertSpread(server: RunningServer): Promise<void> {
  const { connectionsByThread } = await snapshotOf(server);
  assert.is(connectionsByThread.filter((count) => count > 0).length, threads, `${connectionsByThread}`);
}

async function assertAnswers(wire: Wire): Promise<void> {
  await wire.send(request('1', 'echo', '"hola"'));
  assert.is((await wire.reply()).result, 'hola');
}

const secureOf = (wire: Wire) => wire.socket as TLSSocket;

test.needs('openssl', 'a session that began on one thread is taken up on each', async (t) => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { server, trust } = await openSecure(t);
    const options = { ...trust, minVersion: version, maxVersion: version };
    const first = await openWire(t, server.tlsPort, options);
    let session: Buffer | undefined;
    first.socket.on('session', (ticket: Buffer) => {
      session = ticket;
    });
    await assertAnswers(first);
    await until('a ticket comes', () => session !== undefined || version === 'TLSv1.2');
    session ??= secureOf(first).getSession()!;
    const resume = async () => {
      const wire = await openWire(t, server.tlsPort, { ...options, session });
      await assertAnswers(wire);
      return secureOf(wire).isSessionReused();
    };
    const resumed = await Promise.all(Array.from({ length: connections }, resume));
    assert.equal(resumed, Array(connections).fill(true));
    await assertSpread(server);
    const { full, resumed: counted } = (await snapshotOf(server)).handshakes!.outcomes;
    assert.equal([full, counted], [1, connections]);
    server.tls!.renewTicketKeys();
    const afterwards = await Promise.all(Array.from({ length: connections }, resume));
    assert.equal(afterwards, Array(connections).fill(false));
  }
});

test.needs('openssl', 'behind a balancer, over plain and TLS ports, each thread takes the PROXY header', async (t) => {
  const { server, trust } = await openSecure(t, { proxyProtocol: true, trustedProxies: ['127.0.0.1'] });
  const openBehind = (port: number, tls: boolean) => async (_: unknown, index: number) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.write(`PROXY TCP4 192.0.2.${index + 1} 127.0.0.1 50000 ${port}\r\n`);
    if (tls) return assertAnswers(await openWire(t, port, { ...trust, socket }));
    const body = new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(String(bytes.subarray(4)))));
    socket.write(request('1', 'echo', '"hola"'));
    assert.is(await body, '{"id":"1","ok":true,"result":"hola"}');
  };
  await Promise.all(Array.from({ length: connections }, openBehind(server.tlsPort, true)));
  await assertSpread(server);
  await Promise.all(Array.from({ length: connections }, openBehind(server.port, false)));
  assert.is((await snapshotOf(server)).connectionsOpen, 2 * connections);
});

test.needs('openssl', 'a new certificate is shown by all threads, and connections that are open go on', async (t) => {
  const { server, authority, cert, key, trust } = await openSecure(t);
  const openAll = () =>
    Promise.all(Array.from({ length: connections }, () => openWire(t, server.tlsPort, { ...trust })));
  const before = await openAll();
  await assertSpread(server);
  const next = authority.issue('next');
  copyFileSync(next.cert, cert);
  copyFileSync(next.key, key);
  server.tls!.reload('test');
  // The other threads read the files before they tell figures.
  await server.view.refresh();
  const after = await openAll();
  const names = (wires: readonly Wire[]) => [...new Set(wires.map((w) => secureOf(w).getPeerCertificate().subject.CN))];
  assert.equal([names(before), names(after)], [['server'], ['next']]);
  for (const wire of [...before, ...after]) await assertAnswers(wire);
});

test.run();
