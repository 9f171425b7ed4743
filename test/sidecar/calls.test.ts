import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type RunningServer, startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { ask, call, samples } from './support.js';

const test = suite('operations over HTTP');

const slowOpsPath = fileURLToPath(new URL('./fixtures/slow-ops.js', import.meta.url));

let server: RunningServer;
let stop = async () => {};

test.before(async () => {
  const cleanUps: (() => unknown)[] = [];
  const args = ['--ops', slowOpsPath, '--max-frame-bytes', '128KiB', '--max-held-bytes', '256KiB', '--workers', '1'];
  server = await startServer({ after: (cleanUp) => void cleanUps.push(cleanUp) }, args);
  stop = async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  };
  await until('the pool is warm', async () => (await ask(server, '/readyz')).status === 200);
});
test.after(() => stop());

interface Failure {
  readonly id: string | null;
  readonly ok: boolean;
  readonly code: string;
  readonly error: string;
}

test('an operation answers with the response that the framed protocol has', async () => {
  const { status, headers, text } = await call(server, 'sum', '[0.1, 0.2]');
  assert.is(status, 200);
  assert.is(headers.get('content-type'), 'application/json; charset=utf-8');
  assert.match(text, /^\{"id":"[^"]+","ok":true,"result":0\.3\}$/);
});

test('digits, escapes and white space of the body come back as they went in', async () => {
  const body = ' {"a" : 12345678901234567890.10, "b":"\\u00e9é\\ud800"}\n';
  const { text } = await call(server, 'echo', body);
  assert.ok(text.endsWith(`,"ok":true,"result":${body.trim()}}`), text);
});

test('without a body the data is null', async () => {
  assert.match((await call(server, 'echo')).text, /"result":null\}$/);
});

test('a media type is not asked for', async () => {
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'image/png; q="x"']) {
    const { status, text } = await call(server, 'upper', '"hola"', { headers: { 'content-type': type } });
    assert.is(status, 200, text);
  }
});

const refusals: readonly [
  title: string,
  op: string,
  body: string | Uint8Array<ArrayBuffer>,
  status: number,
  code: string,
][] = [
  ['an unfinished value', 'echo', '[1,', 400, 'BAD_JSON'],
  ['two values', 'echo', '1 2', 400, 'BAD_JSON'],
  ['a value with members of a request after it', 'echo', '1,"op":"sum"', 400, 'BAD_JSON'],
  ['a value that closes the request early', 'echo', '1}', 400, 'BAD_JSON'],
  ['white space alone', 'echo', '  ', 400, 'BAD_JSON'],
  ['a byte order mark', 'echo', '\ufeff1', 400, 'BAD_JSON'],
  ['bytes that are not UTF-8', 'echo', Uint8Array.of(0x22, 0xc3, 0x28, 0x22), 400, 'BAD_JSON'],
  ['2,000 levels of nesting', 'echo', `${'['.repeat(2000)}${']'.repeat(2000)}`, 400, 'BAD_JSON'],
  ['data that the operation does not take', 'upper', '5', 400, 'BAD_DATA'],
  ['data that does not fit the schema', 'nap', '"long"', 400, 'BAD_DATA'],
  ['an operation that does not exist', 'no-such', '1', 404, 'UNKNOWN_OP'],
  ['an operation whose name is a quote', '%22', '1', 404, 'UNKNOWN_OP'],
  ['a body over the limit', 'echo', `"${'x'.repeat(128 * 1024)}"`, 413, 'FRAME_TOO_LARGE'],
  ['a number that has no binary64', 'sum', '[1e400]', 422, 'OUT_OF_RANGE'],
];

for (const [title, op, body, status, code] of refusals) {
  test(`${title} is a ${status} with the code ${code}`, async () => {
    const answer = await call(server, op, body);
    const failure = answer.json() as Failure;
    assert.is(answer.status, status, answer.text);
    assert.is(failure.ok, false);
    assert.is(failure.code, code, answer.text);
    assert.ok(failure.error.length > 10 && !failure.error.includes('\n'), failure.error);
  });
}

