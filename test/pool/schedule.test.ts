import * as assert from 'uvu/assert';
import type { OwnedItem } from '../../src/pool/fair-queue.js';
import { OperationQueue, Schedule } from '../../src/pool/schedule.js';
import { suite } from '../support/suite.js';

const test = suite('schedule');

interface Item extends OwnedItem {
  readonly name: string;
}

const item = (name: string): Item => ({ name, owner: undefined, previous: undefined, next: undefined });

function scheduleOf(...queues: [op: string, concurrency: number, names: string[]][]) {
  const schedule = new Schedule<Item>();
  for (const [op, concurrency, names] of queues) {
    const queue = new OperationQueue<Item>(op, concurrency);
    for (const name of names) queue.waiting.push(item(name));
    schedule.add(queue);
  }
  const take = (count: number) => Array.from({ length: count }, () => schedule.next()?.name);
  return { schedule, take };
}

test('operations take turns, and each keeps the order of its own tasks', () => {
  const { take } = scheduleOf(['a', 9, ['a1', 'a2', 'a3', 'a4']], ['b', 9, ['b1']], ['c', 9, ['c1', 'c2']]);
  assert.equal(take(8), ['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4', undefined]);
});

test('an operation at its limit is passed over until a run of it has ended', () => {
  const { schedule, take } = scheduleOf(['a', 1, ['a1', 'a2']], ['b', 9, ['b1', 'b2']]);
  assert.equal(take(4), ['a1', 'b1', 'b2', undefined]);
  schedule.get('a')!.running -= 1;
  assert.equal(take(2), ['a2', undefined]);
});

test('one that comes late has its turn next, however long the queue of another is', () => {
  const { schedule, take } = scheduleOf(['a', 9, ['a1', 'a2', 'a3', 'a4']], ['b', 9, []]);
  assert.equal(take(2), ['a1', 'a2']);
  schedule.get('b')!.waiting.push(item('b1'));
  assert.equal(take(2), ['b1', 'a3']);
});

test('an operation that has just cost a thread waits for one that can be spared, and a deadly one runs alone', () => {
  const { schedule } = scheduleOf(['a', 9, ['a1', 'a2', 'a3']], ['b', 9, ['b1']]);
  const { health } = schedule.get('a')!;
  health.noteCost();
  const next = (canSpare: boolean) => schedule.next(() => canSpare)?.name;
  assert.equal([next(false), next(false), next(true)], ['b1', undefined, 'a1']);
  for (let death = 0; death < 3; death += 1) health.noteDeath();
  assert.is(next(true), undefined);
  schedule.get('a')!.running -= 1;
  assert.equal([next(true), next(true)], ['a2', undefined]);
});

test('the advice when to come back grows with the queue and with the time that runs take, within bounds', () => {
  const queue = new OperationQueue<Item>('a', 2);
  assert.is(queue.retryAfterMs(4), 10);
  for (let count = 0; count < 100; count += 1) queue.waiting.push(item('x'));
  const short = queue.retryAfterMs(4);
  for (let run = 0; run < 50; run += 1) queue.observe(100);
  const long = queue.retryAfterMs(4);
  assert.ok(10 < short && short < long, `${short} ${long}`);
  for (let run = 0; run < 50; run += 1) queue.observe(1e9);
  assert.is(queue.retryAfterMs(4), 30_000);
});

test.run();
