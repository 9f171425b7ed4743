/** Everything at once: whatever is submitted, cancelled, late, and whatever dies, each task has exactly one outcome. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { call, frameTask, type Submitted, startPool, submit, usersOf } from './support.js';

const test = suite('pool: stress', { timeoutMs: 120_000 });

/** What a task may come to, by what it is; every one may also be cancelled, late or turned away where that was asked for. */
const kinds = {
  double: ['result'],
  bombBehind: ['result', 'WORKER_LOST'],
  wait: ['result', 'WORKER_LOST'],
  alone: ['result', 'WORKER_LOST'],
  fail: ['INTERNAL', 'WORKER_LOST'],
  dieOnce: ['WORKER_LOST'],
  dieIdempotent: ['WORKER_LOST'],
  spin: [],
  frame: ['frame'],
  nope: ['UNKNOWN_OP'],
} as const;
type Kind = keyof typeof kinds;

interface Step {
  readonly kind: Kind;
  /** Milliseconds from submit to `end`; `undefined` for never. */
  readonly endAfterMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly pauseMs: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom<Kind>(
    'double',
    'double',
    'wait',
    'alone',
    'fail',
    'frame',
    'frame',
    ...(Object.keys(kinds) as Kind[]),
  ),
  endAfterMs: fc.option(fc.nat(20), { nil: undefined, freq: 3 }),
  timeoutMs: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined, freq: 3 }),
  pauseMs: fc.constantFrom(0, 0, 0, 0, 1, 5),
});

const dataOf: { readonly [K in Kind]?: unknown } = {
  double: 2,
  bombBehind: { ms: 2 },
  wait: { ms: 3 },
  alone: { ms: 3 },
  fail: 'error',
  dieOnce: { how: 'exit' },
  dieIdempotent: { how: 'timer' },
  spin: {},
};

test('each task has exactly one outcome, of a kind that it can have, and the pool is whole afterwards', async (t) => {
  const { pool } = await startPool(t, { workers: 2, queueMax: 20, stopGraceMs: 20 });
  const parameters = fuzzed(60);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
      const submitted: Submitted[] = [];
      for (const { kind, endAfterMs, timeoutMs, pauseMs } of steps) {
        // A loop that nobody would end would hold a thread for ever, as it should.
        const limitMs = timeoutMs ?? (kind === 'spin' ? 25 : undefined);
        const task =
          kind === 'frame'
            ? submit(pool, { ...frameTask('sum', '{"id":"1","op":"sum","data":[1,2]}'), timeoutMs: limitMs })
            : call(pool, kind, dataOf[kind], limitMs);
        submitted.push(task);
        if (endAfterMs === 0) task.handle.end('CANCELLED', 'at once');
        else if (endAfterMs !== undefined) setTimeout(() => task.handle.end('CANCELLED', 'later'), endAfterMs);
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      await Promise.all(submitted.map((task) => task.outcome));
      for (const [index, { kind, endAfterMs, timeoutMs }] of steps.entries()) {
        const [outcome] = submitted[index]!.outcomes;
        const possible: string[] = ['OVERLOADED', ...kinds[kind]];
        if (endAfterMs !== undefined) possible.push('CANCELLED');
        if (timeoutMs !== undefined || kind === 'spin') possible.push('DEADLINE_EXCEEDED');
        // A bomb that another task has left may hit any that follows it; those that may run again are hit twice at worst.
        if (kind === 'double' || kind === 'frame' || kind === 'spin') possible.push('WORKER_LOST');
        // So many threads have died that the next one waits: what cannot run by then is answered, and may come again.
        if (outcome?.kind === 'error' && outcome.retryAfterMs !== undefined) possible.push('INTERNAL');
        const name = outcome?.kind === 'error' ? outcome.code : outcome?.kind;
        assert.ok(possible.includes(String(name)), `${kind} ended as ${name}`);
      }
      await until('every queue is empty', () =>
        pool.snapshot().queues.every(({ waiting, running }) => waiting === 0 && running === 0),
      );
      assert.ok(submitted.every((task) => task.outcomes.length === 1));
    }),
    parameters,
  );
  await until('the pool is whole', () => {
    const { idle, spare } = usersOf(pool).workers;
    return idle === 2 && spare === 1;
  });
});

test.run();
