import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { ByteBudget } from '../../../src/server/byte-budget.js';
import { FrameBuffers } from '../../../src/server/connection/frame-buffers.js';
import { FrameCollector } from '../../../src/server/connection/frame-collector.js';
import {
  type FrameHandler,
  FrameRouter,
  type GatheredBody,
  type LargeFrame,
} from '../../../src/server/connection/frame-router.js';
import { HeldBody } from '../../../src/server/connection/held-body.js';
import type { RequestRecord } from '../../../src/server/requests/request.js';
import { fuzzed } from '../../support/seed.js';
import { suite } from '../../support/suite.js';
import { frame, splitFrames } from '../../support/wire.js';

const test = suite('frame router');

const inlineMax = 64 * 1024;

/** Notes what each frame became; a large frame is held or passed over by its first byte. */
class Recorder implements FrameHandler {
  readonly budget: ByteBudget;
  readonly router = new FrameRouter(this);
  readonly seen: string[] = [];
  gatheredBytesMax = inlineMax;
  /** How many more frames may be answered before the stream has to wait. */
  patience = Number.POSITIVE_INFINITY;
  /** Frames that are answered before one makes the handler throw. */
  untilDefect = Number.POSITIVE_INFINITY;
  readonly #share;
  readonly buffers;

  constructor(budgetBytes = 100_000_000) {
    this.budget = new ByteBudget(budgetBytes);
    this.#share = this.budget.share();
    this.buffers = new FrameBuffers(this.budget, 1_000_000);
  }

  hasToWait(): boolean {
    return this.patience <= 0;
  }

  answer(bytes: Uint8Array) {
    // At most three frames a call, as an engine that has no more room.
    const { bodies } = splitFrames(Buffer.from(bytes));
    const isLarge = (body: Buffer) => body.length > inlineMax;
    const end = bodies.findIndex(isLarge);
    const small = bodies.slice(0, Math.min(3, end < 0 ? bodies.length : end));
    for (const body of small) this.#note('small', body);
    const consumed = small.reduce((sum, body) => sum + 4 + body.length, 0);
    return { consumed, isCut: small.length < 3 && small.length === (end < 0 ? bodies.length : end) };
  }

  newCollector(): FrameCollector {
    return new FrameCollector(this.#share, this.buffers);
  }

  refuseSmall(): void {
    this.seen.push('refused small');
  }

  judge(collector: FrameCollector): LargeFrame | undefined {
    if (!collector.isDone) return undefined;
    const { missingBytes, body } = collector;
    if (body[0] === 1) {
      this.#note('passed', body);
      return { kind: 'passing', missingBytes };
    }
    if (collector.isIncomplete) {
      this.seen.push('refused large');
      return { kind: 'passing', missingBytes };
    }
    const held = new HeldBody(this.#share, this.buffers, collector.bodyBytes);
    if (held.add(body)) return { kind: 'holding', body: held, request: {} as RequestRecord, missingBytes };
    this.refuseHeld();
    held.release();
    return { kind: 'passing', missingBytes };
  }

  answerHeld(body: GatheredBody): void {
    try {
      assert.instance(body, HeldBody);
      if (body instanceof HeldBody) this.#note('held', Buffer.from(body.bytes));
    } finally {
      body.release();
    }
  }

  refuseHeld(): void {
    this.seen.push('refused held');
  }

  #note(what: string, body: Uint8Array): void {
    if (this.untilDefect-- <= 0) throw new Error('a defect');
    this.patience--;
    this.seen.push(`${what} ${body[0]} ${body.at(-1)} ${body.length}`);
  }
}

const body = fc
  .tuple(fc.constantFrom(0, 1, 2), fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 150_000 })))
  .map(([first, length]) => {
    const bytes = new Uint8Array(length).fill(9);
    bytes[0] = first;
    bytes[length - 1] = length & 0xff;
    return bytes;
  });

