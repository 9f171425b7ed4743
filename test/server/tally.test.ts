import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { ByteBudget } from '../../src/server/byte-budget.js';
import { toCommonMs } from '../../src/server/io-threads/common-clock.js';
import { localTallies, sharedTallies, sharedTalliesBytes } from '../../src/server/tally.js';
import { suite } from '../support/suite.js';

const test = suite('tally');

const entry = new URL('./fixtures/counting-thread.js', import.meta.url);

interface Told {
  readonly taken: number;
  readonly nowMs: number;
}

function runThread(memory: SharedArrayBuffer, max: number, tries: number): Promise<Told> {
  return new Promise((resolve, reject) => {
    new Worker(entry, { workerData: { memory, max, tries } }).once('message', resolve).once('error', reject);
  });
}

test('threads that take at the same time never take more than there is, and lose none of it', async () => {
  const memory = new SharedArrayBuffer(sharedTalliesBytes);
  const tries = 100_000;
  const max = 150_000;
  const told = await Promise.all([1, 2, 3].map(() => runThread(memory, max, tries)));
  assert.is(
    told.reduce((sum, { taken }) => sum + taken, 0),
    max,
  );
  const { connections, heldBytes } = sharedTallies(memory);
  assert.equal([connections.value, heldBytes.value], [max, 3 * tries]);
});

test('all threads have one clock', async () => {
  const beforeMs = toCommonMs(performance.now());
  const { nowMs } = await runThread(new SharedArrayBuffer(sharedTalliesBytes), 0, 0);
  const afterMs = toCommonMs(performance.now());
  assert.ok(beforeMs <= nowMs && nowMs <= afterMs, `${beforeMs}, ${nowMs}, ${afterMs}`);
});

test('of two budgets over the same words one has what the other leaves, to the last byte', () => {
  for (const tallies of [localTallies(), sharedTallies(new SharedArrayBuffer(sharedTalliesBytes))]) {
    const max = 10 * 2 ** 40;
    const open = () => new ByteBudget(max, undefined, tallies.heldBytes, tallies.keptBytes);
    const [one, other] = [open(), open()];
    const [shareOfOne, shareOfOther] = [one.share(), other.share()];
    assert.ok(shareOfOne.take(8 * 2 ** 40));
    assert.equal([other.held, other.leftRatio < 0.21], [8 * 2 ** 40, true]);
    assert.not(shareOfOther.take(2 * 2 ** 40));
    assert.ok(shareOfOther.take(2 ** 40));
    shareOfOne.give(8 * 2 ** 40);
    assert.is(one.held, 2 ** 40);
    other.leaveOut(9 * 2 ** 40);
    assert.is(one.left, 0);
  }
});

test.run();
