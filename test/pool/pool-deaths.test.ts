import { rmSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import type { Death } from './fixtures/operations.js';
import { answerOf, call, frameTask, makePool, scratch, startPool, submit, usersOf } from './support.js';

const test = suite('pool: threads that die');

const deaths: readonly Death[] = ['exit', 'timer', 'rejection', 'memory', 'table', 'array'];

for (const how of deaths) {
  test(`a thread that dies by ${how} costs the task that it ran, and no other`, async (t) => {
    const { pool, lines } = await startPool(t, { workers: 2 });
    const neighbour = call(pool, 'wait', { ms: 300 });
    const waiting = Array.from({ length: 5 }, (_, n) => call(pool, 'double', n));
    const dying = call(pool, 'dieOnce', { how });
    assert.is(await answerOf(dying), 'WORKER_LOST');
    assert.is(await answerOf(neighbour), 'waited');
    assert.equal(await Promise.all(waiting.map(answerOf)), [0, 2, 4, 6, 8]);
    assert.is(await answerOf(call(pool, 'double', 4)), 8);
    await until('all threads are there again', () => usersOf(pool).workers.idle + usersOf(pool).workers.spare === 3);
    const { rerun } = pool.snapshot();
    const { threads } = usersOf(pool);
    assert.equal([threads.started, threads.lost, threads.stopped, rerun], [4, 1, 0, 0]);
    const line = lines.find(({ message }) => message === 'a worker thread died');
    assert.equal([line?.op, line?.kind, line?.from], ['dieOnce', 'data', 'busy']);
    if (how === 'timer' || how === 'rejection')
      assert.match((line!.err as Error).stack!, /where nobody .*\n +at .*operations/);
  });
}

test('out of memory is named, to the caller too', async (t) => {
  const { pool } = await startPool(t);
  const outcome = await call(pool, 'dieOnce', { how: 'memory' }).outcome;
  assert.match(JSON.stringify(outcome), /ran out of memory \(32 MiB, --worker-memory-mb\)/);
});

test('an operation that makes much garbage and keeps little is not taken for one that runs out of memory', async (t) => {
  const { pool } = await startPool(t);
  assert.is(await answerOf(call(pool, 'litter', { ms: 1500 })), 'done');
  assert.is(usersOf(pool).threads.lost, 0);
});

test('an idempotent operation runs again, and its caller does not notice', async (t) => {
  const { pool } = await startPool(t);
  const { file, lines } = scratch(t).journal();
  assert.is(await answerOf(call(pool, 'dieThenWork', { how: 'exit', journal: file, before: 'ran' })), 'worked');
  assert.is(lines().length, 2);
  assert.is(pool.snapshot().rerun, 1);
});

test('an idempotent operation that kills two threads is not given a third', async (t) => {
  const { pool } = await startPool(t);
  const { file, lines } = scratch(t).journal();
  const dying = call(pool, 'dieIdempotent', { how: 'exit', journal: file });
  assert.is(await answerOf(dying), 'WORKER_LOST');
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  assert.is(lines().length, 2);
  assert.is(dying.outcomes.length, 1);
});

test('an operation that is not idempotent runs once, however its thread dies', async (t) => {
  const { pool } = await startPool(t);
  const { file, lines } = scratch(t).journal();
  assert.is(await answerOf(call(pool, 'dieOnce', { how: 'timer', journal: file })), 'WORKER_LOST');
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  assert.is(lines().length, 1);
});

test('what a task leaves behind may kill its thread later; the tasks of others come through', async (t) => {
  const { pool, lines } = await startPool(t, { workers: 2 });
  for (let round = 1; round <= 3; round += 1) {
    assert.is(await answerOf(call(pool, 'bombBehind', { ms: 0 })), 'answered');
    const others = Array.from({ length: 20 }, (_, n) => call(pool, 'double', n));
    assert.equal(
      await Promise.all(others.map(answerOf)),
      others.map((_, n) => n * 2),
    );
    await until('the thread is dead', () => usersOf(pool).threads.lost === round);
    await until('that is logged', () => lines.length === round);
    const line = lines.at(-1)!;
    assert.is(line.op, undefined);
    assert.match(String(line.lastOp), /^(bombBehind|double)$/);
    assert.match((line.err as Error).stack!, /^Error: late\n +at /);
  }
  assert.is(pool.snapshot().rerun, 0);
});

test('a task whose running thread dies while it has been cancelled has one outcome', async (t) => {
  const { pool } = await startPool(t);
  const dying = call(pool, 'dieIdempotent', { how: 'memory' });
  dying.handle.end('CANCELLED', 'enough');
  assert.is(await answerOf(dying), 'CANCELLED');
  await until('the pool is whole', () => usersOf(pool).workers.spare === 1);
  assert.is(dying.outcomes.length, 1);
});

test('a module that kills each new thread is tried again more and more slowly, each try is logged, and what lives serves', async (t) => {
  const files = scratch(t);
  const { file: journal, lines: loads } = files.journal();
  const module = files.module(
    'fragile.mjs',
    `import { appendFileSync, existsSync } from 'node:fs';
     appendFileSync('${journal}', 'load\\n');
     if (existsSync('${journal}.broken')) process.exit(9);
     export const one = defineOperation({ description: 'One.', run: () => 1 });
     export const die = defineOperation({ description: 'Dies.', run: () => process.exit(1) });`,
  );
  const { pool, lines } = await startPool(t, { operationModules: [`file://${module}`] });
  assert.is(loads().length, 2);
  writeFileSync(`${journal}.broken`, '');
  assert.is(await answerOf(call(pool, 'die')), 'WORKER_LOST');
  const tries = () => lines.filter((line) => line.message === 'a worker thread could not start');
  await until('it was tried thrice', () => tries().length >= 3);
  assert.equal(
    tries()
      .slice(0, 3)
      .map((line) => line.retryInMs),
    [100, 200, 400],
  );
  assert.match(String(tries()[0]?.reason), /status 9/);
  assert.is(await answerOf(call(pool, 'one')), 1);
  assert.is(pool.ready, true);
  assert.ok(loads().length <= 2 + tries().length + 1, `${loads().length} loads`);
});

test('a module whose threads die just after their start is not started in a hot loop', async (t) => {
  const files = scratch(t);
  const { file: journal, lines: loads } = files.journal();
  const module = files.module(
    'bomb.mjs',
    `import { appendFileSync } from 'node:fs';
     appendFileSync('${journal}', 'load\\n');
     setTimeout(() => { throw new Error('tick'); }, 1);
     export const one = defineOperation({ description: 'One.', run: () => 1 });`,
  );
  const { pool, lines } = makePool(t, { operationModules: [`file://${module}`] });
  pool.start().catch(() => {});
  const tries = () => lines.filter((line) => line.retryInMs !== undefined);
  await until('it backs off', () => tries().some((line) => Number(line.retryInMs) >= 400));
  assert.ok(loads().length <= tries().length + 2);
});

test('threads that die again and again are counted in a time: calls that succeed in between change nothing', async (t) => {
  const files = scratch(t);
  const { file: journal, lines: loads } = files.journal();
  const module = files.module(
    'late.mjs',
    `import { appendFileSync, existsSync } from 'node:fs';
     appendFileSync('${journal}', 'load\\n');
     if (existsSync('${journal}.late')) setTimeout(() => { throw new Error('late'); }, 50);
     export const quick = defineOperation({ description: 'One.', run: () => 1 });
     export const die = defineOperation({ description: 'Dies.', run: () => process.exit(1) });`,
  );
  const { pool, lines } = await startPool(t, { operationModules: [`file://${module}`], spares: 0 });
  writeFileSync(`${journal}.late`, '');
  assert.is(await answerOf(call(pool, 'die')), 'WORKER_LOST');
  const codes = new Set<unknown>();
  const isSlow = () => lines.some((line) => Number(line.retryInMs) >= 1600);
  await until('threads are started slowly', async () => {
    const outcome = await call(pool, 'quick').outcome;
    codes.add(outcome.kind === 'error' ? outcome.code : 'ok');
    if (outcome.kind === 'error') assert.ok((outcome.retryAfterMs ?? 1) > 0);
    return isSlow() && codes.has('INTERNAL');
  });
  assert.ok(loads().length <= 12, `${loads().length} loads`);
  for (const code of codes) assert.ok(['ok', 'INTERNAL', 'WORKER_LOST'].includes(String(code)), String(code));
  assert.ok(codes.has('ok'));
});

test('where no thread is left and none can start, each task is answered, and the pool says why once', async (t) => {
  const files = scratch(t);
  const { file: journal } = files.journal();
  const module = files.module(
    'second.mjs',
    `import { existsSync } from 'node:fs';
     if (existsSync('${journal}.broken')) throw new Error('no database');
     export const one = defineOperation({ description: 'One.', run: () => 1 });
     export const die = defineOperation({ description: 'Dies.', run: () => process.exit(1) });`,
  );
  const { pool, lines } = await startPool(t, { operationModules: [`file://${module}`] });
  writeFileSync(`${journal}.broken`, '');
  const dying = [call(pool, 'die'), call(pool, 'die')];
  const waiting = Array.from({ length: 5 }, () => call(pool, 'one'));
  for (const each of [...dying, ...waiting]) {
    assert.ok([1, 'WORKER_LOST', 'INTERNAL'].includes((await answerOf(each)) as string));
  }
  await until('the pool is in trouble', () => pool.trouble !== undefined);
  assert.match(String(pool.trouble), /^worker threads cannot start: --ops: cannot load .*no database/);
  assert.is(pool.ready, false);
  const outcome = await call(pool, 'one').outcome;
  assert.ok(outcome.kind === 'error' && outcome.code === 'INTERNAL' && (outcome.retryAfterMs ?? 0) > 0);
  assert.match(JSON.stringify(outcome), /no worker thread can run `one` at the moment/);
  assert.is((await submit(pool, frameTask('sum', '{"id":"1","op":"sum","data":[1]}')).outcome).kind, 'frame');
  const told = () => lines.filter(({ trouble }) => trouble !== undefined);
  await until('it is told', () => told().length > 0);
  rmSync(`${journal}.broken`);
  await until('it works again', async () => (await answerOf(call(pool, 'one'))) === 1);
  assert.is(pool.trouble, undefined);
  await until('that is told too', () => lines.some(({ message }) => message === 'worker threads run tasks again'));
  assert.is(told().length, 1);
});

test('an operation that always kills its thread is refused for a while, and does not keep others from theirs', async (t) => {
  const { pool } = await startPool(t);
  const deaths: unknown[] = [];
  for (let n = 0; n < 3; n += 1) deaths.push(await answerOf(call(pool, 'dieOnce', { how: 'exit' })));
  assert.equal(deaths, ['WORKER_LOST', 'WORKER_LOST', 'WORKER_LOST']);
  const { started } = usersOf(pool).threads;
  for (let n = 0; n < 100; n += 1) {
    const refused = await call(pool, 'dieOnce', { how: 'exit' }).outcome;
    if (refused.kind !== 'error') throw new Error(refused.kind);
    assert.is(refused.code, 'WORKER_LOST');
  }
  assert.ok(usersOf(pool).threads.started <= started + 2);
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  const refused = await call(pool, 'dieOnce', { how: 'exit' }).outcome;
  assert.match(JSON.stringify(refused), /is not tried for a while.*retryAfterMs/);
});

test('a system that gives no more threads is a failed start, and not the end of the process', async (t) => {
  // What cannot be sent to a thread fails in the same place as a thread that the system does not give.
  const { pool } = makePool(t, { engineModule: (() => {}) as never });
  const error = await pool.start().then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.match(error?.message ?? 'it started', /could not be started/);
});

test.run();
