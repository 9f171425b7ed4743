import * as assert from 'uvu/assert';
import { wireErrors } from '../../src/errors.js';
import { httpStatusByCode, retryAfterSeconds } from '../../src/sidecar/http-status.js';
import { suite } from '../support/suite.js';

const test = suite('HTTP status of an error code');

test('every code of the wire has one, and there is none for another', () => {
  assert.equal(Object.keys(httpStatusByCode).sort(), Object.keys(wireErrors).sort());
});

test('what a client may simply send again is a 503, which HTTP lets be tried again, and nothing else is', () => {
  for (const [code, { retryable }] of Object.entries(wireErrors)) {
    const status = httpStatusByCode[code as keyof typeof wireErrors];
    assert.ok(status >= 400 && status < 600, code);
    assert.is(status === 503, retryable === true, code);
  }
});

test('a time to wait is whole seconds, rounded up, and never none', () => {
  assert.equal([undefined, 0, 1, 1000, 1001, 2500].map(retryAfterSeconds), [1, 1, 1, 1, 2, 3]);
});

test.run();
