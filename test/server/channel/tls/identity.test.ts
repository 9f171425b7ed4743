/** Who a client of the port with TLS is: the name in its certificate, and its address behind a balancer. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { nameOf } from '../../../../src/server/channel/tls/certificate-name.js';
import type { ServerConfig } from '../../../../src/server/server.js';
import { type IssueOptions, openAuthority } from '../../../support/certificates.js';
import { headerOfClient } from '../../../support/proxy-header.js';
import { suite, type TestContext } from '../../../support/suite.js';
import { openWire, request } from '../../../support/wire.js';
import { tokenFile } from '../../access/support.js';
import { openServer } from '../../support.js';

const test = suite('who a client of the port with TLS is');

async function open(t: TestContext, config: Partial<ServerConfig>) {
  const authority = openAuthority(t);
  const { cert, key } = authority.issue('server');
  const server = await openServer(t, {
    tlsPort: 0,
    tlsCert: cert,
    tlsKey: key,
    tlsClientCa: authority.cert,
    ...config,
  });
  const ca = readFileSync(authority.cert);
  const openAs = (name: string, options?: IssueOptions) => {
    const pair = authority.issue(name, options);
    return openWire(t, server.tlsPort, { ca, cert: readFileSync(pair.cert), key: readFileSync(pair.key) });
  };
  return { server, ca, openAs };
}

test.needs('openssl', 'the name in its certificate is its identity, and is held to what the entry says', async (t) => {
  const { path: tokensFile } = tokenFile(t, { alice: { allow: ['sum'] }, carol: { allow: ['echo'] } });
  const { openAs } = await open(t, { auth: 'required', tokensFile });
  const codesOf = async (name: string, options?: IssueOptions) => {
    const wire = await openAs(name, options);
    await wire.send(request('1', 'sum', '[1]'), request('2', 'echo', '1'));
    return (await wire.take(2)).map((body) => JSON.parse(String(body)).code ?? 'ok').sort();
  };
  assert.equal(await codesOf('alice'), ['FORBIDDEN', 'ok']);
  // A name without an entry has no limits.
  assert.equal(await codesOf('bob'), ['ok', 'ok']);
  const wire = await openAs('nameless', { subject: '/O=ours', alternativeNames: 'DNS:carol' });
  await wire.send(request('1', 'sum', '[1]'));
  const { code, error } = await wire.reply();
  assert.is(code, 'FORBIDDEN');
  assert.match(error!, /the identity "carol" may not call "sum"/);
});

test.needs('openssl', 'who has no certificate where it is optional has to send a token', async (t) => {
  const file = tokenFile(t, { alice: {} });
  const { server, ca } = await open(t, { auth: 'required', tokensFile: file.path, tlsClient: 'optional' });
  const stranger = await openWire(t, server.tlsPort, { ca });
  await stranger.send(request('1', 'echo', '1'));
  assert.is((await stranger.reply()).code, 'UNAUTHENTICATED');
  const known = await openWire(t, server.tlsPort, { ca });
  await known.send(request('1', '$auth', JSON.stringify({ token: file.tokens.alice })));
  assert.equal((await known.reply()).result, { identity: 'alice' });
});

test.needs('openssl', 'a PROXY header comes before the handshake, in one segment with it or alone', async (t) => {
  const proxies = { proxyProtocol: true, trustedProxies: ['127.0.0.1'], tlsClientCa: undefined };
  const { server, ca } = await open(t, { ...proxies, maxConnectionsPerAddress: 2 });
  const openBehind = async (isAlone: boolean) => {
    const socket = connect({ port: server.tlsPort, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    // Before the connection is there, both are kept, and leave together.
    if (isAlone) await new Promise((resolve) => socket.once('connect', resolve));
    await new Promise<void>((resolve) => {
      socket.write(headerOfClient(), () => resolve());
      if (!isAlone) resolve();
    });
    return openWire(t, server.tlsPort, { ca, socket });
  };
  const wires = [await openBehind(true), await openBehind(false)];
  for (const wire of wires) {
    await wire.send(request('1', 'echo', '"hola"'));
    assert.is((await wire.reply()).result, 'hola');
  }
  // Both are of the client's address, which has no more places; it is told over TLS.
  const third = await openBehind(true);
  const { code, error } = await third.reply();
  assert.is(code, 'OVERLOADED');
  assert.match(error!, /2 connections are open from 192\.0\.2\.7/);
});

test('a certificate names whom its subject names, or else its first alternative name of a person or a machine', () => {
  const name = (CN: unknown, subjectaltname?: string) => nameOf({ subject: { CN }, subjectaltname } as never);
  assert.is(name('alice', 'DNS:other'), 'alice');
  assert.is(name(['first', 'second']), 'first');
  assert.is(name(undefined, 'IP Address:192.0.2.1, email:bob@example.org, DNS:host'), 'bob@example.org');
  assert.is(name('', 'URI:"spiffe://a,b"'), 'spiffe://a,b');
  assert.is(name(undefined, 'IP Address:192.0.2.1'), undefined);
  assert.is(name(undefined), undefined);
  assert.is(name('x'.repeat(256)), 'x'.repeat(256));
  assert.is(name('x'.repeat(257)), undefined);
});

test.run();
