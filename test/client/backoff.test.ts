import * as assert from 'uvu/assert';
import { backoffMs } from '../../src/client/backoff.js';
import { suite } from '../support/suite.js';

const test = suite('client: backoff');

const options = { attemptsMax: 10, delayMinMs: 50, delayMaxMs: 5000 };

test('the delay doubles up to its bound', () => {
  const delays = [0, 1, 2, 6, 7, 1000, Number.MAX_SAFE_INTEGER].map((attempt) => backoffMs(attempt, options, 0.5));
  assert.equal(delays, [50, 100, 200, 3200, 5000, 5000, 5000]);
});

test('it is scattered over half of itself on either side', () => {
  assert.equal([backoffMs(1, options, 0), backoffMs(1, options, 0.999)], [50, 149.9]);
});

test.run();
