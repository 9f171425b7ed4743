import * as assert from 'uvu/assert';
import type { Pool } from '../../src/pool/pool.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { dataTask, startPool } from './support.js';

const test = suite('pool: when a payload is free again');

/** Submits, and keeps the order of what is told. */
function watch(pool: Pool, op: string, data: unknown) {
  const told: string[] = [];
  const handle = pool.submit(
    dataTask(op, data),
    (outcome) => told.push(outcome.kind === 'error' ? outcome.code : outcome.kind),
    () => told.push('freed'),
  );
  return { told, handle };
}

const running = (pool: Pool, op: string) => pool.snapshot().queues.find((queue) => queue.op === op)?.running === 1;

test('right after the outcome of a task that is done, or could not be taken', async (t) => {
  const { pool } = await startPool(t);
  for (const [op, first] of [
    ['double', 'result'],
    ['fail', 'BAD_DATA'],
    ['no-such', 'UNKNOWN_OP'],
  ] as const) {
    const { told } = watch(pool, op, op === 'double' ? 1 : 'badData');
    await until(`${op} is told`, () => told.length === 2);
    assert.equal(told, [first, 'freed']);
  }
});

test('at once where the task was still waiting', async (t) => {
  const { pool } = await startPool(t);
  const first = watch(pool, 'spin', {});
  const second = watch(pool, 'double', 1);
  second.handle.end('CANCELLED', 'not wanted');
  assert.equal(second.told, ['CANCELLED', 'freed']);
  first.handle.end('CANCELLED', 'not wanted');
});

test('only when the thread is out of a task that was ended', async (t) => {
  const { pool } = await startPool(t);
  const { told, handle } = watch(pool, 'spin', {});
  await until('it runs', () => running(pool, 'spin'));
  handle.end('CANCELLED', 'not wanted');
  assert.equal(told, ['CANCELLED']);
  await until('the thread is gone', () => told.length === 2);
  assert.is(told[1], 'freed');
  assert.is(running(pool, 'spin'), false);
});

test('once, where the thread dies and the task runs again', async (t) => {
  const { pool } = await startPool(t);
  const { told } = watch(pool, 'dieIdempotent', { how: 'exit' });
  await until('it is lost for good', () => told.length >= 2);
  assert.equal(told, ['WORKER_LOST', 'freed']);
});

test.run();
