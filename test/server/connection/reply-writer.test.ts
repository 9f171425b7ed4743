import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { ByteBudget } from '../../../src/server/byte-budget.js';
import { ReplyStage } from '../../../src/server/connection/reply-stage.js';
import { ReplyWriter } from '../../../src/server/connection/reply-writer.js';
import { MemoryChannel } from '../../support/memory-channel.js';
import { fuzzed } from '../../support/seed.js';
import { suite } from '../../support/suite.js';

const test = suite('reply writer');

function openWriter(budget = new ByteBudget(100_000_000), stage = new ReplyStage()) {
  let writer!: ReplyWriter;
  const channel = new MemoryChannel((it) => {
    writer = new ReplyWriter(it, budget.share(), stage, 1024 * 1024);
    return {
      nextTarget: () => undefined,
      wantsLittle: () => false,
      received: () => {},
      written: () => writer.written(),
      ended: () => {},
      failed: () => {},
      closed: () => writer.close(),
    };
  });
  return { writer, channel, budget, stage };
}

const bytesOf = (length: number, from: number) => Uint8Array.from({ length }, (_, index) => from + index);

test('writes everything once and in order, however the peer takes it, and gives all memory back', () => {
  const reply = fc.record({
    length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 200_000 })),
    isOwn: fc.boolean(),
  });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('batch' as const), replies: fc.array(reply, { maxLength: 6 }) }),
    fc.record({ kind: fc.constant('stall' as const), state: fc.constantFrom('held' as const, 'copied' as const) }),
    fc.record({ kind: fc.constant('take' as const) }),
    fc.record({ kind: fc.constant('go' as const) }),
  );
  const property = fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const { writer, channel, budget } = openWriter();
    const expected: Uint8Array[] = [];
    const scratch = new Uint8Array(200_000);
    for (const each of steps) {
      if (each.kind === 'take') channel.takeWrite();
      if (each.kind === 'go') channel.isStalled = false;
      if (each.kind === 'stall') {
        channel.isStalled = true;
        channel.stalledState = each.state;
      }
      if (each.kind !== 'batch') continue;
      writer.beginBatch();
      for (const { length, isOwn } of each.replies) {
        const bytes = bytesOf(length, expected.length);
        expected.push(bytes);
        if (isOwn) assert.is(writer.add(bytes), true);
        else {
          // Overwritten after the call, as the engine's memory is.
          scratch.set(bytes);
          writer.addCopy(scratch.subarray(0, length));
          scratch.fill(0xee);
        }
      }
      writer.flush();
    }
    channel.isStalled = false;
    while (channel.takeWrite() > 0);
    writer.end();
    assert.is(Buffer.compare(channel.takenBytes, Buffer.concat(expected)), 0);
    assert.equal([writer.unreadBytes, budget.held, channel.isEnded], [0, 0, true]);
  });
  fc.assert(property, fuzzed(300));
});

test('counts what is held for small replies as the memory that they take', () => {
  const { writer, channel, budget } = openWriter();
  channel.isStalled = true;
  for (let count = 0; count < 20_000; count++) writer.addCopy(bytesOf(50, count));
  assert.is(writer.unreadBytes, 1_000_000);
  assert.ok(budget.held >= 1_000_000 && budget.held < 1_200_000, `${budget.held} bytes`);
  channel.destroy();
  assert.is(budget.held, 0);
});

test('holds little for a peer that leaves little unread', () => {
  const { writer, channel, budget } = openWriter();
  channel.isStalled = true;
  writer.addCopy(bytesOf(50, 0));
  assert.ok(budget.held <= 4096, `${budget.held} bytes`);
});

test('refuses a long reply that has no room, and takes short ones all the same', () => {
  const { writer, channel, budget } = openWriter(new ByteBudget(50_000));
  channel.isStalled = true;
  assert.is(writer.add(new Uint8Array(100_000)), false);
  assert.equal([writer.unreadBytes, budget.held], [0, 0]);
  assert.is(writer.add(new Uint8Array(100)), true);
  assert.is(writer.unreadBytes, 100);
});

test('shows that a peer takes a long reply, piece by piece', () => {
  const { writer, channel } = openWriter();
  channel.isStalled = true;
  writer.add(new Uint8Array(1_000_000));
  const steps = [];
  while (channel.takeWrite() > 0) steps.push(writer.unreadBytes);
  assert.equal(steps, [1_000_000 - 262_144, 1_000_000 - 2 * 262_144, 1_000_000 - 3 * 262_144, 0]);
});

test('two connections of a thread do not mix in the buffer that they share', () => {
  const stage = new ReplyStage();
  const one = openWriter(new ByteBudget(1_000_000), stage);
  const two = openWriter(new ByteBudget(1_000_000), stage);
  one.writer.beginBatch();
  one.writer.addCopy(Buffer.from('one '));
  two.writer.addCopy(Buffer.from('two'));
  one.writer.addCopy(Buffer.from('and more'));
  one.writer.flush();
  assert.equal([String(one.channel.takenBytes), String(two.channel.takenBytes)], ['one and more', 'two']);
});

test('ends after a batch in which it was told to, while another connection had the stage', () => {
  for (const isStalled of [false, true]) {
    const stage = new ReplyStage();
    const one = openWriter(new ByteBudget(1_000_000), stage);
    const two = openWriter(new ByteBudget(1_000_000), stage);
    one.writer.beginBatch();
    one.writer.addCopy(Buffer.from('one'));
    two.writer.beginBatch();
    two.channel.isStalled = isStalled;
    two.writer.addCopy(Buffer.from('two'));
    two.writer.end();
    assert.is(two.channel.isEnded, false, 'what was added leaves first');
    two.writer.flush();
    if (isStalled) {
      assert.is(two.channel.isEnded, false);
      two.channel.takeWrite();
    }
    assert.equal([String(two.channel.takenBytes), two.channel.isEnded, two.writer.unreadBytes], ['two', true, 0]);
    one.writer.flush();
    assert.is(one.channel.isEnded, false);
  }
});

test.run();
