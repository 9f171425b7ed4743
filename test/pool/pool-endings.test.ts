import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { answerOf, call, dataTask, frameTask, scratch, startPool, submit, usersOf } from './support.js';

const test = suite('pool: cancel and deadline');

test('an endless loop is cancelled at once and its thread is ended, while its neighbour goes on', async (t) => {
  const { pool } = await startPool(t, { workers: 2 });
  const { file, lines } = scratch(t).journal();
  const neighbour = call(pool, 'wait', { ms: 300 });
  const loop = call(pool, 'spin', { journal: file });
  await until('the loop runs', () => lines().length === 1);
  loop.handle.end('CANCELLED', 'cancelled by its client');
  assert.equal(loop.outcomes, [{ kind: 'error', code: 'CANCELLED', message: 'cancelled by its client' }]);
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  assert.is(await answerOf(neighbour), 'waited');
  await until('the pool is whole again', () => usersOf(pool).workers.spare === 1);
  assert.equal(usersOf(pool).threads, { started: 4, lost: 0, stopped: 1 });
  assert.is(loop.outcomes.length, 1);
});

test('an endless loop ends at its deadline, its own or its operation’s', async (t) => {
  const { pool, lines } = await startPool(t);
  // Time enough to begin in: what has not begun ends without a word, and its thread lives.
  assert.equal(await submit(pool, { ...dataTask('spin', {}, 250), label: 'r-1' }).outcome, {
    kind: 'error',
    code: 'DEADLINE_EXCEEDED',
    message: '`spin` was not done after 250 ms',
  });
  assert.is(await answerOf(call(pool, 'spinShort', null)), 'DEADLINE_EXCEEDED');
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  assert.is(lines.length, 2);
  const { thread, ...said } = lines[0]!;
  assert.match(String(thread), /^trama-users-/);
  assert.equal(said, {
    level: 'info',
    message: 'a thread was ended: its task was over and did not stop',
    op: 'spin',
    kind: 'data',
    id: 'r-1',
    reason: '`spin` was not done after 250 ms; it did not ask for `context.signal`',
  });
});

test('a request’s own time goes before its operation’s, also where it is longer', async (t) => {
  const { pool } = await startPool(t);
  const loop = call(pool, 'spinShort', null, 600);
  const outcome = await loop.outcome;
  assert.match(JSON.stringify(outcome), /after 600 ms/);
});

test('a time that no clock can hold is no limit', async (t) => {
  const { pool } = await startPool(t);
  assert.is(await answerOf(call(pool, 'wait', { ms: 5 }, Number.POSITIVE_INFINITY)), 'waited');
  assert.is(await answerOf(call(pool, 'wait', { ms: 5 }, 1e15)), 'waited');
});

test('a task that waits too long is answered without ever having run', async (t) => {
  const { pool } = await startPool(t);
  const { file, lines } = scratch(t).journal();
  const running = call(pool, 'wait', { ms: 60_000 });
  const waiting = call(pool, 'wait', { ms: 1, journal: file }, 20);
  assert.match(JSON.stringify(await waiting.outcome), /DEADLINE_EXCEEDED.*was still waiting after 20 ms/);
  running.handle.end('CANCELLED', 'enough');
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  assert.equal(lines(), []);
  assert.is(pool.snapshot().queues.find(({ op }) => op === 'wait')?.waiting, 0);
});

test('a cancelled task among many that wait leaves the others in their order', async (t) => {
  const { pool } = await startPool(t, { queueMax: 1000 });
  const { file, lines } = scratch(t).journal();
  const running = call(pool, 'wait', { ms: 60_000 });
  const waiting = Array.from({ length: 200 }, (_, n) => call(pool, 'wait', { ms: 0, journal: file, name: `${n}` }));
  for (let n = 0; n < waiting.length; n += 2) waiting[n]!.handle.end('CANCELLED', 'not this one');
  running.handle.end('CANCELLED', 'enough');
  const answers = await Promise.all(waiting.map(answerOf));
  assert.ok(answers.every((answer, n) => answer === (n % 2 === 0 ? 'CANCELLED' : 'waited')));
  const odd = Array.from({ length: 100 }, (_, n) => `${n * 2 + 1}`);
  assert.equal(lines(), odd);
});

