import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { fixtures, numbers, openServer, untilIdle, untilRunning } from './support.js';

const test = suite('a call from inside the process');

const body = async (call: Promise<Uint8Array>) => JSON.parse(Buffer.from(await call).toString());

test('keeps every digit, in the inline and in the bulk lane', async (t) => {
  const { view } = await openServer(t);
  const small = Buffer.from(await view.call('echo', Buffer.from('12345678901234567890.10'))).toString();
  assert.match(small, /^\{"id":"[0-9a-f-]{36}","ok":true,"result":12345678901234567890\.10\}$/);
  const large = await view.call('echo', Buffer.from(numbers(200_000)));
  assert.ok(
    Buffer.from(large)
      .toString()
      .endsWith(`"result":${numbers(200_000)}}`),
  );
});

test('resolves to an error response as to any other', async (t) => {
  const { view } = await openServer(t);
  assert.is((await body(view.call('sum', Buffer.from('"x"')))).code, 'BAD_DATA');
  assert.is((await body(view.call('no"pe', Buffer.from('1')))).code, 'UNKNOWN_OP');
  assert.is((await body(view.call('$auth', Buffer.from('{"token":"x"}')))).code, 'UNAUTHENTICATED');
});

test('obeys the limits of frame and server', async (t) => {
  const { view } = await openServer(t, { maxFrameBytes: 100_000, maxHeldBytes: 80_000 });
  assert.is((await body(view.call('echo', Buffer.from(numbers(200_000))))).code, 'FRAME_TOO_LARGE');
  assert.is((await body(view.call('echo', Buffer.from(numbers(90_000))))).code, 'OVERLOADED');
});

test("reaches users' operations with a deadline", async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  assert.is((await body(server.view.call('double', Buffer.from('4')))).result, 8);
  const late = await body(server.view.call('spin', Buffer.from('{}'), { timeoutMs: 30 }));
  assert.is(late.code, 'DEADLINE_EXCEEDED');
});

test('rejects when it is aborted, and the work stops', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const abort = new AbortController();
  const call = server.view.call('spin', Buffer.from('{}'), { signal: abort.signal });
  await untilRunning(server, 'spin');
  abort.abort(new Error('hung up'));
  const error = await call.then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.is(error?.message, 'hung up');
  await untilIdle(server);
  const again = await server.view.call('double', Buffer.from('1'), { signal: abort.signal }).catch((e: Error) => e);
  assert.instance(again, Error);
});

test.run();
