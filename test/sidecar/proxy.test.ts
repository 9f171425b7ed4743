/** HTTP ports behind balancers: who is trusted sends a PROXY header first, others are clients of their own. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import * as assert from 'uvu/assert';
import { makeProxyStep } from '../../src/server/channel/proxy/proxy-step.js';
import { TrustedProxies } from '../../src/server/channel/proxy/trusted-proxies.js';
import { openAuthority } from '../support/certificates.js';
import { startHaproxy } from '../support/haproxy.js';
import { binaryHeader, headerOfClient, sslTlv } from '../support/proxy-header.js';
import { parseLine, type RunningServer, startServer } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { startSmallServer } from './view.js';

const test = suite('HTTP ports behind balancers');

/** The balancers of these tests come from here, and clients that come directly from 127.0.0.1. */
const proxy = '127.0.0.2';
const args = ['--http-proxy-protocol', '--trusted-proxies', proxy];

const textHeader = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n');
const ownHeader = binaryHeader({ command: 0x20, family: 0, addresses: new Uint8Array(0) });
const get = (path: string) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
const post = (path: string, body: string) =>
  Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );

/** Sends the parts one by one and resolves to all that comes until the end. */
async function exchange(t: TestContext, port: number, parts: readonly Buffer[], localAddress = proxy): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const part of parts) await new Promise<void>((resolve) => socket.write(part, () => resolve()));
  await closed;
  return text;
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]);

const refusals = ({ log }: RunningServer) =>
  log.map((line) => parseLine(line) ?? {}).filter(({ msg }) => msg === 'the server ends a connection');

test('a request behind a header is answered, wherever its bytes are cut', async (t) => {
  const { httpPort } = await startServer(t, args);
  for (const header of [textHeader, headerOfClient()]) {
    const bytes = Buffer.concat([header, get('/livez')]);
    for (let cut = 0; cut <= bytes.length; cut += cut < header.length + 4 ? 1 : 7) {
      const answer = await exchange(t, httpPort, [bytes.subarray(0, cut), bytes.subarray(cut)]);
      assert.is(statusOf(answer), 200, `cut at ${cut}`);
    }
  }
});

test('a large body that begins in one segment with the header comes whole', async (t) => {
  const { httpPort } = await startServer(t, args);
  const count = 2_000_000;
  const request = post('/v1/call/sum', `[${'1,'.repeat(count - 1)}1]`);
  const answer = await exchange(t, httpPort, [Buffer.concat([textHeader, request])]);
  assert.is(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).result, count);
});

