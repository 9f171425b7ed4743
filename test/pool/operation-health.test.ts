import * as assert from 'uvu/assert';
import { OperationHealth } from '../../src/pool/operation-health.js';
import { StartPace } from '../../src/pool/start-pace.js';
import { suite } from '../support/suite.js';

const test = suite('pool: what deaths cost');

function health() {
  const clock = { nowMs: 1000 };
  return { clock, health: new OperationHealth(() => clock.nowMs) };
}

test('an operation that kills its thread each time is refused for a while, twice as long each time', () => {
  const { clock, health: own } = health();
  for (let death = 0; death < 2; death += 1) own.noteDeath();
  assert.equal([own.isDeadly, own.refusesForMs], [false, 0]);
  for (const expected of [500, 1000, 2000, 4000]) {
    own.noteDeath();
    assert.equal([own.isDeadly, own.refusesForMs], [true, expected]);
    clock.nowMs += expected;
    assert.is(own.refusesForMs, 0);
  }
  for (let death = 0; death < 20; death += 1) own.noteDeath();
  assert.is(own.refusesForMs, 30_000);
});

test('an operation that mostly comes through is not refused for a death now and then', () => {
  const { health: own } = health();
  for (let round = 0; round < 100; round += 1) {
    for (let run = 0; run < 5; run += 1) own.noteRun();
    own.noteDeath();
    assert.is(own.refusesForMs, 0);
  }
});

test('an operation that was mended is like any other after a while', () => {
  const { clock, health: own } = health();
  for (let death = 0; death < 6; death += 1) own.noteDeath();
  assert.ok(own.isDeadly);
  clock.nowMs += 300_000;
  for (let run = 0; run < 10; run += 1) own.noteRun();
  own.noteDeath();
  assert.equal([own.isDeadly, own.refusesForMs], [false, 0]);
});

test('one that has cost a thread is costly for two seconds', () => {
  const { clock, health: own } = health();
  assert.is(own.isCostly, false);
  own.noteCost();
  assert.is(own.isCostly, true);
  clock.nowMs += 2000;
  assert.is(own.isCostly, false);
});

test('threads are started more and more slowly while they keep dying, whatever succeeds in between, and forget after a minute', () => {
  const clock = { nowMs: 0 };
  const pace = new StartPace(() => clock.nowMs);
  const waits = [];
  for (let death = 0; death < 9; death += 1) {
    const waitMs = pace.note();
    waits.push(waitMs);
    clock.nowMs += 10;
  }
  assert.equal(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  clock.nowMs += 60_000;
  assert.is(pace.recent, 0);
  assert.is(pace.note(), 100);
});

test.run();
