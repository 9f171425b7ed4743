import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { encodeFrame, FrameReader } from '../../src/protocol/frame.js';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';

const test = suite('frames');

const concat = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Feeds each chunk from a buffer of its own, as a socket does. */
function readAll(chunks: readonly Uint8Array[], reader = new FrameReader()): Uint8Array[] {
  return chunks.flatMap((chunk) => reader.push(chunk.slice()));
}

function same(bodies: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  assert.equal(
    bodies.map((body) => Buffer.from(body).toString('hex')),
    expected.map((body) => Buffer.from(body).toString('hex')),
  );
}

const someBodies = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 });

test('a frame is a big-endian length and then the body', () => {
  assert.equal([...encodeFrame(Buffer.from('ab'))], [0, 0, 0, 2, 0x61, 0x62]);
  assert.equal([...encodeFrame(new Uint8Array(0))], [0, 0, 0, 0]);
  assert.equal([...encodeFrame(new Uint8Array(0x010203)).subarray(0, 4)], [0, 1, 2, 3]);
});

test('bodies come out as they went in, whatever the cut', () => {
  fc.assert(
    fc.property(someBodies, fc.array(fc.nat()), (bodies, wishes) => {
      const stream = concat(bodies.map(encodeFrame));
      const cuts = wishes.map((wish) => wish % (stream.length + 1)).sort((a, b) => a - b);
      const chunks = [0, ...cuts].map((start, index) => stream.subarray(start, cuts[index] ?? stream.length));
      same(readAll(chunks), bodies);
    }),
    fuzzed(5_000),
  );
});

test('bodies come out as they went in at every single cut, and byte by byte', () => {
  fc.assert(
    fc.property(someBodies, (bodies) => {
      const stream = concat(bodies.map(encodeFrame));
      for (let cut = 0; cut <= stream.length; cut++) {
        same(readAll([stream.subarray(0, cut), stream.subarray(cut)]), bodies);
      }
      same(readAll(Array.from(stream, (byte) => Uint8Array.of(byte))), bodies);
    }),
    fuzzed(200),
  );
});

test('a body that is handed out is not touched by what comes later', () => {
  const reader = new FrameReader();
  const frame = encodeFrame(Buffer.from('first'));
  reader.push(frame.slice(0, 6));
  const [body] = reader.push(frame.slice(6));
  reader.push(encodeFrame(Buffer.from('other')).slice(0, 7));
  reader.push(encodeFrame(Buffer.from('other')).slice(7));
  assert.is(Buffer.from(body!).toString(), 'first');
});

test('needing more is an empty list, and a stream that ends between frames is told from one that does not', () => {
  const reader = new FrameReader();
  assert.is(reader.midFrame, false);
  assert.equal(reader.push(Uint8Array.of(0)), []);
  assert.is(reader.midFrame, true);
  assert.equal(reader.push(Uint8Array.of(0, 0, 1)), []);
  assert.is(reader.midFrame, true);
  assert.is(reader.push(Uint8Array.of(7)).length, 1);
  assert.is(reader.midFrame, false);
  assert.equal(reader.push(new Uint8Array(0)), []);
});

test('a length over the limit is refused after the bodies before it, and nothing is taken after it', () => {
  const good = encodeFrame(Buffer.from('good'));
  const large = Uint8Array.of(0, 0, 0, 5);
  for (const cut of [0, 3, good.length, good.length + 2]) {
    const stream = concat([good, large, good]);
    const reader = new FrameReader(4);
    same(readAll([stream.subarray(0, cut), stream.subarray(cut)], reader), [Buffer.from('good')]);
    assert.is(reader.refusedBytes, 5);
    assert.equal(reader.push(good), []);
  }
});

test('the largest length is read as such and holds no memory before its bytes come', () => {
  const reader = new FrameReader(0xffff_fffe);
  reader.push(Uint8Array.of(255, 255, 255, 255));
  assert.is(reader.refusedBytes, 0xffff_ffff);

  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 50 }, () => {
    const each = new FrameReader();
    each.push(Uint8Array.of(255, 255, 255, 255, 0x7b));
    return each;
  });
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
  assert.ok(readers.every(({ midFrame }) => midFrame));
});

test.run();
