/** A body by itself, where what a channel's reads bring cannot be timed from outside. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { compileEngine, Engine } from '../../../src/engine/index.js';
import { Pool } from '../../../src/pool/pool.js';
import type { TaskRunner } from '../../../src/pool/task.js';
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

/** A lane over a pool, without connections. @param via what stands between the two */
async function openLane(t: TestContext, via: (pool: TaskRunner) => TaskRunner = (pool) => pool) {
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
  const log = pino({ level: 'silent' });
  const lane = new BulkLane({ pool: via(pool), memory, workers: 1, ioThreads: 1, log });
  const budget = new ByteBudget(10_000_000);
  const share = budget.share();
  let released = 0;
  const open = (
    onEnd: (outcome: BulkOutcome | undefined) => void = () => assert.unreachable(),
    start = whole.subarray(0, startBytes),
  ) =>
    lane.open({
      start,
      totalBytes: whole.length,
      progressBytes: whole.length,
      release: () => released++,
      share,
      label: '1',
      owner: share,
      group: share,
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

/** A pool that does not work as long as it is broken. */
function breakable() {
  const state = { isBroken: false };
  const via = (pool: TaskRunner): TaskRunner => ({
    submit(...task) {
      if (state.isBroken) throw new Error('a defect');
      return pool.submit(...task);
    },
  });
  return { state, via };
}

test('a part that no thread could be given, by a defect, costs its body, and no place, no memory and no other body', async (t) => {
  const { state, via } = breakable();
  const { lane, budget, open, released } = await openLane(t, via);
  const outcomes: (BulkOutcome | undefined)[] = [];
  const end = (outcome: BulkOutcome | undefined) => outcomes.push(outcome);
  state.isBroken = true;
  const bodies = Array.from({ length: places + 2 }, () => open(end));
  bodies[0]!.take(whole.subarray(startBytes));
  assert.is(outcomes.length, 0, 'nobody is told in the middle of a call');
  for (const body of bodies.slice(1)) {
    await until('it has a place', () => body.hasRoom);
    body.take(whole.subarray(startBytes));
  }
  await until('all have their answers', () => outcomes.length === bodies.length);
  for (const outcome of outcomes) assert.is(outcome?.kind === 'error' && outcome.code, 'INTERNAL');
  const { open: stillOpen, waiting, ended, bytes } = lane.snapshot();
  const count = bodies.length;
  assert.equal([stillOpen, waiting, ended.failed, budget.held, released()], [0, 0, count, 0, count]);
  state.isBroken = false;
  for (let round = 1; round <= 3; round++) {
    const body = open(end);
    body.take(whole.subarray(startBytes));
    await until('it has its answer', () => outcomes.length === count + round);
    assert.is(outcomes.at(-1)!.kind, 'frame');
  }
  assert.is(lane.snapshot().bytes, bytes);
});

test('so does one that is whole when it is taken', async (t) => {
  const { state, via } = breakable();
  const { lane, open, released } = await openLane(t, via);
  state.isBroken = true;
  const outcomes: (BulkOutcome | undefined)[] = [];
  open((outcome) => outcomes.push(outcome), whole);
  assert.is(outcomes.length, 0);
  await until('it has its answer', () => outcomes.length === 1);
  assert.is(outcomes[0]?.kind === 'error' && outcomes[0].code, 'INTERNAL');
  assert.equal([lane.snapshot().open, released()], [0, 1]);
});

test.run();
