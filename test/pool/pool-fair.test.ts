import * as assert from 'uvu/assert';
import type { Pool } from '../../src/pool/pool.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { answerOf, call, dataTask, frameTask, type Submitted, startPool, submit, usersOf } from './support.js';

const test = suite('pool: fair shares', { timeoutMs: 60_000 });

const of = (pool: Pool, owner: object, op: string, data: unknown) => submit(pool, { ...dataTask(op, data), owner });

test('clients of one operation take turns, however many requests one of them has', async (t) => {
  const { pool } = await startPool(t);
  const [many, one] = [{}, {}];
  const order: string[] = [];
  const note = (name: string) => (submitted: Submitted) => {
    void submitted.outcome.then(() => order.push(name));
    return submitted;
  };
  const flood = Array.from({ length: 40 }, () => of(pool, many, 'wait', { ms: 1 })).map(note('many'));
  const single = note('one')(of(pool, one, 'wait', { ms: 1 }));
  await Promise.all([...flood, single].map(({ outcome }) => outcome));
  assert.ok(order.indexOf('one') <= 3, order.slice(0, 6).join());
});

test('one client may wait with no more requests than places are left, and hears which bound it was', async (t) => {
  const { pool } = await startPool(t, { queueMax: 10 });
  const running = call(pool, 'wait', { ms: 60_000 });
  const [many, others] = [{}, Array.from({ length: 5 }, () => ({}))];
  const flood = Array.from({ length: 8 }, () => of(pool, many, 'wait', { ms: 0 }));
  const refused = flood.slice(5);
  for (const each of refused) {
    const outcome = await each.outcome;
    assert.is(outcome.kind === 'error' && outcome.code, 'OVERLOADED');
    assert.match(JSON.stringify(outcome), /5 requests of this client .* than places are left \(5 of 10, --max-queue\)/);
  }
  const honest = others.map((owner) => of(pool, owner, 'wait', { ms: 0 }));
  const late = await of(pool, {}, 'wait', { ms: 0 }).outcome;
  assert.match(
    JSON.stringify(late),
    /OVERLOADED.*10 requests for `wait` wait already, and no more may \(--max-queue\)/,
  );
  running.handle.end('CANCELLED', 'enough');
  for (const each of [...flood.slice(0, 5), ...honest]) assert.is(await answerOf(each), 'waited');
});

test('parts of bodies take turns by their clients, too', async (t) => {
  const { pool } = await startPool(t, { operationModules: [] });
  const [many, one] = [{}, {}];
  const order: string[] = [];
  const frame = frameTask('sum', `{"id":"1","op":"sum","data":[${'1,'.repeat(200_000)}1]}`);
  const flood = Array.from({ length: 20 }, () => submit(pool, { ...frame, owner: many }));
  const single = submit(pool, { ...frame, owner: one });
  for (const each of flood) void each.outcome.then(() => order.push('many'));
  void single.outcome.then(() => order.push('one'));
  await Promise.all([...flood, single].map(({ outcome }) => outcome));
  assert.ok(order.indexOf('one') <= 3, order.slice(0, 6).join());
});

test('ending a hundred tasks a second with their threads leaves a pool that works', async (t) => {
  const { pool } = await startPool(t, { workers: 2, queueMax: 1000, stopGraceMs: 20 });
  const [attacker, honest] = [{}, {}];
  const startMs = performance.now();
  const attacked: Submitted[] = [];
  const answered: Submitted[] = [];
  for (let turn = 0; turn < 100; turn += 1) {
    for (let n = 0; n < 2; n += 1) {
      const loop = of(pool, attacker, 'spin', {});
      attacked.push(loop);
      setTimeout(() => loop.handle.end('CANCELLED', 'changed my mind'), 20 + ((turn * 7 + n * 31) % 60));
    }
    answered.push(of(pool, honest, 'double', turn));
    answered.push(submit(pool, frameTask('sum', '{"id":"1","op":"sum","data":[1,2]}')));
    await new Promise((resolve) => setTimeout(resolve, 20));
    // What others ask for is never further behind than a few threads take to start.
    const pending = answered.filter(({ outcomes }) => outcomes.length === 0).length;
    assert.ok(pending < 150, `${pending} requests of others wait`);
  }
  for (const [index, each] of answered.entries()) {
    const answer = await answerOf(each);
    if (index % 2 === 0) assert.is(answer, index);
    else assert.is((await each.outcome).kind, 'frame');
  }
  for (const each of attacked) assert.is(await answerOf(each), 'CANCELLED');
  await until(
    'the pool is as it was',
    () => {
      const { workers, stuck } = usersOf(pool);
      return workers.idle === 2 && workers.spare === 1 && workers.busy + workers.starting + stuck === 0;
    },
    { timeoutMs: 30_000 },
  );
  // Four in two seconds, after which the attacker waits, and what runs then on both workers.
  const { stopped } = usersOf(pool).threads;
  const stoppedMax = 6 * (1 + (performance.now() - startMs) / 2000);
  assert.ok(stopped >= 3 && stopped <= stoppedMax, `${stopped} threads were ended, ${stoppedMax} may be`);
  assert.is(pool.snapshot().crews.engine!.threads.started, 2);
});

test('who has his tasks ended with their threads waits, and others of the same operation go before him', async (t) => {
  const { pool } = await startPool(t, { workers: 1, queueMax: 1000, stopGraceMs: 20 });
  const [attacker, honest] = [{}, {}];
  const end = (submitted: Submitted) => submitted.handle.end('CANCELLED', 'changed my mind');
  // Never over by itself, and deaf: each is ended with its thread.
  const attacked: Submitted[] = [];
  const attack = setInterval(() => {
    attacked.push(of(pool, attacker, 'stubborn', { ms: 600_000 }));
    const running = attacked.filter(({ outcomes }) => outcomes.length === 0);
    if (running.length > 1) end(running[0]!);
  }, 20);
  t.after(() => clearInterval(attack));
  await until('threads were ended for the attacker', () => usersOf(pool).threads.stopped >= 3, { timeoutMs: 30_000 });
  for (let round = 0; round < 20; round += 1) {
    assert.is(await answerOf(of(pool, honest, 'stubborn', { ms: 1 })), 'waited');
  }
  clearInterval(attack);
  for (const each of attacked) end(each);
  assert.ok(attacked.length > usersOf(pool).threads.stopped, 'most of the attack never ran');
});

test.run();
