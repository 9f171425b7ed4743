import * as assert from 'uvu/assert';
import { errorOutcome } from '../../../src/pool/messages.js';
import type { Outcome, Task, TaskRunner } from '../../../src/pool/task.js';
import type { TaskNews, TaskOrder } from '../../../src/server/io-threads/messages.js';
import { PoolDesk } from '../../../src/server/io-threads/pool-desk.js';
import { RemotePool } from '../../../src/server/io-threads/remote-pool.js';
import { suite } from '../../support/suite.js';

const test = suite('the way from an I/O thread to the pool');

interface Run {
  readonly task: Task;
  readonly settle: (outcome: Outcome) => void;
  readonly free: () => void;
  ended: string | undefined;
}

/** A thread's side and the pool's, with messages that are cloned as between threads, and wait until they are delivered. */
function openPair() {
  const runs: Run[] = [];
  const pool: TaskRunner = {
    submit(task, onOutcome, onFreed) {
      const run: Run = { task, settle: onOutcome, free: () => onFreed!(), ended: undefined };
      runs.push(run);
      return {
        end(code, message) {
          run.ended = code;
          onOutcome(errorOutcome(code, message));
        },
      };
    },
  };
  const orders: TaskOrder[][] = [];
  const news: TaskNews[][] = [];
  const remote = new RemotePool((sent) => orders.push(structuredClone(sent)));
  const identityOf = (name: string) => (name === known.quota.name ? known : undefined);
  const desk = new PoolDesk(pool, identityOf, (sent, transfer) => news.push(structuredClone(sent, { transfer })));
  const deliver = async () => {
    await Promise.resolve();
    for (const each of orders.splice(0)) desk.receive(each);
    await Promise.resolve();
    for (const each of news.splice(0)) remote.receive(each);
  };
  return { remote, runs, orders, deliver };
}

/** An identity of the main thread. */
const known = { quota: { name: 'billing', threadsMax: 2, threadsBusy: 0 } };

const taskOf = (text: string, owner: object = {}): Task => ({
  kind: 'data',
  op: 'double',
  payload: Buffer.from(text),
  owner,
});

function submit(remote: RemotePool, task: Task) {
  const told: string[] = [];
  const handle = remote.submit(
    task,
    (outcome) => told.push(outcome.kind === 'error' ? outcome.code : outcome.kind),
    () => told.push('freed'),
  );
  return { told, handle };
}

const result = (length = 1): Outcome => ({ kind: 'result', json: new Uint8Array(length) });

test('all that is submitted in a turn goes in one message, with the bytes that are meant and no others', async () => {
  const { remote, runs, orders, deliver } = openPair();
  const whole = Buffer.from('[1,2,3]');
  submit(remote, { kind: 'data', op: 'double', payload: whole.subarray(1, 2) });
  submit(remote, taskOf('4'));
  await Promise.resolve();
  assert.is(orders.length, 1);
  await deliver();
  assert.equal(
    runs.map(({ task }) => Buffer.from(task.payload as Uint8Array).toString()),
    ['1', '4'],
  );
});

test('an outcome and the word that the bytes are free come once each, in this order', async () => {
  const { remote, runs, deliver } = openPair();
  const { told, handle } = submit(remote, taskOf('1'));
  await deliver();
  runs[0]!.settle(result(100_000));
  runs[0]!.free();
  assert.equal(told, []);
  await deliver();
  handle.end('CANCELLED', 'too late');
  await deliver();
  assert.equal([told, runs[0]!.ended], [['result', 'freed'], undefined]);
});

test('a task that is ended has its outcome at once, and its bytes stay until the pool lets go of them', async () => {
  const { remote, runs, deliver } = openPair();
  const { told, handle } = submit(remote, taskOf('1'));
  await deliver();
  handle.end('CANCELLED', 'not wanted');
  handle.end('DEADLINE_EXCEEDED', 'not wanted');
  assert.equal(told, ['CANCELLED']);
  await deliver();
  assert.equal([told, runs[0]!.ended], [['CANCELLED'], 'CANCELLED']);
  runs[0]!.free();
  await deliver();
  assert.equal(told, ['CANCELLED', 'freed']);
});

test('one that is ended before it was sent, or whose outcome is under way, has one outcome all the same', async () => {
  const { remote, runs, deliver } = openPair();
  const early = submit(remote, taskOf('1'));
  early.handle.end('CANCELLED', 'at once');
  const late = submit(remote, taskOf('2'));
  await deliver();
  assert.is(runs[0]!.ended, 'CANCELLED');
  for (const { free } of runs.slice(0, 1)) free();
  runs[1]!.settle(result());
  runs[1]!.free();
  late.handle.end('DEADLINE_EXCEEDED', 'meanwhile');
  await deliver();
  assert.equal(early.told, ['CANCELLED', 'freed']);
  assert.equal(late.told, ['DEADLINE_EXCEEDED', 'freed']);
});

test('tasks of one connection have one owner in the pool, and others another one', async () => {
  const { remote, runs, deliver } = openPair();
  const [one, other] = [{}, {}];
  for (const owner of [one, other, one]) submit(remote, taskOf('1', owner));
  submit(remote, { kind: 'data', op: 'double', payload: Buffer.from('1') });
  await deliver();
  const [first, second, third, nobody] = runs.map(({ task }) => task.owner);
  assert.ok(first !== undefined && first === third && first !== second);
  assert.is(nobody, undefined);
});

test('the tasks of an identity are its own over all threads, with the threads that it may have', async () => {
  const { remote, runs, deliver } = openPair();
  const whose = (name: string) => ({ ...taskOf('1'), quota: { name, threadsMax: 9, threadsBusy: 0 } });
  for (const name of ['billing', 'billing', 'stranger']) submit(remote, whose(name));
  await deliver();
  assert.equal(
    runs.map(({ task }) => [task.owner === known, task.quota]),
    [
      [true, known.quota],
      [true, known.quota],
      [false, undefined],
    ],
  );
});

test.run();
