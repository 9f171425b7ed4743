import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { ByteBudget } from '../../src/server/byte-budget.js';
import { FrameBuffers } from '../../src/server/frame-buffers.js';
import { FrameCollector } from '../../src/server/frame-collector.js';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';
import { frame } from '../support/wire.js';

const test = suite('frame collector');

/** No buffer is there unless others are given, so that the collector makes its own. */
function collectorWith(budgetBytes: number, buffers = noBuffers()) {
  const budget = new ByteBudget(budgetBytes);
  return { budget, collector: new FrameCollector(budget, buffers, 0) };
}

function noBuffers(): FrameBuffers {
  const buffers = new FrameBuffers(0);
  while (buffers.takeSmall());
  return buffers;
}

test('gives the frame as it came, however it was cut', () => {
  const bodies = fc.oneof(fc.uint8Array({ maxLength: 3000 }), fc.constant(new Uint8Array(70_000).fill(7)));
  const reuse = fc.constantFrom(new FrameBuffers(1_000_000), noBuffers());
  const cutting = fc.array(fc.nat(5000), { maxLength: 40 });
  const property = fc.property(bodies, cutting, reuse, (body, cuts, buffers) => {
    const { budget, collector } = collectorWith(1_000_000, buffers);
    const bytes = frame(body);
    let offset = 0;
    for (const cut of [...cuts, bytes.length]) {
      if (collector.isWhole) break;
      offset += collector.take(bytes.subarray(offset, offset + cut));
    }
    assert.is(collector.isWhole, true);
    assert.is(offset, bytes.length);
    if (!collector.isLarge) assert.equal(Buffer.from(collector.frame), bytes);
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

test('takes no more than the start of a large frame where only that is asked for, and then the rest', () => {
  const { collector } = collectorWith(1_000_000);
  const bytes = frame(Uint8Array.from({ length: 100_000 }, (_, index) => index));
  assert.is(collector.takeStart(bytes.subarray(0, 3)), 3);
  assert.is(collector.takeStart(bytes.subarray(3, 70_000)), 1 + 64 * 1024);
  assert.equal([collector.hasStart, collector.missingBytes], [true, 100_000 - 64 * 1024]);
  assert.is(collector.take(bytes.subarray(4 + 64 * 1024)), 100_000 - 64 * 1024);
  assert.equal(Buffer.from(collector.body), bytes.subarray(4));
  const small = collectorWith(1000).collector;
  assert.is(small.takeStart(Buffer.concat([frame('abc'), frame('d')])), 7);
  assert.is(small.isWhole, true);
});

test('holds no more than twice what has come, or 128 KiB, whatever the header promises', () => {
  const { budget, collector } = collectorWith(1_000_000_000);
  collector.take(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  assert.is(collector.bodyBytes, 0xffff_ffff);
  assert.is(budget.held, 0);
  let sent = 4;
  for (const bytes of [1, 600, 100_000, 3_000_000]) {
    sent += collector.take(new Uint8Array(bytes));
    assert.ok(budget.held <= Math.max(128 * 1024, 2 * sent), `${budget.held} bytes held for ${sent}`);
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

test('uses a small buffer again, and makes its own where all are in use', () => {
  const buffers = new FrameBuffers(0);
  const first = collectorWith(1_000_000, buffers).collector;
  first.take(frame('abc'));
  const { buffer } = first.frame;
  first.release();
  const open = Array.from({ length: 40 }, () => collectorWith(1_000_000, buffers).collector);
  for (const collector of open) collector.take(frame('def'));
  assert.is(open[0]!.frame.buffer, buffer);
  assert.is(new Set(open.map((collector) => collector.frame.buffer)).size, 40);
  assert.ok(open.every((collector) => Buffer.from(collector.body).toString() === 'def'));
});

test('uses the memory of large frames again, as far as it may be kept', () => {
  const buffers = new FrameBuffers(1_000_000);
  const large = frame(new Uint8Array(300_000));
  const seen = new Set<ArrayBufferLike>();
  for (let i = 0; i < 5; i++) {
    const { budget, collector } = collectorWith(2_000_000, buffers);
    for (let at = 0; at < large.length; at += 60_000) collector.take(large.subarray(at, at + 60_000));
    assert.is(collector.isWhole, true);
    seen.add(collector.body.buffer);
    collector.release();
    assert.is(budget.held, 0);
  }
  assert.is(seen.size, 1);
});

test('also where the first bytes that come are few: what is kept does not grow with each frame', () => {
  const buffers = new FrameBuffers(10_000_000);
  const large = frame(new Uint8Array(100_000));
  for (const first of [60_000, 10_000, 100, 10_000, 100, 60_000]) {
    const { collector } = collectorWith(1_000_000, buffers);
    collector.take(large.subarray(0, first));
    collector.take(large.subarray(first));
    assert.is(collector.isWhole, true);
    collector.release();
    assert.is(buffers.keptBytes, 100_000);
  }
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
