/** The client over TLS, against the server itself. */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { connect, type TlsOptions } from '../../src/client/index.js';
import { numbers, openServer } from '../server/support.js';
import { type Authority, openAuthority } from '../support/certificates.js';
import { suite, type TestContext } from '../support/suite.js';
import { rejection } from './support.js';

const test = suite('client: TLS');

async function openSecure(t: TestContext, authority: Authority, name?: string) {
  const { cert, key } = authority.issue('server', name === undefined ? {} : { alternativeNames: `DNS:${name}` });
  return openServer(t, { tlsPort: 0, tlsCert: cert, tlsKey: key });
}

async function openClient(t: TestContext, port: number, tls: boolean | TlsOptions) {
  const client = await connect({ port, tls, reconnect: false });
  t.after(() => client.close({ drainMs: 0 }));
  return client;
}

test.needs('openssl', 'calls and streams go over TLS, large ones in both directions', async (t) => {
  const authority = openAuthority(t);
  const { tlsPort, view } = await openSecure(t, authority);
  const client = await openClient(t, tlsPort, { ca: readFileSync(authority.cert) });
  const text = 'ñandú '.repeat(700_000);
  const calls = Array.from({ length: 200 }, (_, index) => client.call('echo', index));
  assert.ok((await client.call('echo', text)) === text);
  assert.equal(
    await Promise.all(calls),
    Array.from({ length: 200 }, (_, index) => index),
  );
  const data = Buffer.from(numbers(8_000_000));
  const chunks = Array.from({ length: 80 }, (_, index) =>
    data.subarray((index * data.length) / 80, ((index + 1) * data.length) / 80),
  );
  assert.is(await client.callStream('sum', chunks, data.length), 4_000_001);
  assert.is(view.snapshot().handshakes!.outcomes.resumed, 1, 'the stream took the session up again');
});

test.needs(
  'openssl',
  'an error that the server sees early comes back though the rest is still being sent',
  async (t) => {
    const authority = openAuthority(t);
    const { tlsPort } = await openSecure(t, authority);
    const client = await openClient(t, tlsPort, { ca: readFileSync(authority.cert) });
    for (let round = 0; round < 5; round++) {
      async function* endless() {
        yield Buffer.from('[1,"no number",');
        for (let count = 0; count < 2000; count++) yield Buffer.alloc(100_000, '1,');
        yield Buffer.from('1]');
      }
      const error = await rejection(client.callStream('sum', endless(), 15 + 200_000_000 + 2));
      assert.is((error as { code?: string }).code, 'BAD_DATA', String(error));
    }
    assert.is(await client.call('echo', 1), 1);
  },
);

test.needs('openssl', 'a server that cannot be verified gets no byte, and the sentence says why', async (t) => {
  const authority = openAuthority(t);
  const stranger = openAuthority(t, 'stranger');
  const { tlsPort, view } = await openSecure(t, authority, 'trama.example');
  const ca = readFileSync(authority.cert);
  const cases: [boolean | TlsOptions, RegExp][] = [
    [true, /UNABLE_TO_VERIFY|SELF_SIGNED|certificate/i],
    [{ ca: readFileSync(stranger.cert) }, /UNABLE_TO_VERIFY|SELF_SIGNED|certificate/i],
    [{ ca }, /ERR_TLS_CERT_ALTNAME_INVALID/],
  ];
  for (const [tls, words] of cases) {
    const error = await rejection(connect({ port: tlsPort, tls }));
    assert.is((error as { code?: string }).code, 'CONNECT_FAILED');
    assert.match(String(error), words);
  }
  assert.is(view.snapshot().bytesReceived, 0);
  for (const tls of [{ ca, serverName: 'trama.example' }, { rejectUnauthorized: false }]) {
    assert.is(await (await openClient(t, tlsPort, tls)).call('echo', 1), 1);
  }
});

test('options of another type are refused before anything is connected', async () => {
  const cases: [unknown, RegExp][] = [
    [5, /^TypeError: tls, where it is not true or false, must be an object/],
    [{ serverName: 5 }, /^TypeError: tls\.serverName must be a string/],
    [{ cert: 'x' }, /^TypeError: tls\.cert and tls\.key go together/],
    [{ ca: 'x', cert: 'y', key: 'z' }, /^TypeError: The certificates or the key for TLS cannot be used: /],
  ];
  for (const [tls, words] of cases)
    assert.match(String(await rejection(connect({ port: 1, tls: tls as boolean }))), words);
});

test.run();
