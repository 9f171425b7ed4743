import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { HeapMeter } from '../../src/pool/heap-meter.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('heap meter');

/** A thread that says so when it has run `code`, and then is in a loop for ever. */
async function looping(t: TestContext, code: string): Promise<Worker> {
  const loop = `${code}; require('node:worker_threads').parentPort.postMessage(0); while (true);`;
  const worker = new Worker(loop, { eval: true });
  t.after(() => worker.terminate());
  await new Promise((resolve) => worker.once('message', resolve));
  return worker;
}

function meterFor(t: TestContext): HeapMeter {
  const meter = new HeapMeter();
  t.after(() => meter.close());
  return meter;
}

const mb = 1024 * 1024;

test('it measures threads that never look up, and tells them apart', async (t) => {
  const [small, large] = [await looping(t, ''), await looping(t, 'globalThis.kept = new Array(4e6).fill(0.5)')];
  const meter = meterFor(t);
  const [smallBytes = 0, largeBytes = 0] = await Promise.all([small, large].map((w) => meter.usedBytes(w.threadId)));
  assert.ok(smallBytes > mb && smallBytes < 20 * mb, `${smallBytes}`);
  assert.ok(largeBytes > 30 * mb, `${largeBytes}`);
});

test('it collects the garbage of a thread that never looks up', async (t) => {
  const worker = await looping(t, 'let waste = new Array(4e6).fill(0.5); waste = undefined');
  const meter = meterFor(t);
  await meter.collectGarbage(worker.threadId);
  assert.ok(((await meter.usedBytes(worker.threadId)) ?? 0) < 20 * mb);
});

test('a thread that is gone, or was never there, has no size', async (t) => {
  const worker = await looping(t, '');
  const meter = meterFor(t);
  const { threadId } = worker;
  assert.ok(await meter.usedBytes(threadId));
  await worker.terminate();
  assert.is(await meter.usedBytes(threadId), undefined);
  assert.is(await meter.usedBytes(123_456), undefined);
});

test('a question that is open when the meter closes is answered, and the meter can be used again', async (t) => {
  const worker = await looping(t, '');
  const meter = meterFor(t);
  const open = meter.usedBytes(worker.threadId);
  await meter.close();
  await open;
  assert.ok(await meter.usedBytes(worker.threadId));
});

test.run();
