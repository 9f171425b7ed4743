/** A body by itself, where what a channel's reads bring cannot be timed from outside. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { compileEngine, Engine } from '../../../src/engine/index.js';
import { Pool } from '../../../src/pool/pool.js';
import type { BulkOutcome } from '../../../src/server/bulk/bulk-body.js';
import { BulkLane } from '../../../src/server/bulk/bulk-lane.js';
import { ByteBudget } from '../../../src/server/byte-budget.js';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { largeSum, places } from './bulk-support.js';

const test = suite('a body in parts');

const sum = largeSum('1', 300_000);
const whole = sum.frame.subarray(4);
const startBytes = 64 * 1024;
const turnMs = 1000;

/** A lane over a pool, without connections. */
async function openLane(t: TestContext) {
  const engineModule = await compileEngine();
  const { bodyStateBytes } = new Engine(engineModule);
  const piece = BulkLane.pieceFor(1, bodyStateBytes, 1);
  const memory = BulkLane.memoryIn(piece, 1, bodyStateBytes, { index: 0, count: 1 });
  const pool = new Pool({
    workers: 1,
    queueMax: 1,
    workerMemoryMb: 64,
    operationModules: [],
    engineModule,
    partMemory: piece,
    log: pino({ level: 'silent' }),
  });
  t.after(() => pool.close());
  await pool.start();
  const lane = new BulkLane(pool, memory, 1);
  const budget = new ByteBudget(10_000_000);
  const share = budget.share();
  let released = 0;
  const open = (onEnd: (outcome: BulkOutcome | undefined) => void = () => assert.unreachable()) =>
    lane.open({
      start: whole.subarray(0, startBytes),
      totalBytes: whole.length,
      progressBytes: whole.length,
      release: () => released++,
      share,
      label: '1',
      owner: share,
      onEnd,
    });
  return { lane, budget, open, released: () => released };
}

test('waits for a place, is not read from meanwhile, and goes on when there is one', async (t) => {
  const { lane, open, released } = await openLane(t);
  const first = Array.from({ length: places }, () => open(() => {}));
  const outcomes: (BulkOutcome | undefined)[] = [];
  const waiting = open((outcome) => outcomes.push(outcome));
  assert.equal([lane.snapshot().waiting, waiting.hasRoom, released()], [1, false, places]);
  first[0]!.abandon('gone');
  await until('it has a place', () => waiting.hasRoom);
  assert.is(waiting.take(whole.subarray(startBytes)), whole.length - startBytes);
  await until('it has its answer', () => outcomes.length === 1);
  assert.is(outcomes[0]!.kind, 'frame');
});

test('gives up its place while others wait, takes it up again, and loses no number', async (t) => {
  const { lane, budget, open } = await openLane(t);
  const outcomes = new Map<number, BulkOutcome | undefined>();
  const bodies = Array.from({ length: 3 * places }, (_, index) => open((outcome) => outcomes.set(index, outcome)));
  const sent = bodies.map(() => startBytes);
  let nowMs = performance.now();
  // Each brings little in each of its turns.
  await until(
    'all have their answers',
    () => {
      bodies.forEach((each, index) => {
        if (!each.hasRoom || each.isWhole) return;
        const piece = whole.subarray(sent[index]!, sent[index]! + 40_001);
        sent[index]! += each.take(piece);
      });
      nowMs += turnMs + 1;
      lane.sweep(nowMs, 3_600_000);
      return outcomes.size === bodies.length;
    },
    { timeoutMs: 15_000 },
  );
  for (const outcome of outcomes.values()) {
    const reply = outcome?.kind === 'frame' ? JSON.parse(Buffer.from(outcome.frame.subarray(4)).toString()) : outcome;
    assert.equal(reply, { id: '1', ok: true, result: sum.result });
  }
  const { open: stillOpen, waiting, bytes } = lane.snapshot();
  assert.equal([stillOpen, waiting, budget.held], [0, 0, 0]);
  assert.ok(bytes < 64 * 1024 * 1024, `${bytes} bytes`);
});

test('keeps its place where nobody waits', async (t) => {
  const { lane, open } = await openLane(t);
  const alone = open(() => {});
  await until('its start is added', () => alone.hasRoom);
  lane.sweep(performance.now() + 60_000, 1);
  assert.equal([lane.snapshot().open, alone.hasRoom], [1, true]);
});

test('is turned away where it never gets a place', async (t) => {
  const { lane, open } = await openLane(t);
  for (let count = 0; count < places; count++) open(() => {});
  const outcomes: (BulkOutcome | undefined)[] = [];
  const waiting = open((outcome) => outcomes.push(outcome));
  assert.is(lane.sweep(waiting.cameAtMs + 101, 100), 1);
  assert.is(outcomes[0]?.kind === 'error' && outcomes[0].code, 'OVERLOADED');
  // What is still to come of it is dropped.
  assert.is(waiting.take(whole.subarray(startBytes)), whole.length - startBytes);
});

test.run();
