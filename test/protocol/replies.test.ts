import * as assert from 'uvu/assert';
import { errorFrame, okFrame } from '../../src/protocol/replies.js';
import { suite } from '../support/suite.js';
import { frame } from '../support/wire.js';

const test = suite('replies');

test('an ok reply carries id and result byte for byte, as text or as bytes', () => {
  const expected = frame('{"id":"ñ\\u0041","ok":true,"result":{"n":1.10}}');
  assert.equal(Buffer.from(okFrame('"ñ\\u0041"', '{"n":1.10}')), expected);
  assert.equal(Buffer.from(okFrame('"ñ\\u0041"', Buffer.from('{"n":1.10}'))), expected);
});

test('an error reply has its members in the order of the protocol', () => {
  const expected = frame('{"id":null,"ok":false,"error":"no \\"x\\" — sorry","code":"UNKNOWN_OP"}');
  assert.equal(Buffer.from(errorFrame(null, 'UNKNOWN_OP', 'no "x" — sorry')), expected);
});

test('an error that may be retried says when, in whole milliseconds', () => {
  const expected = frame('{"id":"1","ok":false,"error":"full","code":"OVERLOADED","retryAfterMs":13}');
  assert.equal(Buffer.from(errorFrame('"1"', 'OVERLOADED', 'full', 12.5)), expected);
});

test.run();
