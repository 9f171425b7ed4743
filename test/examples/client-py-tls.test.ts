import * as assert from 'uvu/assert';
import { tempFile } from '../cli/run-cli.js';
import { tokenFile } from '../server/access/support.js';
import { openServer } from '../server/support.js';
import { openAuthority } from '../support/certificates.js';
import { suite } from '../support/suite.js';
import { script, shell } from './python.js';

const test = suite('examples/client.py, TLS');

test.needs(['python3', 'openssl'], 'calls and streams go over TLS, large ones in both directions', async (t) => {
  const authority = openAuthority(t);
  const { cert, key } = authority.issue('server');
  const server = await openServer(t, { tlsPort: 0, tlsCert: cert, tlsKey: key });
  const lines = `
    with Client("127.0.0.1", ${server.tlsPort}, tls=True, cafile=${JSON.stringify(authority.cert)}) as secure:
        print(secure.call("sum", [1, 2]))
        text = "ñandú " * 500000
        print(secure.call("echo", text) == text)
        print(len(secure.call_many([("echo", n) for n in range(1000)])))
        block = b"1," * (1 << 18)
        print(secure.call_stream("sum", [b"["] + [block] * 16 + [b"0]"], 16 * len(block) + 3))`;
  assert.equal(await script(server.port, lines), ['3.0', 'True', '1000', `${16 * 2 ** 18}.0`]);
});

test.needs(['python3', 'openssl'], 'a server that cannot be verified is refused in one sentence', async (t) => {
  const authority = openAuthority(t);
  const stranger = openAuthority(t, 'stranger');
  const { cert, key } = authority.issue('server', { alternativeNames: 'DNS:elsewhere' });
  const server = await openServer(t, { tlsPort: 0, tlsCert: cert, tlsKey: key });
  const lines = `
    for options in ({"tls": True}, {"cafile": ${JSON.stringify(stranger.cert)}}, {"cafile": ${JSON.stringify(authority.cert)}}):
        try:
            Client("127.0.0.1", ${server.tlsPort}, **options)
        except ConnectionError as error:
            print(str(error).startswith("cannot speak TLS with 127.0.0.1:${server.tlsPort}: "))
    for options in ({"tls": 5}, {"tls": ssl.create_default_context(), "cafile": "x"}):
        try:
            Client("127.0.0.1", ${server.tlsPort}, **options)
        except TypeError as error:
            print(error)`;
  assert.equal(await script(server.port, lines, 'import ssl'), [
    'True',
    'True',
    'True',
    'tls must be a bool or an ssl.SSLContext, not int',
    'cafile goes with tls=True; a context has its authorities already',
  ]);
});

test.needs(['python3', 'openssl'], 'the program speaks TLS, with a certificate and a token of its own', async (t) => {
  const authority = openAuthority(t);
  const { cert, key } = authority.issue('server');
  const app = authority.issue('app');
  const tokens = tokenFile(t, { billing: {}, app: {} });
  const server = await openServer(t, {
    ...{ tlsPort: 0, tlsCert: cert, tlsKey: key, tlsClientCa: authority.cert, tlsClient: 'optional' },
    ...{ auth: 'required', tokensFile: tokens.path },
  });
  const call = (...args: string[]) => shell([...args, '127.0.0.1', String(server.tlsPort), 'sum', '[1,2]']);
  const token = tempFile(t, 'billing.token', `${tokens.tokens.billing}\n`);
  for (const args of [
    ['--tls', '--ca', authority.cert, '--token-file', token],
    ['--ca', authority.cert, '--cert', app.cert, '--key', app.key],
  ]) {
    const run = await call(...args);
    assert.equal([run.status, run.stderr], [0, '']);
    assert.match(run.stdout, /"result": 3\.0\n/);
  }
  for (const [args, pattern] of [
    [['--ca', authority.cert], /^client\.py: [^\n]+ \(UNAUTHENTICATED\)\n$/],
    [['--tls', '--token-file', token], /^client\.py: cannot speak TLS with 127\.0\.0\.1:\d+: [^\n]+\n$/],
    [['--ca', '/no/such/ca.pem'], /^client\.py: cannot read \/no\/such\/ca\.pem: No such file or directory\n$/],
    [['--ca', token], /^client\.py: [^\n]+billing\.token has no certificate in PEM\n$/],
    [['--ca', authority.cert, '--cert', app.cert, '--key', key], /^client\.py: [^\n]+ cannot be used: [^\n]+\n$/],
    [['--ca', authority.cert, '--token-file', cert], /^client\.py: --token-file: [^\n]+ has no token; [^\n]+\n$/],
    [['--cert', app.cert], /client\.py: error: --cert and --key go together; give both or neither\n$/],
  ] as const) {
    const run = await call(...args);
    assert.equal([run.status, run.stdout], [2, ''], run.stderr);
    assert.match(run.stderr, pattern);
    assert.not.match(run.stderr, tokens.tokens.billing!);
  }
});

test.run();
