/** Routes of the sidecar in front of a small server, which a test shapes itself. */
import { request as httpRequest } from 'node:http';
import { networkInterfaces } from 'node:os';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../src/errors.js';
import type { OperationInfo } from '../../src/ops/operation-info.js';
import { suite } from '../support/suite.js';
import { ask, call } from './support.js';
import { operation, startSmallServer } from './view.js';

const test = suite('routes of the HTTP side');

const post = { method: 'POST' };

test('/readyz says why the server is not ready', async (t) => {
  let reason: string | undefined = 'no thread can start: /ops/broken.mjs: not today';
  const server = await startSmallServer(t, {
    readiness: () => (reason === undefined ? { ready: true } : { ready: false, reason }),
  });
  const notReady = await ask(server, '/readyz');
  assert.equal([notReady.status, notReady.json()], [503, { ready: false, reason }]);
  reason = undefined;
  const ready = await ask(server, '/readyz');
  assert.equal([ready.status, ready.json()], [200, { ready: true }]);
});

test('a reload answers with the number of operations that are in force', async (t) => {
  const server = await startSmallServer(t, { reload: async () => [operation('a'), operation('b')] });
  const answer = await ask(server, '/v1/reload', post);
  assert.equal([answer.status, answer.text], [200, '{"operations":2}']);
});

test('a reload that fails answers with the server’s sentence and the status 409', async (t) => {
  const server = await startSmallServer(t, {
    reload: async () => {
      throw new ConfigError('--ops: cannot load operations from /ops/broken.mjs: it threw 1');
    },
  });
  const answer = await ask(server, '/v1/reload', post);
  assert.is(answer.status, 409);
  assert.equal(answer.json(), {
    id: null,
    ok: false,
    error: '--ops: cannot load operations from /ops/broken.mjs: it threw 1',
    code: 'INTERNAL',
  });
  assert.equal(server.log, []);
});

test('a reload that fails for a defect of the server tells it in the log only', async (t) => {
  const server = await startSmallServer(t, {
    reload: async () => {
      throw new TypeError('undefined is not a function');
    },
  });
  const answer = await ask(server, '/v1/reload', post);
  assert.is(answer.status, 500);
  assert.not.match(answer.text, /undefined/);
  assert.match(server.log.join(), /\/v1\/reload/);
});

test('/readyz?drain=404 tells a server that ends from one that is not ready yet', async (t) => {
  let state: 'starting' | 'leaving' | 'draining' = 'starting';
  const server = await startSmallServer(t, {
    state: () => state,
    readiness: () => ({ ready: false, reason: state }),
  });
  const statuses = async () => [
    (await ask(server, '/readyz?drain=404')).status,
    (await ask(server, '/readyz')).status,
    (await ask(server, '/readyz?drain=200')).status,
  ];
  assert.equal(await statuses(), [503, 503, 503]);
  state = 'leaving';
  assert.equal(await statuses(), [404, 503, 503]);
  state = 'draining';
  assert.equal(await statuses(), [404, 503, 503]);
  assert.equal((await ask(server, '/readyz?drain=404')).json(), { ready: false, reason: 'draining' });
});

test('a server that drains does not reload', async (t) => {
  const server = await startSmallServer(t, {
    state: () => 'draining',
    reload: async () => assert.unreachable() as never,
  });
  assert.is((await ask(server, '/v1/reload', post)).status, 503);
});

/** The status of a request whose headers `fetch` would not send. */
function statusOf(port: number, method: string, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest({ port, host: '127.0.0.1', method, path, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!));
    });
    asking.on('error', reject).end();
  });
}

test('a page of another site cannot ask for a reload', async (t) => {
  let reloads = 0;
  const server = await startSmallServer(t, {
    reload: async () => {
      reloads++;
      return [];
    },
  });
  const reload = (headers: Record<string, string>) => statusOf(server.httpPort, 'POST', '/v1/reload', headers);
  assert.is(await reload({ origin: 'http://example.org' }), 403);
  assert.is(await reload({ 'sec-fetch-site': 'cross-site' }), 403);
  assert.is(await reload({ host: 'example.org' }), 403);
  assert.is(reloads, 0);
  assert.is(await reload({}), 200);
});

test('a reload is refused to other machines, also where the HTTP side listens for them', async (t) => {
  const server = await startSmallServer(t, {}, { host: '0.0.0.0' });
  const own = await ask(server, '/v1/reload', post);
  assert.is(own.status, 200);
  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  if (address === undefined) return;
  const answer = await fetch(`http://${address}:${server.httpPort}/v1/reload`, post);
  assert.is(answer.status, 403);
});

const paths = ['/', '/livez', '/readyz', '/metrics', '/v1/ops', '/openapi.json', '/docs', '/docs/json', '/nothing'];

test('no route answers for a name that was rebound to the loopback, GET or not', async (t) => {
  const server = await startSmallServer(t);
  for (const path of paths) {
    for (const host of ['example.org', `example.org:${server.httpPort}`, 'localhost.example.org', '127.0.0.1.nip.io']) {
      assert.is(await statusOf(server.httpPort, 'GET', path, { host }), 403, `${path} of ${host}`);
    }
  }
  assert.is(await statusOf(server.httpPort, 'POST', '/v1/call/echo', { host: 'example.org' }), 403);
});

