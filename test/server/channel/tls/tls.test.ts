/** The port with TLS: what is served over it, who gets in, and what the handshakes leave behind. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import type { RunningServer, ServerConfig } from '../../../../src/server/server.js';
import { type Authority, openAuthority, type Pair } from '../../../support/certificates.js';
import { suite, type TestContext } from '../../../support/suite.js';
import { until } from '../../../support/until.js';
import { openWire, request } from '../../../support/wire.js';
import { fixtures, numbers, openServer, untilIdle } from '../../support.js';

const test = suite('the port with TLS');

interface Secure {
  readonly server: RunningServer;
  readonly authority: Authority;
  /** For a client that trusts the authority. */
  readonly trust: { readonly ca: Buffer };
}

async function openSecure(t: TestContext, config: Partial<ServerConfig> = {}): Promise<Secure> {
  const authority = openAuthority(t);
  const { cert, key } = authority.issue('server');
  const server = await openServer(t, { tlsPort: 0, tlsCert: cert, tlsKey: key, ...config });
  return { server, authority, trust: { ca: readFileSync(authority.cert) } };
}

const clientPair = ({ cert, key }: Pair) => ({ cert: readFileSync(cert), key: readFileSync(key) });

const outcomes = ({ view }: RunningServer) => view.snapshot().handshakes!.outcomes;

test.needs('openssl', 'small requests, many at once, are answered in full', async (t) => {
  const { server, trust } = await openSecure(t);
  const wire = await openWire(t, server.tlsPort, trust);
  const count = 5000;
  wire.socket.write(Buffer.concat(Array.from({ length: count }, (_, id) => request(`${id}`, 'echo', `[${id}]`))));
  const bodies = await wire.take(count);
  for (const [id, body] of bodies.entries()) assert.is(String(body), `{"id":"${id}","ok":true,"result":[${id}]}`);
  for (let round = 0; round < 200; round++) {
    await wire.send(request(`r${round}`, 'sum', `[${round},0.5]`));
    assert.is((await wire.reply()).result, round + 0.5);
  }
});

test.needs('openssl', 'bodies of each lane come back whole: large echoes, streamed sums, held bodies', async (t) => {
  const { server, trust } = await openSecure(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.tlsPort, trust);
  const echo = JSON.stringify('ñandú, '.repeat(600_000));
  const text = JSON.stringify('straße '.repeat(100_000));
  wire.socket.write(request('echo', 'echo', echo));
  wire.socket.write(request('sum', 'sum', numbers(6_000_000)));
  wire.socket.write(request('upper', 'upper', text));
  wire.socket.write(request('user', 'double', '21'));
  const replies = (await wire.take(4, 20_000)).map((body) => JSON.parse(String(body)));
  const resultOf = (id: string) => replies.find((reply) => reply.id === id)?.result;
  assert.ok(resultOf('echo') === JSON.parse(echo));
  assert.equal([resultOf('sum'), resultOf('user')], [3_000_001, 42]);
  assert.ok(resultOf('upper') === 'STRASSE '.repeat(100_000));
  await untilIdle(server);
});

test.needs(
  'openssl',
  'a peer that reads late gets every reply, and the server reads no further meanwhile',
  async (t) => {
    const { server, trust } = await openSecure(t, { unreadPauseBytes: 64 * 1024 });
    const wire = await openWire(t, server.tlsPort, trust);
    wire.socket.pause();
    const data = JSON.stringify('x'.repeat(50_000));
    const count = 400;
    for (let id = 0; id < count; id++) wire.socket.write(request(`${id}`, 'echo', data));
    await until('the server waits for the peer', () => {
      const { bytesHeld } = server.view.snapshot();
      return bytesHeld > 64 * 1024;
    });
    assert.ok(server.view.snapshot().bytesReceived < count * 50_000, 'everything was read');
    wire.socket.resume();
    const bodies = await wire.take(count, 20_000);
    assert.ok(bodies.every((body, id) => String(body) === `{"id":"${id}","ok":true,"result":${data}}`));
    await untilIdle(server);
  },
);

test.needs('openssl', 'what came before a half-close is answered, and then the server ends its side', async (t) => {
  const { server, trust } = await openSecure(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.tlsPort, trust);
  wire.socket.write(Buffer.concat([request('1', 'wait', '{"ms":50}'), request('2', 'sum', numbers(1_000_000))]));
  wire.finish();
  const ids = (await wire.closed()).map((body) => JSON.parse(String(body)).id);
  assert.equal(ids.sort(), ['1', '2']);
  await until('nothing is left', () => server.view.snapshot().connectionsOpen === 0);
});

