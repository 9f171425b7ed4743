import * as assert from 'uvu/assert';
import { SharedRendering } from '../../src/sidecar/shared-rendering.js';
import { suite } from '../support/suite.js';

const test = suite('a rendering that is shared');

test('those who ask at once get the same one', async () => {
  let made = 0;
  const rendering = new SharedRendering(async () => ++made);
  assert.equal(new Set(await Promise.all(Array.from({ length: 100 }, () => rendering.get()))).size, 1);
});

test('what comes is never older than the question', async () => {
  let clock = 0;
  const rendering = new SharedRendering(async () => clock);
  for (let round = 0; round < 6; round++) {
    clock++;
    assert.is(await rendering.get(), clock);
  }
});

test('one is made at a time, and a loop over many connections makes few', async () => {
  let made = 0;
  let running = 0;
  let atOnceMax = 0;
  const rendering = new SharedRendering(async () => {
    atOnceMax = Math.max(atOnceMax, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return ++made;
  });
  const startMs = performance.now();
  const ask = async () => {
    let asked = 0;
    while (performance.now() - startMs < 1000) {
      await rendering.get();
      asked++;
    }
    return asked;
  };
  await Promise.all([ask(), ask(), ask(), ask()]);
  const seconds = (performance.now() - startMs) / 1000;
  assert.is(atOnceMax, 1);
  assert.ok(made <= 6 + 4 * seconds, `${made} in ${seconds} s`);
});

test('a failure is told to those who wait for it only', async () => {
  let made = 0;
  const rendering = new SharedRendering(async () => {
    if (++made === 1) throw new Error('no');
    return made;
  });
  assert.is(await rendering.get().catch((error: Error) => error.message), 'no');
  assert.is(await rendering.get(), 2);
});

test.run();
