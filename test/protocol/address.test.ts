import * as assert from 'uvu/assert';
import { address } from '../../src/protocol/address.js';
import { suite } from '../support/suite.js';

const test = suite('addresses');

test('an address of IPv6 stands in brackets before its port, and other hosts as they are', () => {
  assert.is(address('::1', 5000), '[::1]:5000');
  assert.is(address('127.0.0.1', 5000), '127.0.0.1:5000');
  assert.is(address('localhost', 0), 'localhost:0');
});

test.run();