test('an operation that heeds its signal keeps its thread alive', async (t) => {
  const { pool } = await startPool(t, { stopGraceMs: 10_000 });
  const { file, lines } = scratch(t).journal();
  for (let round = 1; round <= 3; round += 1) {
    const waiting = call(pool, 'wait', { ms: 60_000, journal: file });
    await until('it runs', () => lines().length === round);
    waiting.handle.end('CANCELLED', 'enough');
    assert.is(await answerOf(waiting), 'CANCELLED');
    assert.is(await answerOf(call(pool, 'double', 1)), 2);
  }
  await until('all are back', () => usersOf(pool).workers.spare === 1);
  assert.equal(usersOf(pool).threads, { started: 2, lost: 0, stopped: 0 });
});

test('the signal’s reason tells a cancel from a deadline', async (t) => {
  const { pool } = await startPool(t, { stopGraceMs: 10_000 });
  const { file, lines } = scratch(t).journal();
  const cancelled = call(pool, 'reason', { journal: file });
  await until('it runs', () => lines().length === 1);
  cancelled.handle.end('CANCELLED', 'enough');
  await until('it heard', () => lines().length === 2);
  await call(pool, 'reason', { journal: file }, 400).outcome;
  await until('it heard again', () => lines().length === 4);
  assert.is(lines()[1], 'AbortError: enough');
  assert.match(lines()[3]!, /^TimeoutError: `reason` was not done after 400 ms/);
});

test('one that asked for its signal and pays no heed is ended when its grace is over', async (t) => {
  const { pool, lines: logged } = await startPool(t, { stopGraceMs: 30 });
  const { file, lines } = scratch(t).journal();
  const stubborn = call(pool, 'stubborn', { ms: 60_000, journal: file });
  await until('it runs', () => lines().length === 1);
  stubborn.handle.end('CANCELLED', 'enough');
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  await until('its thread was ended', () => usersOf(pool).threads.stopped === 1);
  assert.equal(lines(), ['aborted: false']);
  assert.equal(
    logged.map(({ op, reason }) => [op, reason]),
    [['stubborn', 'enough; it did not stop within 30 ms']],
  );
});

test('an operation that throws because it was told to stop is no failure in the log, and one that errs then is', async (t) => {
  const { pool, lines: logged } = await startPool(t, { stopGraceMs: 10_000 });
  const { file, lines } = scratch(t).journal();
  for (const [round, how] of (['reason', 'wrapped', 'own', 'mistake'] as const).entries()) {
    const heeding = call(pool, 'heed', { how, journal: file });
    await until('it runs', () => lines().length === round + 1);
    heeding.handle.end(how === 'own' ? 'CANCELLED' : 'DEADLINE_EXCEEDED', 'enough');
    await until('it is logged', () => logged.length === round + 1);
  }
  assert.equal(
    logged.map(({ level, op, message }) => [level, op, message]),
    [
      ...Array(3).fill(['debug', 'heed', 'operation `heed` stopped, as its signal told it']),
      ['error', 'heed', 'operation `heed` failed'],
    ],
  );
  assert.equal(usersOf(pool).threads, { started: 2, lost: 0, stopped: 0 });
});

