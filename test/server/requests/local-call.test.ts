import * as assert from 'uvu/assert';
import { Engine } from '../../../src/engine/index.js';
import { callLocally } from '../../../src/server/requests/local-call.js';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { engineModule, openConnection } from '../connection/open-connection.js';
import { fixtures, numbers, openServer, untilIdle, untilRunning } from '../support.js';

const test = suite('a call from inside the process');

/** The data as a peer would send it: in pieces of some kilobytes. */
async function* piecesOf(text: string): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
}

const body = async (call: Promise<Uint8Array>) => JSON.parse(Buffer.from(await call).toString());

test('keeps every digit, in the inline and in the bulk lane', async (t) => {
  const { view } = await openServer(t);
  const small = Buffer.from(await view.call('echo', piecesOf('12345678901234567890.10'))).toString();
  assert.match(small, /^\{"id":"[0-9a-f-]{36}","ok":true,"result":12345678901234567890\.10\}$/);
  const large = await view.call('echo', piecesOf(numbers(200_000)));
  assert.ok(
    Buffer.from(large)
      .toString()
      .endsWith(`"result":${numbers(200_000)}}`),
  );
});

test('resolves to an error response as to any other', async (t) => {
  const { view } = await openServer(t);
  assert.is((await body(view.call('sum', piecesOf('"x"')))).code, 'BAD_DATA');
  assert.is((await body(view.call('no"pe', piecesOf('1')))).code, 'UNKNOWN_OP');
  assert.is((await body(view.call('$auth', piecesOf('{"token":"x"}')))).code, 'UNAUTHENTICATED');
});

test('obeys the limits of frame and server', async (t) => {
  const { view } = await openServer(t, { maxFrameBytes: 100_000, maxHeldBytes: 80_000 });
  assert.is((await body(view.call('echo', piecesOf(numbers(200_000))))).code, 'FRAME_TOO_LARGE');
  assert.is((await body(view.call('echo', piecesOf(numbers(90_000))))).code, 'OVERLOADED');
});

test("reaches users' operations with a deadline", async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  assert.is((await body(server.view.call('double', piecesOf('4')))).result, 8);
  const late = await body(server.view.call('spin', piecesOf('{}'), { timeoutMs: 30 }));
  assert.is(late.code, 'DEADLINE_EXCEEDED');
});

test('has its data checked by itself, small or large: no bytes of it reach the request around it', async (t) => {
  const { view } = await openServer(t);
  for (const rest of ['', ' '.repeat(100_000)]) {
    const reply = await body(view.call('echo', piecesOf(`1${rest},"op":"upper"`)));
    assert.equal(
      [reply.code, reply.error],
      ['BAD_JSON', `the body is not one JSON value in UTF-8: see byte ${1 + rest.length}`],
    );
  }
  assert.is((await body(view.call('echo', piecesOf('')))).result, null);
});

test('is late where its data is not there in time, and reads no more of it', async (t) => {
  const server = await openServer(t);
  let isClosed = false;
  async function* slow(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('[1');
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield Buffer.from(',2]');
      assert.unreachable('nobody wants the rest');
    } finally {
      isClosed = true;
    }
  }
  assert.is((await body(server.view.call('sum', slow(), { timeoutMs: 30 }))).code, 'DEADLINE_EXCEEDED');
  assert.is(server.view.snapshot().bytesHeld, 0);
  await until('the source is closed', () => isClosed);
});

test('rejects with the error of its data, and holds nothing', async (t) => {
  const server = await openServer(t);
  // biome-ignore lint/correctness/useYield: it fails before it has anything to give
  async function* broken(): AsyncGenerator<Uint8Array> {
    throw new Error('hung up');
  }
  const error = await server.view.call('sum', broken()).catch((reason: Error) => reason);
  assert.is((error as Error).message, 'hung up');
  await untilIdle(server);
});

test('is counted with its time, like a frame', async (t) => {
  const { view } = await openServer(t, { operationModules: [fixtures] });
  await view.call('sum', piecesOf('[1]'));
  await view.call('double', piecesOf('1'));
  await view.call('sum', piecesOf(numbers(200_000)));
  const counts = view.snapshot().latency.map(({ lane, histogram }) => [lane, histogram.counts.reduce((a, b) => a + b)]);
  assert.equal(counts, [
    ['inline', 1],
    ['bulk', 1],
    ['pool', 1],
  ]);
});

test('rejects when it is aborted, and the work stops', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const abort = new AbortController();
  const call = server.view.call('spin', piecesOf('{}'), { signal: abort.signal });
  await untilRunning(server, 'spin');
  abort.abort(new Error('hung up'));
  const error = await call.then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.is(error?.message, 'hung up');
  await untilIdle(server);
  const again = await server.view.call('double', piecesOf('1'), { signal: abort.signal }).catch((e: Error) => e);
  assert.instance(again, Error);
});

test('after a trap of the engine the call fails, wherever it came, and the next one has another engine', async () => {
  for (const method of ['peek', 'check', 'run'] as const) {
    const trapping = new Engine(engineModule);
    trapping[method] = () => {
      throw new WebAssembly.RuntimeError('unreachable');
    };
    const { parts, budget } = openConnection([() => trapping]);
    const call = () => callLocally({ ...parts, maxFrameBytes: 1_000_000 }, 'sum', piecesOf('[1,2]'));
    await call().then(
      () => assert.unreachable(method),
      (error) => assert.instance(error, WebAssembly.RuntimeError),
    );
    assert.is(budget.held, 0);
    assert.is((await body(call())).result, 3, method);
  }
});

test.run();