function expectedOf(bytes: Uint8Array): string {
  const told = `${bytes[0]} ${bytes.at(-1)} ${bytes.length}`;
  if (bytes.length <= inlineMax) return `small ${told}`;
  return bytes[0] === 1 ? `passed 1 9 ${inlineMax}` : `held ${told}`;
}

test('gives each byte to exactly one frame, however the stream is cut and wherever it has to wait', () => {
  const property = fc.property(
    fc.array(body, { maxLength: 12 }),
    fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 }),
    fc.array(fc.nat(3), { maxLength: 40 }),
    (bodies, cuts, waits) => {
      const recorder = new Recorder();
      const stream = Buffer.concat(bodies.map((each) => frame(each)));
      let at = 0;
      for (let round = 0; at < stream.length; round++) {
        const piece = stream.subarray(at, at + cuts[round % cuts.length]!);
        // A stream that has to wait takes less than it is given, and gets the rest again.
        recorder.patience = waits[round] ?? Number.POSITIVE_INFINITY;
        at += recorder.router.push(piece, round);
      }
      assert.equal(recorder.seen, bodies.map(expectedOf));
      assert.is(recorder.router.next.kind, 'border');
      assert.is(recorder.budget.held, 0);
    },
  );
  fc.assert(property, fuzzed(200));
});

test('answers what has no room, and still finds the next frame', () => {
  const recorder = new Recorder(90_000);
  const large = new Uint8Array(300_000);
  const stream = Buffer.concat([frame(large), frame('x')]);
  for (let at = 0; at < stream.length; at += 10_000) recorder.router.push(stream.subarray(at, at + 10_000), 0);
  assert.equal([recorder.seen.length, recorder.seen[1]], [2, `small 120 120 1`]);
  assert.match(recorder.seen[0]!, /^refused (held|large)$/);
  assert.is(recorder.budget.held, 0);
});

test('lets go of a frame that is not whole, wherever that is', () => {
  const large = frame(new Uint8Array(200_000));
  for (const cut of [1, 3, 5, 30_000, 65_539, 65_541, 150_000]) {
    const recorder = new Recorder();
    recorder.router.push(large.subarray(0, cut), 0);
    recorder.router.drop();
    assert.equal([recorder.seen, recorder.budget.held], [[], 0], `cut at ${cut}`);
  }
});

test('passes over the rest of a frame whose answer is out', () => {
  const recorder = new Recorder();
  const stream = Buffer.concat([frame(new Uint8Array(200_000)), frame('x')]);
  recorder.router.push(stream.subarray(0, 100_000), 0);
  recorder.router.passOver();
  assert.is(recorder.budget.held, 0);
  recorder.router.push(stream.subarray(100_000), 0);
  assert.equal(recorder.seen, ['small 120 120 1']);
});

test('gives back what a frame had where its answer throws, at every size and however it was cut', () => {
  for (const first of [0, 1]) {
    for (const length of [100, 30_000, 100_000, 200_000]) {
      const bytes = frame(new Uint8Array(length).fill(first));
      for (const step of [1000, 65_540, 199_999]) {
        const recorder = new Recorder();
        recorder.untilDefect = 0;
        const small = recorder.buffers.takeSmall()!;
        recorder.buffers.putBackSmall(small);
        const send = () => {
          for (let at = 0; at < bytes.length; at += step) recorder.router.push(bytes.subarray(at, at + step), 0);
        };
        assert.throws(send, /a defect/);
        recorder.router.drop();
        assert.is(recorder.budget.held, 0, `${length} bytes, ${step} at a time`);
        assert.is(recorder.buffers.takeSmall(), small, 'the small buffer is there again');
      }
    }
  }
});

test('time in which nothing could come does not count', () => {
  const recorder = new Recorder();
  recorder.router.push(frame('abc').subarray(0, 5), 1000);
  recorder.router.forgive(500);
  assert.is(recorder.router.unfinishedSinceMs, 1500);
});

test.run();
