/** `trama serve` with TLS as a process of its own: files, reloads, the HTTP side, and the commands that call it. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import * as assert from 'uvu/assert';
import { type Authority, openAuthority } from '../support/certificates.js';
import { parseLine, type RunningServer, startServer } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { openWire, request } from '../support/wire.js';
import { runCli } from './run-cli.js';

const test = suite('trama serve with TLS');

interface Started {
  readonly server: RunningServer;
  readonly tlsPort: number;
  readonly httpsPort: number;
}

async function start(t: TestContext, args: readonly string[]): Promise<Started> {
  const server = await startServer(t, args);
  const { tlsPort, httpsPort } = parseLine(server.log[0]!) as { tlsPort: number; httpsPort: number };
  return { server, tlsPort, httpsPort };
}

const flagsOf = ({ cert, key }: { cert: string; key: string }) => ['--tls-cert', cert, '--tls-key', key];

/** The common name of the certificate that a port shows. */
function shownName(port: number, { cert }: Authority): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(cert) }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function fetchSecurely(url: string, options: object): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = get(url, { agent: false, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, text })).on('error', reject);
    });
    asking.on('error', reject);
  });
}

test.needs(
  'openssl',
  'SIGHUP takes a new pair without dropping a connection, a broken one is told and changes nothing',
  async (t) => {
    const authority = openAuthority(t);
    const live = authority.issue('live', { subject: '/CN=first' });
    const second = authority.issue('second');
    const { server, tlsPort } = await start(t, ['--tls-port', '0', ...flagsOf(live)]);
    const wire = await openWire(t, tlsPort, { ca: readFileSync(authority.cert) });
    assert.is(await shownName(tlsPort, authority), 'first');

    // Both are renamed over the old ones; one after the other, so that a look in between sees a pair that does not fit.
    for (const [from, to] of [
      [second.cert, live.cert],
      [second.key, live.key],
    ] as const) {
      copyFileSync(from, `${to}.new`);
      renameSync(`${to}.new`, to);
    }
    server.process.kill('SIGHUP');
    await until('the new one is shown', async () => (await shownName(tlsPort, authority)) === 'second');
    writeFileSync(live.key, readFileSync(openAuthority(t).key));
    server.process.kill('SIGHUP');
    await until('it is told', () => server.log.some((line) => line.includes('is not the key of the certificate')));
    assert.is(await shownName(tlsPort, authority), 'second');
    await wire.send(request('1', 'echo', '1'));
    assert.is((await wire.reply()).result, 1);
    const secrets = readFileSync(second.key, 'utf8').split('\n')[1]!;
    assert.not.ok(`${server.log.join('')}${server.stderr()}`.includes(secrets), 'a key is in the log');
  },
);

test.needs('openssl', 'files that change are taken by themselves, also behind swapped symbolic links', async (t) => {
  const authority = openAuthority(t);
  const folder = join(authority.folder, 'mounted');
  const put = (version: string) => {
    const pair = authority.issue(version);
    mkdirSync(join(folder, version), { recursive: true });
    copyFileSync(pair.cert, join(folder, version, 'tls.crt'));
    copyFileSync(pair.key, join(folder, version, 'tls.key'));
    symlinkSync(version, join(folder, '..data.new'));
    renameSync(join(folder, '..data.new'), join(folder, '..data'));
  };
  put('v1');
  for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(folder, name));
  const pair = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const { tlsPort, httpsPort } = await start(t, ['--tls-port', '0', '--https-port', '0', ...flagsOf(pair)]);
  assert.is(await shownName(tlsPort, authority), 'v1');
  put('v2');
  await until('the new one is shown', async () => (await shownName(tlsPort, authority)) === 'v2', {
    timeoutMs: 15_000,
  });
  assert.is(await shownName(httpsPort, authority), 'v2');
});

