import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { SharedLock } from '../../src/server/shared-lock.js';
import { suite } from '../support/suite.js';

const test = suite('a lock between threads');

const entry = new URL('./fixtures/locking-thread.js', import.meta.url);

test('what threads do inside is done by one at a time', async () => {
  const memory = new SharedArrayBuffer(SharedLock.bytes + 16);
  const tries = 20_000;
  const ends = [1, 2, 3].map(
    () =>
      new Promise((resolve, reject) => {
        new Worker(entry, { workerData: { memory, tries } }).once('exit', resolve).once('error', reject);
      }),
  );
  assert.equal(await Promise.all(ends), [0, 0, 0]);
  assert.equal([...new Float64Array(memory, SharedLock.bytes)], [3 * tries, 6 * tries]);
});

test('it is free again after what has thrown', () => {
  const lock = new SharedLock(new SharedArrayBuffer(SharedLock.bytes), 0);
  const fail = () =>
    lock.run(() => {
      throw new Error('inside');
    });
  assert.throws(fail, 'inside');
  assert.is(
    lock.run(() => 1),
    1,
  );
});

test('one whose holder was ended inside is free again in the end', () => {
  const memory = new SharedArrayBuffer(SharedLock.bytes);
  new Int32Array(memory)[0] = 1;
  const lock = new SharedLock(memory, 0);
  const run = () => lock.run(() => 'done');
  assert.equal([run(), run()], ['done', 'done']);
  assert.is(new Int32Array(memory)[0], 0);
});

test.run();
