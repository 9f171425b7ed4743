import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { ByteBudget } from '../../src/server/byte-budget.js';
import { FrameCollector } from '../../src/server/frame-collector.js';
import { FrameShelf } from '../../src/server/frame-shelf.js';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';
import { frame } from '../support/wire.js';

const test = suite('frame collector');

/** The shelf is empty unless another is given, so that the collector makes its own buffers. */
function collectorWith(budgetBytes: number, shelf = emptyShelf()) {
  const budget = new ByteBudget(budgetBytes);
  return { budget, collector: new FrameCollector(budget, shelf, 0) };
}

function emptyShelf(): FrameShelf {
  const shelf = new FrameShelf();
  while (shelf.take());
  return shelf;
}

test('gives the frame as it came, however it was cut', () => {
  const bodies = fc.oneof(fc.uint8Array({ maxLength: 3000 }), fc.constant(new Uint8Array(70_000).fill(7)));
  const shelves = fc.constantFrom(new FrameShelf(), emptyShelf());
  const cutting = fc.array(fc.nat(5000), { maxLength: 40 });
  const property = fc.property(bodies, cutting, shelves, (body, cuts, shelf) => {
    const { budget, collector } = collectorWith(1_000_000, shelf);
    const bytes = frame(body);
    let offset = 0;
    for (const cut of [...cuts, bytes.length]) {
      if (collector.isWhole) break;
      offset += collector.take(bytes.subarray(offset, offset + cut));
    }
    assert.is(collector.isWhole, true);
    assert.is(offset, bytes.length);
    assert.equal(Buffer.from(collector.frame), bytes);
    assert.equal(Buffer.from(collector.body), Buffer.from(body));
    collector.release();
    assert.is(budget.held, 0);
  });
  fc.assert(property, fuzzed(300));
});

test('leaves what belongs to the next frame', () => {
  const { collector } = collectorWith(1000);
  const bytes = Buffer.concat([frame('abc'), frame('d')]);
  assert.is(collector.take(bytes), 7);
  assert.is(collector.isWhole, true);
});

test('holds no more than twice what has come, whatever the header promises', () => {
  const { budget, collector } = collectorWith(1_000_000_000);
  collector.take(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  assert.is(collector.bodyBytes, 0xffff_ffff);
  assert.ok(budget.held <= 512);
  let sent = 4;
  for (const bytes of [1, 600, 100_000, 3_000_000]) {
    sent += collector.take(new Uint8Array(bytes));
    assert.ok(budget.held <= Math.max(512, 2 * sent), `${budget.held} bytes held for ${sent}`);
  }
});

test('copies bytes that come one by one a bounded number of times', () => {
  const { collector } = collectorWith(1_000_000);
  const bytes = frame(new Uint8Array(60_000));
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < bytes.length; i++) {
    collector.take(bytes.subarray(i, i + 1));
    buffers.add(collector.frame.buffer);
  }
  assert.is(collector.isWhole, true);
  assert.ok(buffers.size <= 10, `${buffers.size} buffers`);
});

test('uses a buffer of the shelf again, and makes its own where the shelf is empty', () => {
  const shelf = new FrameShelf();
  const first = collectorWith(1_000_000, shelf).collector;
  first.take(frame('abc'));
  const { buffer } = first.frame;
  first.release();
  const open = Array.from({ length: 40 }, () => collectorWith(1_000_000, shelf).collector);
  for (const collector of open) collector.take(frame('def'));
  assert.is(open[0]!.frame.buffer, buffer);
  assert.is(new Set(open.map((collector) => collector.frame.buffer)).size, 40);
  assert.ok(open.every((collector) => Buffer.from(collector.body).toString() === 'def'));
});

test('keeps a large body in shared memory and a small one in memory of its own', () => {
  const small = collectorWith(1_000_000).collector;
  small.take(frame(new Uint8Array(64 * 1024)));
  assert.instance(small.body.buffer, ArrayBuffer);
  const large = collectorWith(1_000_000).collector;
  large.take(frame(new Uint8Array(64 * 1024 + 1)));
  assert.instance(large.body.buffer, SharedArrayBuffer);
});

test('lets the rest of a frame go where the budget is empty, and still finds its end', () => {
  const { budget, collector } = collectorWith(2048);
  const bytes = frame(new Uint8Array(5000).fill(9));
  assert.is(collector.take(bytes.subarray(0, 1000)), 1000);
  assert.is(collector.isIncomplete, false);
  assert.is(collector.take(bytes.subarray(1000, 4000)), 3000);
  assert.is(collector.isIncomplete, true);
  assert.is(collector.frame.length, 1000);
  assert.is(collector.take(Buffer.concat([bytes.subarray(4000), Buffer.from('next')])), 1004);
  assert.is(collector.isWhole, true);
  assert.ok(budget.held <= 2048);
  collector.release();
  assert.is(budget.held, 0);
});

test('finds the end of a frame of which nothing could be held', () => {
  const { budget, collector } = collectorWith(0);
  assert.is(collector.take(frame('abc')), 7);
  assert.is(collector.isWhole, true);
  assert.is(collector.isIncomplete, true);
  assert.is(budget.held, 0);
});

test.run();
