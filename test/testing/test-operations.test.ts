import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { PoolError, RequestError } from '../../src/errors.js';
import { defineOperation } from '../../src/ops/define-operation.js';
import { type AsJson, testOperations } from '../../src/testing/index.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

const test = suite('trama/testing');

const entered: string[] = [];
let release = () => {};

const exported = {
  double: defineOperation({ description: 'Doubles.', input: { type: 'number' }, run: (n) => n * 2 }),
  echoed: defineOperation({ description: 'Returns its data.', run: (data) => [data] }),
  odd: defineOperation({
    description: 'Returns what JSON says in its own way.',
    run: () => ({ at: new Date(0), bytes: Buffer.from('x'), gone: undefined as string | undefined }),
  }),
  map: defineOperation({ description: 'Returns what JSON cannot say.', run: () => [new Map()] }),
  large: defineOperation({ description: 'Returns much.', run: () => 'x'.repeat(2000) }),
  fail: defineOperation({
    description: 'Throws.',
    input: { enum: ['mine', 'yours'] },
    run: (how): never => {
      throw how === 'yours' ? new RequestError('OUT_OF_RANGE', 'too far away') : new Error('a secret');
    },
  }),
  talk: defineOperation({
    description: 'Logs.',
    run: (_, { log }) => log.warn({ n: 1n, level: 9 }, 'told'),
  }),
  chatter: defineOperation({
    description: 'Logs much.',
    input: { type: 'number' },
    run: (count, { log }) => {
      for (let n = 0; n < count; n += 1) log.info({ n });
    },
  }),
  block: defineOperation({
    description: 'Never gives the event loop a turn.',
    timeoutMs: 20,
    run: (data) => {
      entered.push('block');
      const end = performance.now() + 60;
      while (performance.now() < end) Math.sqrt(2);
      if (data === 'throw') throw new Error('after its time');
    },
  }),
  wait: defineOperation({
    description: 'Waits until it is told to stop.',
    run: (_, { signal }) => {
      entered.push('wait');
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  }),
  stubborn: defineOperation({
    description: 'Does not look at its signal.',
    run: () => {
      entered.push('stubborn');
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    },
  }),
  note: defineOperation({ description: 'Writes down that it ran.', run: (data) => void entered.push(String(data)) }),
  notAnOperation: 1,
};

async function bench(t: TestContext, options?: Parameters<typeof testOperations>[1]) {
  const tested = await testOperations(exported, options);
  t.after(() => tested.close());
  entered.length = 0;
  return tested;
}

async function errorOf(call: Promise<unknown>): Promise<RequestError> {
  const error = await call.then(
    () => new Error('it was answered'),
    (reason) => reason,
  );
  assert.instance(error, RequestError);
  return error;
}

async function told(call: Promise<unknown>): Promise<string> {
  const { code, message } = await errorOf(call);
  return `${code}: ${message}`;
}

test('a call gets what a client would get', async (t) => {
  const { call, ...rest } = await bench(t).then((tested) => ({
    call: tested.call.bind(tested),
    ops: tested.operations,
  }));
  assert.is(await call('double', 4), 8);
  assert.equal(await call('echoed', { a: [undefined], b: undefined }), [{ a: [null] }]);
  assert.equal(await call('echoed'), [null]);
  assert.equal(await call('odd'), { at: '1970-01-01T00:00:00.000Z', bytes: 'eA==' });
  assert.is(await call('note', 'x'), null);
  assert.equal(
    rest.ops.map(({ name }) => name),
    Object.keys(exported).filter((name) => name !== 'notAnOperation'),
  );
});

test('types follow from the exports', async (t) => {
  const tested = await bench(t);
  const n: number = await tested.call('double', 1);
  const odd: { at: string; bytes: string } = await tested.call('odd');
  const json: AsJson<[Date, { a?: Uint8Array }, { f: number }[]]> = ['', { a: '' }, [{ f: 1 }]];
  // @ts-expect-error: its data is a number
  const first = told(tested.call('double', 'x'));
  // @ts-expect-error: its data is asked for
  const second = told(tested.call('double'));
  // @ts-expect-error: there is no such operation
  const third = told(tested.call('nope'));
  assert.equal([n, typeof odd.at, json.length], [2, 'string', 3]);
  assert.is(await first, 'BAD_DATA: data must be number');
  assert.is(await second, 'BAD_DATA: data must be number');
  assert.is(await third, 'UNKNOWN_OP: no operation `nope`');
});

test('errors have the codes and sentences of the server, and INTERNAL what was thrown', async (t) => {
  const tested = await bench(t, { maxFrameBytes: 1000 });
  assert.is(await told(tested.call('fail', 'yours')), 'OUT_OF_RANGE: too far away');
  const internal = await errorOf(tested.call('fail', 'mine'));
  assert.is(internal.message, "operation `fail` failed; the server's log has the cause");
  assert.is((internal.cause as Error).message, 'a secret');
  assert.is(
    await told(tested.call('map')),
    'INTERNAL: operation `map` returned what JSON cannot say: result[0] is a Map; Object.fromEntries(it) is an object that can be sent',
  );
  assert.is(
    await told(tested.call('large')),
    'INTERNAL: operation `large` returned 2002 bytes, and 1000 are allowed (--max-frame-bytes)',
  );
  assert.match(await told(tested.call('echoed', 1n)), /^BAD_DATA: This data cannot be written as JSON/);
});

test('lines of the log are kept as the server would write them', async (t) => {
  const tested = await bench(t);
  await tested.call('talk', null, { id: 'r-1' });
  assert.equal(tested.logs, [{ level: 'warn', message: 'told', n: '1', level_: 9, op: 'talk', id: 'r-1' }]);
});

test('no line of the log is dropped, however many there are', async (t) => {
  const tested = await bench(t);
  await tested.call('chatter', 500);
  const numbers = tested.logs.map(({ n }) => n);
  assert.equal(numbers, [...Array(500).keys()]);
});

test('a call ends with its time, the operation’s own or the general one', async (t) => {
  const tested = await bench(t, { opTimeoutMs: 30 });
  assert.is(
    await told(tested.call('wait', null, { timeoutMs: 20 })),
    'DEADLINE_EXCEEDED: `wait` was not done after 20 ms',
  );
  assert.is(await told(tested.call('wait')), 'DEADLINE_EXCEEDED: `wait` was not done after 30 ms (--op-timeout-ms)');
  assert.is(await told(tested.call('block')), 'DEADLINE_EXCEEDED: `block` was not done after 20 ms');
  assert.is(await tested.call('double', 1), 2);
});

test('a call that was blocked beyond its time fails with that, whatever becomes of it', async (t) => {
  const tested = await bench(t);
  const waiting = told(tested.call('block', 'throw'));
  const next = told(tested.call('note', 'next', { timeoutMs: 20 }));
  assert.is(await waiting, 'DEADLINE_EXCEEDED: `block` was not done after 20 ms');
  assert.is(await next, 'DEADLINE_EXCEEDED: `note` was still waiting after 20 ms');
  assert.equal(entered, ['block'], 'one whose time was over before its turn is not run');
});

test('a signal whose time came while the call was blocked cancels it', async (t) => {
  const tested = await bench(t);
  for (const data of ['return', 'throw']) {
    const signal = AbortSignal.timeout(20);
    const error = await errorOf(tested.call('block', data, { signal, timeoutMs: 10_000 }));
    assert.is(error.code, 'CANCELLED', data);
    assert.is((error.cause as Error).name, 'TimeoutError');
  }
  const late = told(tested.call('block', null, { signal: AbortSignal.timeout(40), timeoutMs: 20 }));
  assert.is(await late, 'DEADLINE_EXCEEDED: `block` was not done after 20 ms', 'what was due first decides');
});

test('timers that a test has put in the place of the real ones keep no call waiting', async (t) => {
  const tested = await bench(t);
  const { setImmediate: real } = globalThis;
  t.after(() => {
    globalThis.setImmediate = real;
  });
  globalThis.setImmediate = (() => {}) as never;
  assert.is(await tested.call('block', 'return', { timeoutMs: 10_000 }), null);
});

test('a call that is cancelled ends at once, and its operation is told', async (t) => {
  const tested = await bench(t);
  const controller = new AbortController();
  const call = tested.call('wait', null, { signal: controller.signal });
  const other = tested.call('stubborn', null, { signal: controller.signal });
  await until('it runs', () => entered.length > 0);
  controller.abort(new Error('enough'));
  const error = await errorOf(call);
  assert.is(error.code, 'CANCELLED');
  assert.is((error.cause as Error).message, 'enough');
  assert.is((await errorOf(other)).code, 'CANCELLED');
  assert.is((await errorOf(tested.call('note', 1, { signal: controller.signal }))).code, 'CANCELLED');
  await until('the operation has stopped', () => tested.logs.length > 0);
  assert.is(tested.logs[0]!.message, 'operation `wait` stopped, as its signal told it');
  assert.equal(entered, ['wait'], 'one that was still waiting is not run');
});

test('calls take turns, and one that was given up keeps none waiting', async (t) => {
  const tested = await bench(t);
  const first = tested.call('stubborn');
  const second = tested.call('note', 'second');
  const late = told(tested.call('note', 'late', { timeoutMs: 20 }));
  assert.is(await late, 'DEADLINE_EXCEEDED: `note` was still waiting after 20 ms');
  assert.equal(entered, ['stubborn']);
  release();
  await Promise.all([first, second]);
  assert.equal(entered, ['stubborn', 'second']);
  assert.is(
    await told(tested.call('stubborn', null, { timeoutMs: 20 })),
    'DEADLINE_EXCEEDED: `stubborn` was not done after 20 ms',
  );
  await tested.call('note', 'next');
  assert.is(entered.at(-1), 'next');
  release();
});

test('setup comes before the calls, and teardown at the close', async () => {
  const steps: string[] = [];
  const tested = await testOperations({
    a: defineOperation({
      description: 'a',
      setup: () => steps.push('set up'),
      teardown: (made) => steps.push(`torn down ${made}`),
      run: (_, { state }) => state,
    }),
  });
  assert.is(await tested.call('a'), 1);
  await tested.close();
  await tested.close();
  assert.equal(steps, ['set up', 'torn down 1']);
  assert.is(await told(tested.call('a')), 'SHUTTING_DOWN: the server is shutting down');
  const failing = {
    a: defineOperation({ description: 'a', setup: () => Promise.reject(new Error('no')), run: () => 1 }),
  };
  const error = await testOperations(failing).catch((reason) => reason);
  assert.instance(error, PoolError);
  assert.match(error.message, /from the exports given: the `setup` of `a` failed: Error: no$/);
});

test('a module may be given by its path or its URL; what is wrong with it is said as at the start', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'trama-testing-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'ops.mjs');
  const source = new URL('../../src/index.js', import.meta.url).href;
  writeFileSync(
    file,
    `import { defineOperation } from '${source}';
     export const one = defineOperation({ description: 'One.', run: () => 1 });`,
  );
  for (const given of [file, pathToFileURL(file), pathToFileURL(file).href]) {
    const tested = await testOperations(given);
    assert.is(await tested.call('one'), 1);
    await tested.close();
  }
  const missing = await testOperations('./nowhere.mjs').catch((reason) => reason);
  assert.is(
    missing.message,
    `--ops: cannot load operations from ${join(process.cwd(), 'nowhere.mjs')}: there is no such file`,
  );
  const empty = await testOperations({ a: 1 }).catch((reason) => reason);
  assert.match(empty.message, /it exports no operation/);
});

test('nothing of the test’s own process is changed', async (t) => {
  const tested = await bench(t);
  await tested.call('double', 1);
  assert.is('toJSON' in Map.prototype, false);
  assert.equal(JSON.parse(JSON.stringify(Buffer.from('x'))), { type: 'Buffer', data: [120] });
});

test.run();
