import * as assert from 'uvu/assert';
import type { Identity } from '../../src/server/access/identity.js';
import { suite } from '../support/suite.js';
import { startSmallServer } from './view.js';

const test = suite('who calls over HTTP');

const identity = {
  name: 'app',
  admit: (op: string) => (op === '$reload' ? { code: 'FORBIDDEN', message: 'no' } : undefined),
};

const asking = {
  authMode: 'required',
  authenticate: async (token: string | undefined) => {
    if (token === 'right') return { identity: identity as unknown as Identity };
    return { refusal: token === undefined ? 'say who you are' : 'wrong', isCut: token === 'cut' };
  },
} as const;

async function ask(port: number, path: string, authorization?: string, method = 'GET') {
  const headers = authorization === undefined ? {} : { authorization };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
  return { status: response.status, asks: response.headers.get('www-authenticate'), text: await response.text() };
}

test('all but the probes and, on the loopback, the figures wants a token', async (t) => {
  const { httpPort } = await startSmallServer(t, asking);
  for (const path of ['/livez', '/readyz', '/metrics']) assert.is((await ask(httpPort, path)).status, 200, path);
  for (const path of ['/', '/v1/ops', '/docs', '/docs/static/index.html', '/openapi.json', '/nothing']) {
    const { status, asks, text } = await ask(httpPort, path);
    assert.equal([status, asks], [401, 'Bearer realm="trama"'], path);
    assert.equal(JSON.parse(text), { id: null, ok: false, error: 'say who you are', code: 'UNAUTHENTICATED' });
    assert.is.not((await ask(httpPort, path, 'Bearer right')).status, 401, path);
  }
  assert.is((await ask(httpPort, '/v1/call/echo', undefined, 'POST')).status, 401);
  assert.is((await ask(httpPort, '/v1/call/echo', 'bearer  right', 'POST')).status, 200);
});

test('the figures want one, too, where the network may ask', async (t) => {
  const { httpPort } = await startSmallServer(t, asking, { host: '0.0.0.0' });
  assert.is((await ask(httpPort, '/metrics')).status, 401);
  assert.is((await ask(httpPort, '/metrics', 'Bearer right')).status, 200);
  assert.is((await ask(httpPort, '/livez')).status, 200);
});

test('a header that is no Bearer token counts as a wrong one', async (t) => {
  const { httpPort } = await startSmallServer(t, asking);
  for (const header of ['right', 'Basic right', 'Bearer', 'Bearer a b', 'Bearer "right"']) {
    assert.match((await ask(httpPort, '/v1/ops', header)).text, /"error":"wrong"/, header);
  }
});

test('an address with too many wrong ones is cut without an answer', async (t) => {
  const { httpPort } = await startSmallServer(t, asking);
  let failed = 0;
  await ask(httpPort, '/v1/ops', 'Bearer cut').catch(() => failed++);
  assert.is(failed, 1);
});

test('a call is its caller’s, and a reload is for who may do so', async (t) => {
  const callers: unknown[] = [];
  const call = async (_op: string, _data: unknown, options?: { identity?: Identity | undefined }) => {
    callers.push(options?.identity);
    return Buffer.from('{"id":"1","ok":true,"result":null}');
  };
  const { httpPort } = await startSmallServer(t, { ...asking, call });
  await ask(httpPort, '/v1/call/echo', 'Bearer right', 'POST');
  assert.equal(callers, [identity]);
  const { status, text } = await ask(httpPort, '/v1/reload', 'Bearer right', 'POST');
  assert.equal([status, JSON.parse(text).code], [403, 'FORBIDDEN']);
});

test.run();