test('a chunked body over the limit is refused like any other', async () => {
  const chunk = new Uint8Array(64 * 1024).fill(0x20);
  const body = new ReadableStream({
    start(controller) {
      for (let count = 0; count < 3; count++) controller.enqueue(chunk);
      controller.close();
    },
  });
  const answer = await call(server, 'echo', undefined, { body, duplex: 'half' } as RequestInit);
  assert.is(answer.status, 413);
  assert.is((answer.json() as Failure).code, 'FRAME_TOO_LARGE');
});

test('a budget in the query or in a header ends the work', async () => {
  const byQuery = await ask(server, '/v1/call/nap?timeout-ms=30', { method: 'POST', body: '60000' });
  const byHeader = await call(server, 'nap', '60000', { headers: { 'timeout-ms': '30' } });
  for (const answer of [byQuery, byHeader]) {
    assert.is(answer.status, 504);
    assert.is((answer.json() as Failure).code, 'DEADLINE_EXCEEDED');
  }
});

test('a budget that is no number above 0 is refused', async () => {
  for (const text of ['0', '-1', 'soon', '1e3', 'Infinity', '']) {
    const answer = await ask(server, `/v1/call/echo?timeout-ms=${text}`, { method: 'POST', body: '1' });
    assert.is(answer.status, 400, text);
    assert.is((answer.json() as Failure).code, 'BAD_REQUEST');
  }
});

test('a caller that hangs up stops the work', async () => {
  const running = async () => samples((await ask(server, '/metrics')).text).get('trama_running_tasks{op="spin"}');
  const caller = httpRequest({ port: server.httpPort, method: 'POST', path: '/v1/call/spin' });
  caller.on('error', () => {});
  caller.end('1');
  await until('the operation runs', async () => (await running()) === 1);
  caller.destroy();
  await until('nothing runs', async () => ((await running()) ?? 0) === 0);
  assert.is((await call(server, 'nap', '1')).status, 200);
});

test('what a body announces is not counted, only what has come', async (t) => {
  const sockets = Array.from({ length: 16 }, () => connect({ port: server.httpPort, host: '127.0.0.1' }));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) {
    socket.write(`POST /v1/call/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${64 * 1024}\r\n\r\n"`);
  }
  for (let count = 0; count < 20; count++) assert.is((await call(server, 'echo', '1')).status, 200);
});

test('bodies that have come and find no room are turned away, with a time to come back at', async (t) => {
  const sockets = Array.from({ length: 8 }, () => connect({ port: server.httpPort, host: '127.0.0.1' }));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) {
    socket.write(
      `POST /v1/call/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${64 * 1024}\r\n\r\n"${'x'.repeat(60_000)}`,
    );
  }
  const body = `"${'x'.repeat(60_000)}"`;
  const full = await until('the budget is used up', async () => {
    const answer = await call(server, 'echo', body);
    return answer.status === 503 ? answer : undefined;
  });
  assert.is((full!.json() as Failure).code, 'OVERLOADED');
  assert.is(full!.headers.get('retry-after'), '1');
  for (const socket of sockets) socket.destroy();
  await until('there is room again', async () => (await call(server, 'echo', body)).status === 200);
});

test('a page of another site cannot call, a page of this server and a program can', async () => {
  const own = `http://127.0.0.1:${server.httpPort}`;
  const status = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { port: server.httpPort, method: 'POST', path: '/v1/call/echo', headers };
      const caller = httpRequest(options, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      caller.on('error', reject).end('1');
    });
  assert.is(await status({}), 200);
  assert.is(await status({ host: '127.0.0.1:9' }), 200);
  assert.is(await status({ host: own.slice(7), origin: own, 'sec-fetch-site': 'same-origin' }), 200);
  assert.is(await status({ origin: 'http://example.org' }), 403);
  assert.is(await status({ origin: 'null' }), 403);
  assert.is(await status({ 'sec-fetch-site': 'cross-site' }), 403);
  // A name that an attacker rebound to 127.0.0.1 is "same origin" to the browser.
  assert.is(await status({ host: 'example.org', origin: 'http://example.org', 'sec-fetch-site': 'same-origin' }), 403);
});

test.run();