test('every route answers for an address and for localhost', async (t) => {
  const server = await startSmallServer(t);
  for (const host of [
    'localhost',
    'LOCALHOST:80',
    'localhost.',
    'trama.localhost',
    '127.0.0.1',
    '[::1]:5080',
    '10.0.0.1',
  ]) {
    assert.is(await statusOf(server.httpPort, 'GET', '/livez', { host }), 200, host);
  }
});

test('what does not exist is a 404, and a wrong method of what exists a 405 that names the right one', async (t) => {
  const server = await startSmallServer(t);
  for (const path of ['/v1/call/sum/', '/v1/call/a/b', '/v1/call/', '/v1/call', '/livez/', '/V1/ops', '/v1/reload/']) {
    for (const method of ['GET', 'POST']) {
      const answer = await ask(server, path, { method });
      assert.is(answer.status, 404, `${method} ${path}: ${answer.text}`);
      assert.is(answer.headers.get('allow'), null);
    }
  }
  for (const [method, path, allow] of [
    ['GET', '/v1/call/sum', 'POST'],
    ['PUT', '/v1/call/sum?x=1', 'POST'],
    ['GET', '/v1/reload', 'POST'],
    ['POST', '/livez', 'GET, HEAD'],
    ['DELETE', '/docs/json', 'GET, HEAD'],
  ] as const) {
    const answer = await ask(server, path, { method });
    assert.equal([answer.status, answer.headers.get('allow')], [405, allow], `${method} ${path}`);
    assert.match((answer.json() as { error: string }).error, new RegExp(`takes ${allow} and not ${method}$`));
  }
});

test('an answer repeats a long path only in part', async (t) => {
  const server = await startSmallServer(t);
  const answer = await ask(server, `/${'x'.repeat(5000)}`);
  assert.is(answer.status, 404);
  assert.ok(answer.text.length < 400, answer.text);
});

test('what tells of the operations is kept as bytes, and made anew after a reload', async (t) => {
  let listed = 0;
  let operations: readonly OperationInfo[] = [operation('old')];
  const server = await startSmallServer(t, {
    operations: () => {
      listed++;
      return [...operations];
    },
  });
  const texts = async () => Promise.all(['/v1/ops', '/openapi.json', '/docs/json'].map((path) => ask(server, path)));
  const first = await texts();
  for (const { text } of first) assert.ok(text.includes('Does old.'));
  const before = listed;
  for (const [index, { text }] of (await texts()).entries()) assert.is(text, first[index]!.text);
  assert.is(listed - before, 3, 'the list is looked at once for each answer, and for nothing else');
  operations = [operation('old', 'Does more.')];
  for (const { text } of await texts()) {
    assert.ok(text.includes('Does more.') && !text.includes('Does old.'));
  }
});

test('the document has the version of the package, and its page trama’s own mark', async (t) => {
  const server = await startSmallServer(t);
  const { info } = (await ask(server, '/openapi.json')).json() as { info: { version: string } };
  assert.is(info.version, '1.2.3');
  const page = (await ask(server, '/docs')).text;
  assert.match(page, /href="\/docs\/static\/theme\/trama\.svg"/);
  assert.match((await ask(server, '/docs/static/theme/trama.svg')).text, /^<svg /);
  const script = (await ask(server, '/docs/static/swagger-initializer.js')).text;
  const logo = /data:image\/svg\+xml;base64,([A-Za-z0-9+/=]+)/.exec(script)![1]!;
  assert.match(Buffer.from(logo, 'base64').toString(), />trama<\/text>/);
});

test('HEAD of what is kept has the length and no body', async (t) => {
  const server = await startSmallServer(t);
  const whole = await ask(server, '/openapi.json');
  const head = await ask(server, '/openapi.json', { method: 'HEAD' });
  assert.equal([head.status, head.text], [200, '']);
  assert.is(head.headers.get('content-length'), String(Buffer.byteLength(whole.text)));
});

test('a figure that cannot be had is left out of a scrape', async (t) => {
  const server = await startSmallServer(t, {
    snapshot: () =>
      ({
        get frames() {
          throw new Error('no figures today');
        },
        bytesSent: 7,
        latency: [],
        connectionsEnded: {},
        bulk: { ended: {} },
        pool: { queues: [], workers: {}, threads: {} },
      }) as never,
  });
  const { status, text } = await ask(server, '/metrics');
  assert.is(status, 200);
  assert.match(text, /^trama_sent_bytes_total 7$/m);
  assert.match(text, /^trama_http_open_connections\{state="answering"\} 1$/m);
  assert.not.match(text, /trama_frames_total/);
});

test('a call still passes', async (t) => {
  const server = await startSmallServer(t);
  assert.is((await call(server, 'echo', '1')).text, '{"id":"1","ok":true,"result":null}');
});

test.run();