test.needs(
  'openssl',
  'HTTPS answers with the same certificate, tells when it ends, and asks clients for theirs',
  async (t) => {
    const authority = openAuthority(t);
    const pair = authority.issue('server');
    const client = authority.issue('probe');
    const args = ['--https-port', '0', '--http-port', 'off', '--tls-client-ca', authority.cert, ...flagsOf(pair)];
    const { server, httpsPort } = await start(t, args);
    assert.equal([server.httpPort, typeof httpsPort], [0, 'number']);
    const ca = readFileSync(authority.cert);
    const own = { ca, cert: readFileSync(client.cert), key: readFileSync(client.key) };
    assert.match((await fetchSecurely(`https://127.0.0.1:${httpsPort}/livez`, own)).text, /"live":true/);
    const { text } = await fetchSecurely(`https://127.0.0.1:${httpsPort}/metrics`, own);
    const seconds = Number(/^trama_certificate_expiry_seconds\{listener="https"\} (\d+)$/m.exec(text)?.[1]);
    assert.ok(seconds > Date.now() / 1000 + 28 * 86400 && seconds < Date.now() / 1000 + 31 * 86400, text);
    assert.match(text, /^trama_tls_handshakes_total\{outcome="full"\} [12]$/m);
    try {
      await fetchSecurely(`https://127.0.0.1:${httpsPort}/livez`, { ca });
      assert.unreachable('a client without a certificate was answered');
    } catch (error) {
      assert.not.match(String(error), /unreachable/);
    }
  },
);

test.needs('openssl', 'the commands speak TLS: call, ops and reload', async (t) => {
  const authority = openAuthority(t);
  const pair = authority.issue('server');
  const client = authority.issue('shell');
  const args = ['--port', 'off', '--tls-port', '0', '--https-port', '0', '--tls-client-ca', authority.cert];
  const { tlsPort, httpsPort } = await start(t, [...args, ...flagsOf(pair)]);
  const flags = ['--tls', '--ca', authority.cert, '--cert', client.cert, '--key', client.key];
  const called = await runCli(['call', '127.0.0.1', `${tlsPort}`, 'sum', '[1,2]', '--raw', ...flags]);
  assert.match(called.stdout, /"ok":true,"result":3\.0\}/);
  assert.match((await runCli(['ops', 'localhost', `${tlsPort}`, ...flags])).stdout, /^sum /m);
  const reloaded = await runCli(['reload', '--http-port', `${httpsPort}`, ...flags]);
  assert.equal([reloaded.status, reloaded.stderr], [0, '']);
  const untrusting = await runCli(['call', '127.0.0.1', `${tlsPort}`, 'sum', '[1,2]', '--tls']);
  assert.is(untrusting.status, 2);
  assert.match(untrusting.stderr, /^trama: Cannot connect to .* \((?:UNABLE_TO|SELF_SIGNED|DEPTH)/m);
});

test.needs(
  'openssl',
  'a start with files that are not fit is one line and status 2; an expired one is a warning',
  async (t) => {
    const authority = openAuthority(t);
    const pair = authority.issue('server');
    const other = authority.issue('other');
    const rubbish = join(authority.folder, 'rubbish.pem');
    writeFileSync(rubbish, 'no PEM');
    const cases: [string, string, RegExp][] = [
      ['no-such.pem', pair.key, /^trama: --tls-cert \(TRAMA_TLS_CERT\): ".*no-such\.pem" cannot be read \(ENOENT\)$/m],
      [rubbish, pair.key, /^trama: --tls-cert .* is not PEM/m],
      [pair.key, pair.key, /^trama: --tls-cert .* has no certificate that can be read$/m],
      [pair.cert, pair.cert, /^trama: --tls-key .* has no private key that can be read$/m],
      [pair.cert, other.key, /^trama: --tls-key .* is not the key of the certificate in ".*server\.pem"$/m],
    ];
    for (const [cert, key, words] of cases) {
      const { status, stderr } = await runCli(['serve', '--tls-port', '0', ...flagsOf({ cert, key })]);
      assert.equal([status, words.test(stderr)], [2, true], stderr);
    }
    const { server } = await start(t, ['--tls-port', '0', ...flagsOf(authority.issue('late', { days: -1 }))]);
    await until('it is told', () => server.log.some((line) => line.includes('the certificate has expired')));
  },
);

test.run();
