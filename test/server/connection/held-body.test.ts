import * as assert from 'uvu/assert';
import { ByteBudget } from '../../../src/server/byte-budget.js';
import { FrameBuffers } from '../../../src/server/connection/frame-buffers.js';
import { HeldBody } from '../../../src/server/connection/held-body.js';
import { suite } from '../../support/suite.js';

const test = suite('held body');

function bodyWith(
  bytesMax: number,
  budget = new ByteBudget(100_000_000),
  buffers = new FrameBuffers(budget, 50_000_000),
) {
  return { budget, buffers, body: new HeldBody(budget.share(), buffers, bytesMax) };
}

test('gives the bytes in order, in shared memory, however they were cut', () => {
  const whole = Uint8Array.from({ length: 300_000 }, (_, index) => index);
  for (const step of [1000, 65_536, 299_999, 300_000]) {
    const { body, budget } = bodyWith(whole.length);
    for (let at = 0; at < whole.length; at += step) assert.is(body.add(whole.subarray(at, at + step)), true);
    assert.equal(Buffer.from(body.bytes), Buffer.from(whole));
    assert.instance(body.bytes.buffer, SharedArrayBuffer);
    body.release();
    assert.is(budget.held, 0);
  }
});

test('holds no more than a quarter of a mebibyte beyond what has come', () => {
  const { body, budget } = bodyWith(50_000_000);
  let sent = 0;
  for (const bytes of [65_536, 1, 600, 100_000, 3_000_000]) {
    body.add(new Uint8Array(bytes));
    sent += bytes;
    assert.ok(budget.held <= sent + 256 * 1024, `${budget.held} bytes held for ${sent}`);
  }
});

test('adds nothing where the budget has no room, and keeps what it has', () => {
  const { body, budget } = bodyWith(1_000_000, new ByteBudget(200_000));
  assert.is(body.add(new Uint8Array(100_000).fill(1)), true);
  const { held } = budget;
  assert.is(body.add(new Uint8Array(100_000)), false);
  assert.equal([body.length, budget.held, body.bytes[99_999]], [100_000, held, 1]);
});

test('uses the memory of bodies before it again, and does not grow with each', () => {
  const budget = new ByteBudget(10_000_000);
  const buffers = new FrameBuffers(budget, 50_000_000);
  const seen = new Set<ArrayBufferLike>();
  for (const first of [65_536, 70_000, 99_999, 65_536]) {
    const { body } = bodyWith(100_000, budget, buffers);
    body.add(new Uint8Array(first));
    body.add(new Uint8Array(100_000 - first));
    seen.add(body.bytes.buffer);
    body.release();
    assert.is(buffers.large.keptBytes, 100_000);
  }
  assert.is(seen.size, 1);
});

test('what is kept and what is held are together no more than the budget', () => {
  const budget = new ByteBudget(1_000_000);
  const buffers = new FrameBuffers(budget, 50_000_000);
  for (const size of [200_000, 300_000, 400_000, 500_000, 250_000]) {
    const { body } = bodyWith(size, budget, buffers);
    assert.is(body.add(new Uint8Array(size)), true);
    assert.ok(
      budget.held + buffers.large.keptBytes <= budget.max,
      `${budget.held} held and ${buffers.large.keptBytes} kept`,
    );
    body.release();
    assert.ok(buffers.large.keptBytes <= budget.max);
  }
});

test('takes a kept buffer where memory is too short to grow, and keeps its bytes', () => {
  const budget = new ByteBudget(1_000_000);
  const { body: first, buffers } = bodyWith(600_000, budget);
  first.add(new Uint8Array(600_000));
  const small = bodyWith(500_000, budget, buffers).body;
  small.add(new Uint8Array(100_000).fill(7));
  first.release();
  small.add(new Uint8Array(400_000).fill(8));
  assert.equal([small.bytes[0], small.bytes[99_999], small.bytes[100_000], small.length], [7, 7, 8, 500_000]);
  assert.ok(
    budget.held + buffers.large.keptBytes <= budget.max,
    `${budget.held} held and ${buffers.large.keptBytes} kept`,
  );
  small.release();
  assert.ok(buffers.large.keptBytes >= 600_000, `${buffers.large.keptBytes} kept`);
});

test('gives reads a place of their own, whose bytes are not copied again', () => {
  for (const kind of ['shared', 'own'] as const) {
    const { budget, buffers } = bodyWith(1_000_000);
    const body = new HeldBody(budget.share(), buffers, 1_000_000, kind);
    body.add(new Uint8Array(65_536).fill(1));
    const target = body.nextTarget(1_000_000 - 65_536)!;
    assert.ok(target.bytes.length >= 65_536);
    target.bytes.fill(2);
    assert.is(body.add(target.bytes.subarray(0, 70_000)), true);
    target.release();
    // What comes by another way is copied.
    assert.is(body.add(new Uint8Array(10).fill(3)), true);
    const { bytes } = body;
    assert.equal([bytes.length, bytes[65_535], bytes[65_536], bytes[135_535], bytes[135_536]], [135_546, 1, 2, 2, 3]);
    assert.is(body.nextTarget(1000), undefined, 'a few bytes are read together with what follows');
    body.release();
    assert.is(budget.held, 0);
  }
});

test('memory that the next read goes to is nobody else’s before that has come', () => {
  const { budget, buffers, body } = bodyWith(1_000_000);
  body.add(new Uint8Array(65_536));
  const { buffer } = body.bytes;
  const target = body.nextTarget(500_000)!;
  body.release();
  assert.ok(budget.held > 0);
  const other = new HeldBody(budget.share(), buffers, 1_000_000);
  other.add(new Uint8Array(10));
  assert.is.not(other.bytes.buffer, buffer);
  other.release();
  target.release();
  assert.is(budget.held, 0);
  const next = new HeldBody(budget.share(), buffers, 1_000_000);
  next.add(new Uint8Array(10));
  assert.is(next.bytes.buffer, buffer, 'it is used again');
});

test('no place is given where the budget has no room for it', () => {
  const { budget, body } = bodyWith(1_000_000, new ByteBudget(140_000));
  body.add(new Uint8Array(65_536));
  const { held } = budget;
  assert.is(body.nextTarget(500_000), undefined);
  assert.is(budget.held, held);
});

test('a reply is written around a part of the body, wherever that stands', () => {
  const { budget, buffers } = bodyWith(1_000_000);
  const body = new HeldBody(budget.share(), buffers, 1_000_000, 'own');
  body.add(Buffer.from('{"data":[1,2] , "id":"x","op":"echo"}'));
  const head = Buffer.from(`....{"id":"${'x'.repeat(256)}","ok":true,"result":`);
  assert.is(String(Buffer.from(body.replyAround(head, 8, 5))), `${head}[1,2]}`);
});

test.run();
