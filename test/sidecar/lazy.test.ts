import * as assert from 'uvu/assert';
import { Lazy } from '../../src/sidecar/lazy.js';
import { suite } from '../support/suite.js';

const test = suite('what is made when it is first asked for');

test('it is made once, also for those who ask meanwhile', async () => {
  let made = 0;
  const lazy = new Lazy(async () => ++made);
  assert.equal(await Promise.all([lazy.get(), lazy.get()]), [1, 1]);
  assert.is(await lazy.get(), 1);
});

test('a failure is told to those who wait, and the next one tries again', async () => {
  let tries = 0;
  const lazy = new Lazy(async () => {
    if (++tries === 1) throw new Error('no descriptors');
    return 'made';
  });
  const both = await Promise.allSettled([lazy.get(), lazy.get()]);
  assert.equal(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.is(await lazy.get(), 'made');
  assert.is(tries, 2);
});

test('a look at it makes nothing, and sees no failure', async () => {
  let tries = 0;
  const lazy = new Lazy<string>(async () => {
    tries++;
    throw new Error('no');
  });
  assert.is(await lazy.peek(), undefined);
  assert.is(tries, 0);
  const failed = lazy.get().catch((error: Error) => error.message);
  assert.is(await lazy.peek(), undefined);
  assert.is(await failed, 'no');
});

test.run();
