/** What a peer sends, as any bytes and cut in any way, to a connection whose requests need no thread. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { compileEngine, Engine } from '../../src/engine/index.js';
import { Access } from '../../src/server/access/access.js';
import { ByteBudget } from '../../src/server/byte-budget.js';
import { Connection } from '../../src/server/connection/connection.js';
import { BodyStates } from '../../src/server/connection/echo-body.js';
import { FrameBuffers } from '../../src/server/connection/frame-buffers.js';
import { LoopShare } from '../../src/server/connection/loop-share.js';
import { ReplyStage } from '../../src/server/connection/reply-stage.js';
import { Counters } from '../../src/server/counters.js';
import { EndLog } from '../../src/server/end-log.js';
import { Admission } from '../../src/server/requests/admission.js';
import { Dispatcher } from '../../src/server/requests/dispatcher.js';
import { Executor } from '../../src/server/requests/executor.js';
import type { FuzzTarget } from '../support/fuzz.js';
import { MemoryChannel } from '../support/memory-channel.js';
import type { Random } from '../support/random.js';
import { frame, request, splitFrames } from '../support/wire.js';

const maxFrameBytes = 100_000;
const budgetBytes = 4_000_000;
/** Frames that the engine answers on the spot, whatever operation they name: up to there no thread is asked. */
const frameBytesMax = 60_000;

export const frameRouterTarget: FuzzTarget = { name: 'frame-router', bytesMax: 300_000, make, check };

const log = pino({ level: 'silent' });
const engineModule = await compileEngine();
let engine = new Engine(engineModule);
let renewed = 0;

function open(budget: ByteBudget) {
  const observer = new Counters();
  const executor = new Executor({ pool: undefined as never, lane: undefined as never, maxFrameBytes, workers: 1 });
  let closed = 0;
  const calm = { stage: 0, retryAfterMs: 1000 } as const;
  const admission = new Admission({ maxRequests: 10, maxTotalRequests: 10 }, calm);
  const access = new Access({ mode: 'off', tokensFile: '', workers: 1, log });
  const parts = {
    engine: () => engine,
    renewEngine: () => {
      renewed++;
      engine = new Engine(engineModule);
    },
    dispatcher: new Dispatcher({ engine: () => engine, executor, observer, access, admission }),
    access,
    observer,
    ends: new EndLog(observer, log),
    budget,
    buffers: new FrameBuffers(budget, maxFrameBytes),
    bodyStates: new BodyStates(),
    stage: new ReplyStage(),
    // No turn is over however long this process stands still, so that all is done before `feed` returns.
    loop: new LoopShare(Number.POSITIVE_INFINITY),
    limits: {
      maxFrameBytes,
      unreadPauseBytes: 10_000_000,
      frameTimeoutMs: 60_000,
      firstFrameTimeoutMs: 0,
      idleTimeoutMs: 0,
      minSendRate: 1000,
      unreadPatienceMs: 60_000,
    },
    log,
  };
  const channel = new MemoryChannel((it) => new Connection(it, parts, () => closed++));
  return { channel, observer, closed: () => closed };
}

function make(random: Random): Uint8Array {
  return Buffer.concat(Array.from({ length: random.integer(1, 6) }, () => oneFrame(random)));
}

function oneFrame(random: Random): Buffer {
  const id = random.pick(['1', 'a', 'é', '', 'x'.repeat(300)]);
  const numbers = () => Array.from({ length: random.size(1, 4000) }, () => random.integer(-9, 1_000_000));
  switch (random.integer(0, 6)) {
    case 0:
      return request(id, 'sum', JSON.stringify(numbers()));
    case 1:
      return request(id, 'echo', JSON.stringify({ a: [id, null, true, 1e300], b: numbers().slice(0, 9) }));
    case 2:
      return request(id, 'upper', JSON.stringify(`straße ${id} ${'y'.repeat(random.size(1, frameBytesMax - 1000))}`));
    case 3:
      return request(id, random.pick(['nothing', '$cancel', '$what', 'Echo']), random.pick(['"1"', '1', undefined]));
    case 4:
      return frame(
        random.pick(['', '{', '{}', '[]', '{"id":1}', '{"op":"echo"}', '\ufeff{}', '{"id":"1","id":"2","op":"echo"}']),
      );
    case 5:
      return frame(Buffer.from(Array.from({ length: random.size(1, 500) }, () => random.integer(0, 255))));
    default:
      return frame(Buffer.alloc(random.integer(0, 3), '['));
  }
}

/**
 * Invariants: each whole frame has one reply, in JSON; it never throws; the engine never traps; what is held is bounded while
 * the connection is open, and nothing when it is closed.
 */
function check(input: Uint8Array, random: Random): void {
  const bytes = withoutLongFrames(Buffer.from(input));
  const budget = new ByteBudget(budgetBytes);
  const { channel, observer, closed } = open(budget);
  const before = renewed;
  for (let at = 0; at < bytes.length && !channel.isEnded && !channel.isDestroyed; ) {
    const end = Math.min(bytes.length, at + (random.oneIn(2) ? random.integer(1, 9) : random.size(1, 100_000)));
    channel.feed(bytes.subarray(at, end));
    assert.ok(budget.held <= budgetBytes, `${budget.held} bytes are held`);
    at = end;
  }
  const { bodies, rest } = splitFrames(bytes);
  const replies = splitFrames(channel.takenBytes);
  assert.is(replies.rest.length, 0, 'half a reply was sent');
  const tooLarge =
    rest.length >= 4 && rest.readUInt32BE() > maxFrameBytes ? observer.connectionsEnded.frame_too_large : 0;
  assert.is(replies.bodies.length, bodies.length + tooLarge, 'replies to whole frames');
  for (const body of replies.bodies)
    assert.type(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)).ok, 'boolean');
  assert.is(renewed, before, 'the engine was renewed');
  channel.handlers.ended();
  channel.destroy();
  assert.equal([closed(), budget.held], [1, 0]);
}

/** Cuts the input before the first whole frame that is so long that a thread may be asked. */
function withoutLongFrames(bytes: Buffer): Buffer {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (length > frameBytesMax && length <= maxFrameBytes) return bytes.subarray(0, at);
    at += 4 + length;
  }
  return bytes;
}
