import * as assert from 'uvu/assert';
import { retryWhilePassing } from '../../src/cli/retry-while-passing.js';
import { suite } from '../support/suite.js';

const test = suite('a start that needs a file descriptor');

/** Fails with the codes, one after the other, then comes through. */
function failing(...codes: string[]) {
  let attempts = 0;
  const start = async () => {
    const code = codes[attempts++];
    if (code !== undefined) throw Object.assign(new Error(code), { code });
    return attempts;
  };
  return { start, attempts: () => attempts };
}

const outcome = (work: Promise<unknown>) => work.catch((error: Error) => error.message);

test('is tried again while none is left', async () => {
  assert.is(await retryWhilePassing(failing('EMFILE', 'ENFILE', 'EMFILE').start, { retryMs: 1 }), 4);
});

test('fails at once for any other reason', async () => {
  const { start, attempts } = failing('EMFILE', 'EADDRINUSE');
  assert.is(await outcome(retryWhilePassing(start, { retryMs: 1 })), 'EADDRINUSE');
  assert.is(attempts(), 2);
});

test('is given up after a number of attempts', async () => {
  const { start, attempts } = failing(...Array.from({ length: 50 }, () => 'EMFILE'));
  assert.is(await outcome(retryWhilePassing(start, { retryMs: 1, retriesMax: 9 })), 'EMFILE');
  assert.is(attempts(), 10);
});

test.run();
