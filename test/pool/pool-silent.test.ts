import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { answerOf, call, fixtures, frameTask, scratch, startPool, submit, usersOf } from './support.js';

const test = suite('pool: threads that do not answer');

for (const how of ['immediate', 'timer', 'microtask'] as const) {
  test(`a loop that a task leaves behind (${how}) delays others by a second at most, and its thread is ended`, async (t) => {
    const { pool, lines } = await startPool(t);
    const leaving = call(pool, 'loopBehind', { how }, 5_000);
    assert.is(await answerOf(leaving), 'answered');
    if (how === 'timer') await new Promise((resolve) => setTimeout(resolve, 200));
    for (let round = 0; round < 3; round += 1) assert.is(await answerOf(call(pool, 'double', round)), 2 * round);
    await until('the thread was ended', () => usersOf(pool).threads.lost === 1);
    await until('the pool is whole', () => usersOf(pool).workers.idle + usersOf(pool).workers.spare === 2);
    const line = lines.find(({ message }) => message === 'a worker thread was ended: it did not answer');
    assert.is(line?.lastOp, 'loopBehind');
  });
}

test('endless loops in users’ operations, however many, never make the engine’s work wait', async (t) => {
  const { pool } = await startPool(t, { workers: 2 });
  const { file, lines } = scratch(t).journal();
  const loops = Array.from({ length: 50 }, () => call(pool, 'spin', { journal: file }));
  await until('two of them run', () => lines().length === 2);
  const sums = Array.from({ length: 20 }, () => submit(pool, frameTask('sum', '{"id":"1","op":"sum","data":[1,2]}')));
  for (const sum of sums) assert.is((await sum.outcome).kind, 'frame');
  for (const loop of loops) loop.handle.end('CANCELLED', 'enough');
});

test('without operation modules no thread is started for them', async (t) => {
  const { pool } = await startPool(t, { workers: 2, operationModules: [] });
  assert.is(pool.snapshot().crews.users, undefined);
  assert.equal(pool.snapshot().workers, { idle: 2, busy: 0, starting: 0, spare: 0 });
});

test('an operation without a limit of its own gets the server’s, and the error names the option', async (t) => {
  const { pool } = await startPool(t, { opTimeoutMs: 300 });
  assert.match(
    JSON.stringify(await call(pool, 'spin', {}).outcome),
    /DEADLINE_EXCEEDED.*`spin` was not done after 300 ms \(--op-timeout-ms\)/,
  );
  assert.match(JSON.stringify(await call(pool, 'spinShort', null).outcome), /after 250 ms"/);
  assert.is(await answerOf(call(pool, 'wait', { ms: 600 }, 10_000)), 'waited');
});

test('threads that a system call holds are told in the log, others take their place, and closing has an end', async (t) => {
  const { pool, lines } = await startPool(t, { workers: 1, operationModules: [fixtures] });
  const { file } = scratch(t).journal();
  const fifo = join(file, '..', 'fifo');
  execFileSync('mkfifo', [fifo]);
  t.after(() => {
    // Whoever opens it for reading and writing lets all readers go on.
    const opened = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    setTimeout(() => closeSync(opened), 500);
  });
  const reads = Array.from({ length: 2 }, () => call(pool, 'readFile', { path: fifo }, 300));
  for (const read of reads) assert.is(await answerOf(read), 'DEADLINE_EXCEEDED');
  await until('the log tells of one', () => lines.some(({ message }) => /a system call holds it/.test(message ?? '')));
  assert.ok(usersOf(pool).stuck >= 1);
  assert.is(await answerOf(call(pool, 'double', 4)), 8);
  assert.is(pool.trouble, undefined);
  assert.is(await pool.close(), false);
});

test.run();