test.needs('openssl', 'a drain answers what was received and ends the connection in order', async (t) => {
  const { server, trust } = await openSecure(t, { operationModules: [fixtures] });
  const wire = await openWire(t, server.tlsPort, trust);
  await wire.send(request('1', 'wait', '{"ms":100}'));
  await until('it runs', () => server.view.snapshot().pool.queues.some(({ running }) => running > 0));
  const drained = server.drain(5000);
  assert.equal(
    (await wire.closed()).map((body) => JSON.parse(String(body)).ok),
    [true],
  );
  wire.finish();
  assert.equal(await drained, { cut: 0 });
});

test.needs('openssl', 'a plain port and one with TLS stand side by side, and each speaks its own', async (t) => {
  const { server, trust } = await openSecure(t);
  for (const wire of [await openWire(t, server.port), await openWire(t, server.tlsPort, trust)]) {
    await wire.send(request('1', 'echo', '1'));
    assert.is((await wire.reply()).result, 1);
  }
  const wrong = await openWire(t, server.tlsPort);
  await wrong.send(request('1', 'echo', '1'));
  assert.equal(await wrong.closed(), []);
  assert.is(outcomes(server).failed, 1);
});

test.needs('openssl', 'TLS 1.1 is refused, 1.2 and 1.3 are spoken', async (t) => {
  const { server, authority } = await openSecure(t);
  const said = await Promise.all(['-tls1_1', '-tls1_2', '-tls1_3'].map((flag) => sClient(server, authority, [flag])));
  assert.equal(
    said.map((text) => /^New, (.*?), Cipher/m.exec(text)?.[1]),
    ['(NONE)', 'TLSv1.2', 'TLSv1.3'],
  );
  assert.match(said[0]!, /alert protocol version|no protocols available|unsupported protocol/i);
});

test.needs(
  'openssl',
  'a session is taken up again, by both versions, also after the certificate was read anew',
  async (t) => {
    const { server, trust } = await openSecure(t);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const before = outcomes(server).resumed;
      const first = await openWire(t, server.tlsPort, { ...trust, maxVersion: version, minVersion: version });
      let session: Buffer | undefined;
      first.socket.on('session', (ticket: Buffer) => {
        session = ticket;
      });
      await first.send(request('1', 'echo', '1'));
      await first.reply();
      await until('a ticket comes', () => session !== undefined || version === 'TLSv1.2');
      session ??= (first.socket as unknown as { getSession(): Buffer }).getSession();
      server.tls!.reload('test');
      const second = await openWire(t, server.tlsPort, { ...trust, session, maxVersion: version });
      await second.send(request('1', 'echo', '2'));
      assert.is((await second.reply()).result, 2);
      assert.is(outcomes(server).resumed, before + 1, version);
    }
  },
);

test.needs(
  'openssl',
  'where clients must have a certificate, none gets in without one that the authority signed',
  async (t) => {
    const authority = openAuthority(t);
    const stranger = openAuthority(t, 'stranger');
    const { cert, key } = authority.issue('server');
    const config = { tlsPort: 0, tlsCert: cert, tlsKey: key, tlsClientCa: authority.cert } as const;
    const server = await openServer(t, config);
    const ca = readFileSync(authority.cert);
    const wire = await openWire(t, server.tlsPort, { ca, ...clientPair(authority.issue('alice')) });
    await wire.send(request('1', 'echo', '1'));
    assert.is((await wire.reply()).result, 1);
    for (const pair of [{}, clientPair(stranger.issue('alice'))]) {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        assert.is(await firstReply(t, server.tlsPort, { ca, ...pair, maxVersion }), 'none');
      }
    }
    await until('all are counted', () => outcomes(server).failed + outcomes(server).bad_certificate === 4);
    assert.is(server.view.snapshot().connectionsAccepted, 1);
  },
);

test.needs('openssl', 'where a certificate is optional, none is fine and a wrong one is refused', async (t) => {
  const authority = openAuthority(t);
  const stranger = openAuthority(t, 'stranger');
  const { cert, key } = authority.issue('server');
  const client = { tlsClientCa: authority.cert, tlsClient: 'optional' } as const;
  const server = await openServer(t, { tlsPort: 0, tlsCert: cert, tlsKey: key, ...client });
  const ca = readFileSync(authority.cert);
  assert.is(await firstReply(t, server.tlsPort, { ca }), 'echoed');
  assert.is(await firstReply(t, server.tlsPort, { ca, ...clientPair(authority.issue('bob')) }), 'echoed');
  assert.is(await firstReply(t, server.tlsPort, { ca, ...clientPair(stranger.issue('bob')) }), 'none');
  const expired = authority.issue('late', { days: -1 });
  assert.is(await firstReply(t, server.tlsPort, { ca, ...clientPair(expired) }), 'none');
});

