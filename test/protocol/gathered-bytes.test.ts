import * as assert from 'uvu/assert';
import { GatheredBytes } from '../../src/protocol/gathered-bytes.js';
import { suite } from '../support/suite.js';

const test = suite('gathered bytes');

test('they are one piece, however they were cut and whatever was dropped', () => {
  const text = Buffer.from(Array.from({ length: 10_000 }, (_, index) => index % 251));
  for (const step of [1, 7, 1000, 1025, 4096, 10_000]) {
    const gathered = new GatheredBytes();
    let dropped = 0;
    for (let at = 0; at < text.length; at += step) {
      gathered.add(text.subarray(at, at + step));
      if (at % 3 === 0) {
        gathered.drop(1);
        dropped++;
      }
      assert.is(gathered.length, Math.min(text.length, at + step) - dropped);
    }
    assert.ok(text.subarray(dropped).equals(gathered.bytes), `in parts of ${step}`);
  }
});

test('small parts are moved a few times, and a long one needs no more than its bytes', () => {
  const gathered = new GatheredBytes();
  const memories = new Set<ArrayBufferLike>();
  for (let count = 0; count < 100_000; count++) {
    gathered.add(Uint8Array.of(count));
    memories.add(gathered.bytes.buffer);
  }
  assert.ok(memories.size < 10, `${memories.size} pieces of memory`);
  const long = new GatheredBytes();
  long.add(new Uint8Array(5_000_000));
  assert.is(long.bytes.buffer.byteLength, 5_000_000);
});

test('what was added may be used again by whoever gave it', () => {
  const gathered = new GatheredBytes();
  const part = Uint8Array.of(1, 2);
  gathered.add(part);
  part.fill(9);
  assert.equal([...gathered.bytes], [1, 2]);
});

test.run();
