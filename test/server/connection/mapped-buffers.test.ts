import * as assert from 'uvu/assert';
import { MappedBuffers } from '../../../src/server/connection/mapped-buffers.js';
import { suite } from '../../support/suite.js';

const test = suite('mapped buffers');

test('a buffer that is put back is used again', () => {
  const buffers = new MappedBuffers(4096, 1);
  const first = buffers.take();
  assert.is(first.length, 4096);
  buffers.putBack(first.subarray(0, 10));
  assert.is(buffers.take().buffer, first.buffer);
});

test('the memory of those beyond the few that are kept is given back at once', () => {
  const buffers = new MappedBuffers(4096, 1);
  const taken = [buffers.take(), buffers.take()];
  for (const each of taken) buffers.putBack(each);
  assert.equal(
    taken.map(({ buffer }) => buffer.byteLength),
    [4096, 0],
  );
});

test('memory of others is left alone', () => {
  const buffers = new MappedBuffers(4096, 1);
  const other = Buffer.allocUnsafeSlow(4096);
  buffers.putBack(other);
  assert.is(other.length, 4096);
  assert.is.not(buffers.take().buffer, other.buffer);
});

test('beyond what a process may map, there is memory all the same', () => {
  const buffers = new MappedBuffers(4096, 0);
  const taken = Array.from({ length: 8200 }, () => buffers.take());
  assert.ok(taken.every(({ length }) => length === 4096));
  for (const each of taken) buffers.putBack(each);
  assert.is(buffers.take().length, 4096);
});

test.run();