test.needs(
  'openssl',
  'a peer that leaves in the middle of a handshake, or sends nothing or rubbish, leaves nothing',
  async (t) => {
    const { server, trust, authority } = await openSecure(t);
    const hello = await helloOf(t, authority);
    const leave: ((socket: Socket) => void)[] = [
      (socket) => socket.end(),
      (socket) => socket.end(hello.subarray(0, 100)),
      (socket) => socket.end(hello),
      (socket) => socket.write(hello, () => socket.resetAndDestroy()),
      (socket) => socket.write(hello, () => setTimeout(() => socket.end(), 20)),
      (socket) => socket.write(Buffer.concat([hello, hello])),
      (socket) => socket.write('GET / HTTP/1.1\r\n\r\n'),
      (socket) => socket.write(Buffer.alloc(100_000, 22)),
    ];
    for (const act of leave) {
      for (let round = 0; round < 5; round++) {
        const socket = connect({ port: server.tlsPort, host: '127.0.0.1', allowHalfOpen: true });
        t.after(() => socket.destroy());
        socket.on('error', () => {}).on('end', () => socket.end());
        socket.resume().once('connect', () => act(socket));
      }
    }
    const ended = () =>
      Object.entries(outcomes(server)).filter(([outcome]) => outcome !== 'full' && outcome !== 'late');
    await until('all have ended', () => ended().reduce((sum, [, count]) => sum + count, 0) === 5 * leave.length, {
      timeoutMs: 15_000,
    });
    assert.equal([outcomes(server).late, server.view.snapshot().handshakes!.waiting], [0, 0]);
    assert.is(await firstReply(t, server.tlsPort, trust), 'echoed');
    await until('no socket is left', () => server.view.snapshot().connectionsOpen <= 1);
  },
);

test.needs(
  'openssl',
  'a connection that sends nothing is ended after five seconds from its start, and no byte renews it',
  async (t) => {
    const { server, authority } = await openSecure(t);
    const hello = await helloOf(t, authority);
    const startMs = performance.now();
    const sockets = [0, 1].map(() => connect({ port: server.tlsPort, host: '127.0.0.1' }));
    let sent = 0;
    const drip = setInterval(() => sockets[1]!.write(hello.subarray(sent, ++sent)), 100);
    t.after(() => clearInterval(drip));
    let closed = 0;
    for (const socket of sockets) socket.on('error', () => {}).on('close', () => closed++);
    await until('both are closed', () => closed === 2);
    assert.ok(performance.now() - startMs > 4500, 'they were closed early');
    assert.is(outcomes(server).late, 2);
  },
);

test.needs('openssl', 'a connection beyond the limit is closed before its handshake', async (t) => {
  const { server, trust } = await openSecure(t, { maxConnections: 1 });
  const wire = await openWire(t, server.tlsPort, trust);
  assert.is(await firstReply(t, server.tlsPort, trust), 'none');
  const { connectionsEnded, handshakes } = server.view.snapshot();
  assert.equal([connectionsEnded.connection_limit, handshakes!.outcomes.full], [1, 1]);
  await wire.send(request('1', 'echo', '1'));
  assert.is((await wire.reply()).result, 1);
});

test.needs('openssl', 'a hundred handshakes at once all come through, one after the other', async (t) => {
  const { server, trust } = await openSecure(t, { maxConnections: 1000 });
  const wires = await Promise.all(Array.from({ length: 100 }, () => openWire(t, server.tlsPort, trust)));
  for (const wire of wires) wire.socket.write(request('1', 'echo', '1'));
  for (const wire of wires) assert.is((await wire.reply()).result, 1);
  assert.is(outcomes(server).full + outcomes(server).resumed, 100);
});

/** Connects and sends one request. */
async function firstReply(t: TestContext, port: number, options: object): Promise<'echoed' | 'none'> {
  try {
    const wire = await openWire(t, port, options);
    await wire.send(request('1', 'echo', '1'));
    const { result } = await wire.reply();
    wire.socket.destroy();
    return result === 1 ? 'echoed' : 'none';
  } catch {
    return 'none';
  }
}

/** The first bytes that a client sends. */
async function helloOf(t: TestContext, { cert }: Authority): Promise<Buffer> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const coming = new Promise<Buffer>((resolve) =>
    server.once('connection', (socket: Socket) =>
      socket
        .on('error', () => {})
        .once('data', (bytes: Buffer) => {
          socket.destroy();
          resolve(bytes);
        }),
    ),
  );
  const { connect: connectSecurely } = await import('node:tls');
  const socket = connectSecurely({ port, host: '127.0.0.1', ca: readFileSync(cert) }).on('error', () => {});
  t.after(() => socket.destroy());
  const bytes = await coming;
  server.close();
  return bytes;
}

/** What `openssl s_client` says of the connection, whether it comes through or not. */
function sClient(server: RunningServer, { cert }: Authority, flags: readonly string[]): Promise<string> {
  const args = ['s_client', '-connect', `127.0.0.1:${server.tlsPort}`, '-CAfile', cert, ...flags];
  return new Promise((resolve) => {
    const child = execFile('openssl', args, (_error, stdout, stderr) => resolve(`${stdout}${stderr}`));
    child.stdin!.end();
  });
}

test.run();
