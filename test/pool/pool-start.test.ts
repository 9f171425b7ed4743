import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { PoolError } from '../../src/errors.js';
import { suite } from '../support/suite.js';
import { call, fixtures, makePool, scratch, startPool, usersOf } from './support.js';

const test = suite('pool: start');

async function startError(pool: { start(): Promise<void> }): Promise<Error> {
  try {
    await pool.start();
  } catch (error) {
    return error as Error;
  }
  throw new Error('the pool started');
}

test('users’ operations are known before all threads are warm', async (t) => {
  const { pool } = makePool(t, { workers: 3 });
  const started = pool.start();
  const infos = await pool.operationsKnown();
  assert.is(pool.ready, false);
  assert.equal(pool.operations(), infos);
  const double = infos.find((info) => info.name === 'double');
  assert.equal(double, {
    name: 'double',
    description: 'Doubles a number.',
    streaming: false,
    input: { type: 'number' },
    output: { type: 'number' },
    idempotent: false,
    concurrency: Number.POSITIVE_INFINITY,
  });
  await started;
  assert.is(pool.ready, true);
  assert.equal(usersOf(pool).workers, { idle: 3, busy: 0, starting: 0, spare: 1 });
});

test('a pool without operations, or without a spare, starts', async (t) => {
  const { pool } = await startPool(t, { operationModules: [], spares: 0 });
  assert.equal(await pool.operationsKnown(), []);
  const { crews, workers } = pool.snapshot();
  assert.is(crews.users, undefined);
  assert.equal(workers, { idle: 1, busy: 0, starting: 0, spare: 0 });
});

test('operations of several modules are there side by side; a module given twice counts once', async (t) => {
  const file = scratch(t).module(
    'more.mjs',
    "export const extra = defineOperation({ description: 'x', run: () => 1 });",
  );
  const more = pathToFileURL(file).href;
  const { pool } = await startPool(t, { operationModules: [fixtures, more, more] });
  assert.ok(pool.operations().some((info) => info.name === 'extra'));
  assert.ok(pool.operations().some((info) => info.name === 'double'));
});

const faults: [what: string, text: string, expected: RegExp, startTimeoutMs?: number][] = [
  ['exports nothing', 'export const answer = 42;', /exports no operation/],
  ['does not parse', 'export const = 1;', /SyntaxError: Unexpected token '='/],
  ['throws', "throw new Error('no database');", /Error: no database/],
  ['throws what is no error', "throw 'oops';", /it threw oops/],
  [
    'ends its thread',
    'process.exit(4);',
    /^--ops: a worker thread ended while it loaded the operations: it exited with status 4/,
  ],
  [
    'waits for ever',
    'await new Promise(() => {});',
    /^--ops: cannot load operations from .*faulty\.mjs: it waits at its top level for something that never comes$/,
  ],
  [
    'waits with open handles',
    'setInterval(() => {}, 1000); await new Promise(() => {});',
    /^--ops: cannot load operations from .*faulty\.mjs: it had not loaded after 1500 ms$/,
    1500,
  ],
  ['imports what is not there', "import 'no-such-package';", /Cannot find package 'no-such-package'/],
];

for (const [what, text, expected, startTimeoutMs = 30_000] of faults) {
  test(`a module that ${what} ends the start with one sentence that names it`, async (t) => {
    const file = scratch(t).module('faulty.mjs', text);
    const { pool } = makePool(t, { operationModules: [pathToFileURL(file).href], startTimeoutMs });
    const error = await startError(pool);
    assert.instance(error, PoolError);
    assert.match(error.message, expected);
    assert.ok(error.message.startsWith('--ops: '), error.message);
    assert.not.match(error.message, /\n/);
    const submitted = call(pool, 'double', 1);
    assert.match(JSON.stringify(await submitted.outcome), /SHUTTING_DOWN/);
  });
}

test('a module that is not there is named', async (t) => {
  const { pool } = makePool(t, { operationModules: ['file:///nowhere/ops.mjs'] });
  assert.is(
    (await startError(pool)).message,
    '--ops: cannot load operations from /nowhere/ops.mjs: there is no such file',
  );
});

test.run();
