/** A body by itself, where what a socket's reads bring cannot be timed from outside. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { compileEngine, Engine } from '../../src/engine/index.js';
import { Pool } from '../../src/pool/pool.js';
import type { BulkOutcome } from '../../src/server/bulk-body.js';
import { BulkLane } from '../../src/server/bulk-lane.js';
import { ByteBudget } from '../../src/server/byte-budget.js';
import { FrameBuffers } from '../../src/server/frame-buffers.js';
import { FrameCollector } from '../../src/server/frame-collector.js';
import { suite } from '../support/suite.js';
import { largeSum, places } from './bulk-support.js';

const test = suite('a body in parts');

test('that waits for a place is over where there is no memory for what came together with its start', async (t) => {
  const engineModule = await compileEngine();
  const log = pino({ level: 'silent' });
  const pool = new Pool({ workers: 1, queueMax: 1, workerMemoryMb: 64, operationModules: [], engineModule, log });
  t.after(() => pool.close());
  const lane = new BulkLane(pool, BulkLane.memoryFor(1, new Engine(engineModule).bodyStateBytes), 1);
  const budget = new ByteBudget(200_000);
  const buffers = new FrameBuffers(0);
  const { frame } = largeSum('1', 300_000);
  const open = (onEnd: (outcome: BulkOutcome | undefined) => void) => {
    const collector = new FrameCollector(budget, buffers, 0);
    const taken = collector.takeStart(frame);
    return { body: lane.open({ collector, label: '1', onEnd }), rest: frame.subarray(taken) };
  };
  const ends: (BulkOutcome | undefined)[] = [];
  for (let count = 0; count < places; count++) open(() => assert.unreachable());
  const { body, rest } = open((outcome) => ends.push(outcome));
  assert.equal([lane.snapshot().open, lane.snapshot().waiting], [places, 1]);
  assert.is(body.take(rest.subarray(0, 190_000)), 190_000);
  assert.equal(
    ends.map((outcome) => outcome?.kind === 'error' && outcome.code),
    ['OVERLOADED'],
  );
  assert.equal([lane.snapshot().waiting, lane.snapshot().ended.overloaded, budget.held], [0, 1, 0]);
  // What is still to come is passed over.
  assert.is(body.take(rest.subarray(190_000)), rest.length - 190_000);
  assert.is(body.isWhole, true);
});

test.run();