test('a result that comes after the end is for nobody, and its thread works on', async (t) => {
  const { pool } = await startPool(t, { stopGraceMs: 10_000 });
  const { file, lines } = scratch(t).journal();
  const late = call(pool, 'stubborn', { ms: 150, journal: file });
  await until('it runs', () => lines().length === 1);
  late.handle.end('DEADLINE_EXCEEDED', 'too late');
  await until('it came to its end all the same', () => lines().length === 2);
  await until('its thread is back', () => usersOf(pool).workers.spare === 1);
  assert.equal(late.outcomes, [{ kind: 'error', code: 'DEADLINE_EXCEEDED', message: 'too late' }]);
  assert.equal(usersOf(pool).threads, { started: 2, lost: 0, stopped: 0 });
});

test('tasks that are ended before their thread has looked at them do not run', async (t) => {
  const { pool } = await startPool(t, { stopGraceMs: 10_000 });
  const { file, lines } = scratch(t).journal();
  let ran = 0;
  for (let round = 0; round < 50; round += 1) {
    const task = call(pool, 'wait', { ms: 60_000, journal: file });
    // Now and then a thread is quicker than this line.
    task.handle.end('CANCELLED', 'at once');
    assert.is(await answerOf(task), 'CANCELLED');
    await until('its thread is back', () => usersOf(pool).workers.busy === 0);
    ran = lines().length;
  }
  // One that had begun, and not yet asked for its signal, took its thread with it, maybe before its first line.
  const { lost, stopped } = usersOf(pool).threads;
  assert.is(lost, 0);
  assert.ok(ran + stopped < 50, `${ran} of 50 tasks ran, and ${stopped} threads were stopped`);
});

test('a limit of one holds also while an ended run has not left its thread yet', async (t) => {
  const { pool } = await startPool(t, { workers: 2, stopGraceMs: 10_000 });
  const first = call(pool, 'alone', { ms: 100 });
  await until('it runs', () => usersOf(pool).workers.busy === 1);
  const second = call(pool, 'alone', { ms: 1 });
  first.handle.end('CANCELLED', 'enough');
  const running = pool.snapshot().queues.find(({ op }) => op === 'alone');
  assert.equal([running?.running, running?.waiting], [1, 1]);
  assert.type(await answerOf(second), 'object');
});

test('ending all running tasks at once leaves a pool that works', async (t) => {
  const { pool } = await startPool(t, { workers: 3 });
  const { file, lines } = scratch(t).journal();
  for (let round = 1; round <= 3; round += 1) {
    const loops = Array.from({ length: 3 }, () => call(pool, 'spin', { journal: file }));
    await until('all loops run', () => lines().length === 3 * round);
    for (const loop of loops) loop.handle.end('CANCELLED', 'all');
    assert.is(await answerOf(call(pool, 'double', round)), 2 * round);
  }
  await until('the pool is whole', () => usersOf(pool).workers.idle + usersOf(pool).workers.spare === 4);
});

test('ending twice, and ending what is done, does nothing', async (t) => {
  const { pool } = await startPool(t);
  const task = call(pool, 'double', 1);
  assert.is(await answerOf(task), 2);
  task.handle.end('CANCELLED', 'late');
  const other = call(pool, 'wait', { ms: 60_000 });
  other.handle.end('CANCELLED', 'once');
  other.handle.end('DEADLINE_EXCEEDED', 'twice');
  assert.is(await answerOf(other), 'CANCELLED');
  assert.equal([task.outcomes.length, other.outcomes.length], [1, 1]);
});

test('a frame that is ended while the engine works on it does not cost the thread', async (t) => {
  const { pool } = await startPool(t, { stopGraceMs: 10_000 });
  const body = `{"id":"1","op":"sum","data":[${'1234.5678,'.repeat(200_000)}0]}`;
  const frame = submit(pool, frameTask('sum', body));
  frame.handle.end('CANCELLED', 'enough');
  assert.is(await answerOf(frame), 'CANCELLED');
  await until('the thread is back', () => usersOf(pool).workers.spare === 1);
  assert.equal(usersOf(pool).threads, { started: 2, lost: 0, stopped: 0 });
  assert.is(frame.outcomes.length, 1);
});

test.run();
