import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { ByteBudget } from '../../../src/server/byte-budget.js';
import { FrameBuffers } from '../../../src/server/connection/frame-buffers.js';
import { FrameCollector } from '../../../src/server/connection/frame-collector.js';
import { fuzzed } from '../../support/seed.js';
import { suite } from '../../support/suite.js';
import { frame } from '../../support/wire.js';

const test = suite('frame collector');

const someBuffers = () => new FrameBuffers(new ByteBudget(0), 1_000_000);

/** No buffer is there unless others are given, so that the collector makes its own. */
function collectorWith(budgetBytes: number, buffers = noBuffers()) {
  const budget = new ByteBudget(budgetBytes);
  return { budget, collector: new FrameCollector(budget.share(), buffers) };
}

function noBuffers(): FrameBuffers {
  const buffers = someBuffers();
  while (buffers.takeSmall());
  return buffers;
}

test('gives the frame as it came, however it was cut', () => {
  const bodies = fc.oneof(fc.uint8Array({ maxLength: 3000 }), fc.constant(new Uint8Array(60_000).fill(7)));
  const reuse = fc.constantFrom(someBuffers(), noBuffers());
  const cutting = fc.array(fc.nat(5000), { maxLength: 40 });
  const property = fc.property(bodies, cutting, reuse, (body, cuts, buffers) => {
    const { budget, collector } = collectorWith(10_000_000, buffers);
    const bytes = frame(body);
    let offset = 0;
    for (const cut of [...cuts, bytes.length]) {
      if (collector.isDone) break;
      offset += collector.take(bytes.subarray(offset, offset + cut));
    }
    assert.is(collector.isDone, true);
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
  assert.is(collector.isDone, true);
});

test('takes no more than the start of a large frame', () => {
  const { collector } = collectorWith(1_000_000);
  const bytes = frame(Uint8Array.from({ length: 100_000 }, (_, index) => index));
  assert.is(collector.take(bytes.subarray(0, 3)), 3);
  assert.is(collector.take(bytes.subarray(3, 70_000)), 1 + 64 * 1024);
  assert.equal([collector.isLarge, collector.isDone, collector.missingBytes], [true, true, 100_000 - 64 * 1024]);
  assert.equal(Buffer.from(collector.body), bytes.subarray(4, 4 + 64 * 1024));
});

test('the start of a large frame that is there as a whole is lent, until it is made the collector’s own', () => {
  const bytes = frame(Uint8Array.from({ length: 100_000 }, (_, index) => index));
  const start = Buffer.from(bytes.subarray(4, 4 + 64 * 1024));
  const { budget, collector } = collectorWith(1_000_000);
  assert.is(collector.take(bytes.subarray(0, 80_000)), 4 + 64 * 1024);
  assert.equal([collector.isDone, collector.missingBytes, budget.held], [true, 100_000 - 64 * 1024, 0]);
  assert.is(collector.body.buffer, bytes.buffer);
  assert.is(collector.own(), true);
  bytes.fill(0);
  assert.equal(Buffer.from(collector.body), start);
  assert.ok(budget.held >= start.length);
  collector.release();
  assert.is(budget.held, 0);
  const poor = collectorWith(10_000).collector;
  poor.take(frame(new Uint8Array(100_000)));
  assert.equal([poor.own(), poor.isIncomplete], [false, true]);
});

test('holds no more than twice what has come and half a KiB, whatever the header promises', () => {
  const { budget, collector } = collectorWith(1_000_000_000);
  collector.take(Buffer.from([0xff, 0xff, 0xff, 0xff]));
  assert.is(collector.bodyBytes, 0xffff_ffff);
  let sent = 4;
  for (const bytes of [1, 600, 10_000, 50_000]) {
    sent += collector.take(new Uint8Array(bytes));
    assert.ok(budget.held <= 2 * sent + 512, `${budget.held} bytes held for ${sent}`);
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
  assert.is(collector.isDone, true);
  assert.ok(buffers.size <= 10, `${buffers.size} buffers`);
});

test('looks at each byte once to tell that a body can be no request, however few come at a time', (t) => {
  const find = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'find')!;
  t.after(() => Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), 'find', find));
  let looked = 0;
  Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), 'find', {
    ...find,
    value(this: Uint8Array, ...args: unknown[]) {
      looked += this.length;
      return Reflect.apply(find.value, this, args);
    },
  });
  const { collector } = collectorWith(1_000_000);
  const bytes = Buffer.alloc(4 + 60_000, ' ');
  bytes.fill(0xff, 0, 4);
  for (let at = 0; at < bytes.length; at++) {
    collector.take(bytes.subarray(at, at + 1));
    assert.is(collector.isHopeless, false);
  }
  assert.ok(looked >= 60_000 && looked < 70_000, `${looked} bytes`);
  collector.take(Buffer.from('\t\r\nGET'));
  assert.is(collector.isHopeless, true);
});

test('a body that begins with an object may be a request, whatever white space comes before it', () => {
  for (const [body, isHopeless] of [
    ['', false],
    [' \n\r\t', false],
    [' {"id"', false],
    ['x{', true],
    [' [1]', true],
  ] as const) {
    // In one piece with its header, and byte by byte.
    const bytes = Buffer.concat([Buffer.alloc(4, 0xff), Buffer.from(body)]);
    for (const step of [1, bytes.length]) {
      const { collector } = collectorWith(1_000_000);
      for (let at = 0; at < bytes.length; at += step) collector.take(bytes.subarray(at, at + step));
      assert.is(collector.isHopeless, isHopeless, JSON.stringify(body));
    }
  }
});

test('what the system has no memory for is given back to the budget, and counts as let go', (t) => {
  const Usual = globalThis.Uint8Array;
  const { budget, collector } = collectorWith(1_000_000);
  t.after(() => {
    globalThis.Uint8Array = Usual;
  });
  collector.take(frame(new Uint8Array(5000)).subarray(0, 500));
  const { held } = budget;
  globalThis.Uint8Array = new Proxy(Usual, {
    construct(target, args, newTarget) {
      if (typeof args[0] === 'number' && args[0] > 600) throw new RangeError('Array buffer allocation failed');
      return Reflect.construct(target, args, newTarget);
    },
  });
  collector.take(new Usual(4504));
  globalThis.Uint8Array = Usual;
  assert.equal([collector.isDone, collector.isIncomplete, budget.held], [true, true, held]);
  collector.release();
  assert.is(budget.held, 0);
});

test('uses a small buffer again, and makes its own where all are in use', () => {
  const buffers = someBuffers();
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

test('lets the rest of a frame go where the budget is empty, and still finds its end', () => {
  const { budget, collector } = collectorWith(2200);
  const bytes = frame(new Uint8Array(5000).fill(9));
  assert.is(collector.take(bytes.subarray(0, 1000)), 1000);
  assert.is(collector.isIncomplete, false);
  assert.is(collector.take(bytes.subarray(1000, 4000)), 3000);
  assert.is(collector.isIncomplete, true);
  assert.is(collector.frame.length, 1000);
  assert.is(collector.take(Buffer.concat([bytes.subarray(4000), Buffer.from('next')])), 1004);
  assert.is(collector.isDone, true);
  assert.ok(budget.held <= 2200);
  collector.release();
  assert.is(budget.held, 0);
});

test('finds the end of a frame of which nothing could be held', () => {
  const { budget, collector } = collectorWith(0);
  assert.is(collector.take(frame('abc')), 7);
  assert.is(collector.isDone, true);
  assert.is(collector.isIncomplete, true);
  assert.is(budget.held, 0);
});

test.run();
