import * as assert from 'uvu/assert';
import { openServer } from '../server/support.js';
import { openAuthority } from '../support/certificates.js';
import { suite } from '../support/suite.js';
import { script } from './python.js';

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

test.run();