test('a connection goes on after its first request', async (t) => {
  const { httpPort } = await startServer(t, args);
  const first = Buffer.from('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const answer = await exchange(t, httpPort, [textHeader, first, first, get('/livez')]);
  assert.is(answer.match(/HTTP\/1\.1 200/g)?.length, 3);
});

test('a client that is no balancer comes without a header, and one that sends it is refused', async (t) => {
  const { httpPort } = await startServer(t, args);
  assert.is(statusOf(await exchange(t, httpPort, [get('/livez')], '127.0.0.1')), 200);
  for (const header of [textHeader, headerOfClient()]) {
    assert.is(statusOf(await exchange(t, httpPort, [header, get('/livez')], '127.0.0.1')), 400);
  }
});

test('a balancer that sends no header, or a bad one, is refused with a reason', async (t) => {
  const server = await startServer(t, args);
  const sent: [Buffer, string][] = [
    [get('/livez'), 'it does not begin like a PROXY header'],
    [Buffer.from('PROXY TCP4 nobody\r\n'), 'its line is none of version 1'],
  ];
  for (const [bytes, why] of sent) {
    assert.is(await exchange(t, server.httpPort, [bytes]), '');
    await until('it is told', () =>
      refusals(server).some((line) => line.reason === 'proxy_header' && line.why === why),
    );
  }
  const figures = await exchange(t, server.httpPort, [get('/metrics')], '127.0.0.1');
  assert.match(figures, /^trama_ended_connections_total\{reason="proxy_header"\} 2$/m);
});

test('a balancer that says nothing loses its connection when its time is over', async (t) => {
  const server = await startServer(t, args);
  assert.is(await exchange(t, server.httpPort, []), '');
  await until('it is told', () => refusals(server).some(({ reason }) => reason === 'proxy_header'));
});

test('who a client is says the header: its address, and the name in its certificate', async (t) => {
  const callers: unknown[] = [];
  const trusted = new TrustedProxies([proxy]);
  const steps = [makeProxyStep({ trusted, strangers: 'pass', refused: () => {} })];
  const authenticate = async (_token: string | undefined, address: string | undefined, name?: string) => {
    callers.push([address, name]);
    return { identity: undefined };
  };
  const { httpPort } = await startSmallServer(t, { authMode: 'required', authenticate }, { steps });
  const named = headerOfClient([sslTlv({ client: 7, verify: 0, name: 'alice' })]);
  for (const header of [textHeader, named, ownHeader]) await exchange(t, httpPort, [header, get('/v1/ops')]);
  await exchange(t, httpPort, [get('/v1/ops')], '127.0.0.1');
  assert.equal(callers, [
    ['192.0.2.7', undefined],
    ['192.0.2.7', 'alice'],
    [proxy, undefined],
    ['127.0.0.1', undefined],
  ]);
});

test('what is for this machine only is not for clients from elsewhere behind a balancer on it', async (t) => {
  const authenticate = async () => ({ refusal: 'say who you are', isCut: false }) as never;
  const trusted = new TrustedProxies([proxy]);
  const steps = [makeProxyStep({ trusted, strangers: 'pass', refused: () => {} })];
  const { httpPort } = await startSmallServer(t, { authMode: 'required', authenticate }, { steps });
  const figures = async (header: Buffer) => statusOf(await exchange(t, httpPort, [header, get('/metrics')]));
  assert.equal([await figures(textHeader), await figures(ownHeader)], [401, 200]);
  const { httpPort: open } = await startSmallServer(t, {}, { steps });
  const reload = async (header: Buffer) => statusOf(await exchange(t, open, [header, post('/v1/reload', '')]));
  assert.equal([await reload(textHeader), await reload(ownHeader)], [403, 200]);
});

test.needs('openssl', 'over TLS the header comes before the handshake', async (t) => {
  const authority = openAuthority(t);
  const { cert, key } = authority.issue('server');
  const tls = ['--https-port', '0', '--tls-cert', cert, '--tls-key', key];
  const { httpsPort } = await startServer(t, [...args, ...tls]);
  const statusThrough = async (header: Buffer, localAddress: string) => {
    const raw = connect({ port: httpsPort, host: '127.0.0.1', localAddress });
    raw.write(header);
    const socket = connectSecurely({ socket: raw, host: '127.0.0.1', ca: readFileSync(authority.cert) });
    t.after(() => socket.destroy());
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    socket.write(get('/livez'));
    await new Promise((resolve) => socket.once('close', resolve));
    return statusOf(text);
  };
  assert.is(await statusThrough(headerOfClient(), proxy), 200);
  assert.is(await statusThrough(Buffer.alloc(0), '127.0.0.1'), 200);
});

test.needs('haproxy', 'HAProxy finds it healthy by check-send-proxy, and hands on requests', async (t) => {
  const server = await startServer(t, ['--http-proxy-protocol', '--trusted-proxies', '127.0.0.1']);
  const port = await startHaproxy(t, {
    serverPort: server.httpPort,
    server: 'send-proxy-v2 check check-send-proxy inter 50ms',
    backend: 'option httpchk GET /readyz',
  });
  const answer = await until('it is healthy', async () => {
    const got = await fetch(`http://127.0.0.1:${port}/livez`).catch(() => undefined);
    return got?.ok && got.json();
  });
  assert.is((answer as { live: boolean }).live, true);
  assert.equal(refusals(server), []);
});

test.run();
