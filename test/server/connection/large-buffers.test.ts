import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { ByteBudget } from '../../../src/server/byte-budget.js';
import { FrameBuffers } from '../../../src/server/connection/frame-buffers.js';
import { HeldBody } from '../../../src/server/connection/held-body.js';
import { fuzzed } from '../../support/seed.js';
import { suite } from '../../support/suite.js';

const test = suite('large buffers');

const bodyMax = 500_000;

function openBuffers(max: number) {
  const budget = new ByteBudget(max);
  const buffers = new FrameBuffers(budget, bodyMax);
  return { budget, buffers, large: buffers.large };
}

test('what is held and what is kept are together no more than the budget, whatever is done', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('begin' as const),
      bytesMax: fc.integer({ min: 1, max: bodyMax }),
      memory: fc.constantFrom('own' as const, 'shared' as const),
    }),
    fc.record({ kind: fc.constant('add' as const), at: fc.nat(20), bytes: fc.integer({ min: 1, max: bodyMax }) }),
    fc.record({ kind: fc.constant('lend' as const), at: fc.nat(20) }),
    fc.record({ kind: fc.constant('release' as const), at: fc.nat(20), isOnLoan: fc.boolean() }),
    // Somebody else's, who knows nothing of buffers.
    fc.record({ kind: fc.constant('take' as const), bytes: fc.integer({ min: 1, max: 400_000 }) }),
    fc.constant({ kind: 'give' as const }),
    fc.record({ kind: fc.constant('rest' as const), afterMs: fc.nat(20_000) }),
  );
  const property = fc.property(
    fc.integer({ min: 600_000, max: 3_000_000 }),
    fc.array(step, { maxLength: 120 }),
    (max, steps) => {
      const { budget, buffers, large } = openBuffers(max);
      const bodies: { body: HeldBody; expected: number[]; bytesMax: number }[] = [];
      const other = budget.share();
      let mark = 0;
      for (const each of steps) {
        const picked = 'at' in each && bodies.length > 0 ? bodies[each.at % bodies.length]! : undefined;
        if (each.kind === 'begin') {
          const body = new HeldBody(budget.share(), buffers, each.bytesMax, each.memory);
          bodies.push({ body, expected: [], bytesMax: each.bytesMax });
        } else if (each.kind === 'add' && picked) {
          const bytes = Math.min(each.bytes, picked.bytesMax - picked.body.length);
          mark = (mark + 1) % 251;
          if (bytes > 0 && picked.body.add(new Uint8Array(bytes).fill(mark))) {
            picked.expected.push(picked.body.length - bytes, mark, picked.body.length - 1, mark);
          }
        } else if (each.kind === 'lend' && picked) {
          const target = picked.body.nextTarget(picked.bytesMax - picked.body.length);
          // A read goes to it at once, or elsewhere.
          target?.release();
        } else if (each.kind === 'release' && picked) {
          bodies.splice(bodies.indexOf(picked), 1);
          const { body, bytesMax } = picked;
          const target = each.isOnLoan ? body.nextTarget(bytesMax - body.length) : undefined;
          body.release();
          target?.release();
        } else if (each.kind === 'take') other.take(each.bytes);
        else if (each.kind === 'give') other.give(other.held);
        else if (each.kind === 'rest') large.rest(performance.now() + each.afterMs);
        assert.ok(budget.held + large.keptBytes <= max, `${budget.held} held and ${large.keptBytes} kept of ${max}`);
        assert.ok(large.keptBytes >= 0 && budget.held >= 0);
      }
      for (const { body, expected } of bodies) {
        const { bytes } = body;
        for (let at = 0; at < expected.length; at += 2) assert.is(bytes[expected[at]!], expected[at + 1]);
        body.release();
      }
      other.give(other.held);
      assert.is(budget.held, 0);
      assert.is(budget.left, max, 'nothing is left out where no body is there');
    },
  );
  fc.assert(property, fuzzed(1000));
});

/** Bodies of the longest size, one after the other: `count` of them at once. */
function warm(buffers: FrameBuffers, budget: ByteBudget, count: number): void {
  const bodies = Array.from({ length: count }, () => new HeldBody(budget.share(), buffers, bodyMax));
  for (const body of bodies) assert.is(body.add(new Uint8Array(bodyMax)), true);
  for (const body of bodies) body.release();
}

test('a crowd of bodies that have only begun leaves most of the budget to others', () => {
  const { budget, buffers, large } = openBuffers(2_000_000);
  warm(buffers, budget, 3);
  assert.is(large.keptBytes, 3 * bodyMax);
  const begun = Array.from({ length: 3 }, () => new HeldBody(budget.share(), buffers, bodyMax));
  for (const body of begun) assert.is(body.add(new Uint8Array(1000)), true);
  assert.ok(budget.left >= (2_000_000 * 3) / 4 - 3 * 4096, `${budget.left} left`);
  const others = [];
  while (others.length < 20) {
    const body = new HeldBody(budget.share(), buffers, 100_000);
    if (!body.add(new Uint8Array(100_000))) break;
    others.push(body);
  }
  assert.ok(others.length >= 10, `${others.length} others`);
  assert.ok(budget.held + large.keptBytes <= budget.max, `${budget.held} held and ${large.keptBytes} kept`);
});

