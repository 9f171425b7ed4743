import * as assert from 'uvu/assert';
import { TicketKeys } from '../../../../src/server/channel/tls/ticket-keys.js';
import { suite } from '../../../support/suite.js';

const test = suite('keys of session tickets');

test('all threads have the same keys, and notice that they were replaced', () => {
  const first = new TicketKeys();
  const other = new TicketKeys(first.memory);
  const before = other.read();
  assert.equal([before.keys.length, before.number], [48, first.number]);
  assert.equal(before, first.read());
  first.renew();
  assert.is.not(other.number, before.number);
  const after = other.read();
  assert.not.equal(after.keys, before.keys);
  assert.equal(after, first.read());
});

test('no keys are like others, and the old ones are nowhere in the memory', () => {
  const [one, two] = [new TicketKeys(), new TicketKeys()];
  assert.not.equal(one.read().keys, two.read().keys);
  const { keys } = one.read();
  one.renew();
  assert.not.ok(Buffer.from(one.memory).includes(keys.subarray(0, 8)));
});

test.run();
