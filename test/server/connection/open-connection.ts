/** A connection over a channel in memory, with what it takes to make one. */
import { pino } from 'pino';
import { compileEngine, Engine } from '../../../src/engine/index.js';
import { Access } from '../../../src/server/access/access.js';
import { ByteBudget } from '../../../src/server/byte-budget.js';
import { Connection } from '../../../src/server/connection/connection.js';
import { BodyStates } from '../../../src/server/connection/echo-body.js';
import { FrameBuffers } from '../../../src/server/connection/frame-buffers.js';
import { LoopShare } from '../../../src/server/connection/loop-share.js';
import { ReplyStage } from '../../../src/server/connection/reply-stage.js';
import { Counters } from '../../../src/server/counters.js';
import { EndLog } from '../../../src/server/end-log.js';
import { Admission } from '../../../src/server/requests/admission.js';
import { Dispatcher } from '../../../src/server/requests/dispatcher.js';
import { Executor } from '../../../src/server/requests/executor.js';
import { MemoryChannel } from '../../support/memory-channel.js';
import { splitFrames } from '../../support/wire.js';

export const engineModule = await compileEngine();
const log = pino({ level: 'silent' });

/** A connection whose requests need no thread. */
export function openConnection(engines: (() => Engine)[] = [() => new Engine(engineModule)]) {
  let engine = engines.shift()!();
  const observer = new Counters();
  const budget = new ByteBudget(10_000_000);
  const executor = new Executor({
    pool: undefined as never,
    lane: undefined as never,
    maxFrameBytes: 1_000_000,
    workers: 1,
  });
  const access = new Access({ mode: 'off', tokensFile: '', workers: 1, log });
  const calm = { stage: 0, retryAfterMs: 1000 } as const;
  const admission = new Admission({ maxRequests: 10, maxTotalRequests: 10 }, calm);
  const dispatcher = new Dispatcher({ engine: () => engine, executor, observer, access, admission });
  let closed = 0;
  let connection!: Connection;
  const parts = {
    engine: () => engine,
    renewEngine: () => {
      engine = engines.shift()?.() ?? new Engine(engineModule);
    },
    dispatcher,
    access,
    observer,
    ends: new EndLog(observer, log),
    budget,
    buffers: new FrameBuffers(budget, 1_000_000),
    bodyStates: new BodyStates(),
    stage: new ReplyStage(),
    // No turn is over however long this process stands still, so that all is done before `feed` returns.
    loop: new LoopShare(Number.POSITIVE_INFINITY),
    limits: {
      maxFrameBytes: 1_000_000,
      unreadPauseBytes: 100_000,
      frameTimeoutMs: 1000,
      firstFrameTimeoutMs: 0,
      idleTimeoutMs: 0,
      minSendRate: 1000,
      unreadPatienceMs: 5000,
    },
    log,
  };
  const channel = new MemoryChannel((it) => {
    connection = new Connection(it, parts, () => closed++);
    return connection;
  });
  const replies = () => splitFrames(channel.takenBytes).bodies.map((body) => JSON.parse(String(body)));
  return { connection, channel, observer, budget, replies, closed: () => closed, parts };
}