test('memory that is kept makes room for whatever else the budget is to hold', () => {
  const { budget, buffers, large } = openBuffers(2_000_000);
  warm(buffers, budget, 3);
  const replies = budget.share();
  replies.force(1_200_000);
  assert.ok(large.keptBytes > 0 && budget.held + large.keptBytes <= budget.max, `${large.keptBytes} kept`);
  replies.force(1_200_000);
  assert.is(large.keptBytes, 0);
});

for (const memory of ['own', 'shared'] as const) {
  test(`what nothing has used for a while is let go of: ${memory} memory`, () => {
    const { budget, buffers, large } = openBuffers(10_000_000);
    const body = new HeldBody(budget.share(), buffers, bodyMax, memory);
    body.add(new Uint8Array(400_000));
    const { buffer } = body.bytes;
    body.release();
    large.rest(performance.now() + 5_000);
    assert.is(large.keptBytes, buffer.byteLength, 'it was used just now');
    large.rest(performance.now() + 20_000);
    assert.is(large.keptBytes, 0);
    // Memory of this thread is the system's again; what is shared serves as long as it is there.
    const next = new HeldBody(budget.share(), buffers, bodyMax, memory);
    assert.is(next.add(new Uint8Array(400_000)), true);
    assert.equal(
      [buffer.byteLength > 0, next.bytes.buffer === buffer],
      memory === 'own' ? [false, false] : [true, true],
    );
  });
}

test('a body gets the smallest buffer that is long enough for it, and the longest where none is', () => {
  const { budget, buffers } = openBuffers(10_000_000);
  const sizes = [100_000, 200_000, 400_000];
  const bufferOf = new Map<number, ArrayBufferLike>();
  const first = sizes.map((size) => new HeldBody(budget.share(), buffers, size));
  for (const [index, body] of first.entries()) {
    body.add(new Uint8Array(sizes[index]!));
    bufferOf.set(sizes[index]!, body.bytes.buffer);
  }
  for (const body of first) body.release();
  for (const [needed, got] of [
    [150_000, 200_000],
    [100_000, 100_000],
    [500_000, 400_000],
  ] as const) {
    const body = new HeldBody(budget.share(), buffers, needed);
    body.add(new Uint8Array(10));
    assert.is(body.bytes.buffer, bufferOf.get(got), `for ${needed} bytes`);
    body.release();
  }
});

test('nothing is lost where the system has no memory: the body is refused, and what it had is given back', (t) => {
  const { budget, buffers, large } = openBuffers(4_000_000);
  for (const kind of ['own', 'shared'] as const) {
    const prototype = kind === 'own' ? ArrayBuffer.prototype : SharedArrayBuffer.prototype;
    const name = kind === 'own' ? 'resize' : 'grow';
    const usual = Object.getOwnPropertyDescriptor(prototype, name)!;
    t.after(() => Object.defineProperty(prototype, name, usual));
    const body = new HeldBody(budget.share(), buffers, bodyMax, kind);
    assert.is(body.add(new Uint8Array(1000).fill(7)), true);
    const before = [budget.held, budget.left, large.keptBytes];
    const fail = () => {
      throw new RangeError('out of memory');
    };
    Object.defineProperty(prototype, name, { ...usual, value: fail });
    assert.is(body.add(new Uint8Array(100_000)), false);
    assert.is(body.nextTarget(200_000), undefined);
    assert.is(new HeldBody(budget.share(), buffers, bodyMax, kind).add(new Uint8Array(10)), false);
    assert.equal([budget.held, budget.left, large.keptBytes], before);
    assert.equal([body.length, body.bytes[999]], [1000, 7]);
    Object.defineProperty(prototype, name, usual);
    assert.is(body.add(new Uint8Array(100_000)), true);
    body.release();
    assert.is(budget.held, 0);
    assert.is(budget.left, budget.max);
    assert.ok(large.keptBytes >= 101_000);
  }
});

test('a body is refused where the system has no address space for it', (t) => {
  const { budget, buffers, large } = openBuffers(4_000_000);
  const Usual = globalThis.SharedArrayBuffer;
  t.after(() => {
    globalThis.SharedArrayBuffer = Usual;
  });
  globalThis.SharedArrayBuffer = class extends Usual {
    constructor(length: number, options?: { maxByteLength?: number }) {
      super(length, options);
      throw new RangeError('Array buffer allocation failed');
    }
  } as typeof SharedArrayBuffer;
  const body = new HeldBody(budget.share(), buffers, bodyMax);
  assert.is(body.add(new Uint8Array(1000)), false);
  body.release();
  assert.equal([budget.held, budget.left, large.keptBytes], [0, budget.max, 0]);
});

test.run();
