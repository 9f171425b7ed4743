import * as assert from 'uvu/assert';
import { OwnerCosts } from '../../src/pool/owner-costs.js';
import { suite } from '../support/suite.js';

const test = suite('pool: who makes threads be ended');

function costs() {
  const clock = { nowMs: 1000 };
  return { clock, costs: new OwnerCosts(() => clock.nowMs), owner: {}, other: {} };
}

test('an owner whose tasks are ended with their threads again and again is wasteful, and no other is', () => {
  const { costs: all, owner, other } = costs();
  for (let count = 0; count < 3; count += 1) {
    assert.is(all.isWasteful(owner), false);
    all.noteCost(owner);
  }
  assert.equal([all.isWasteful(owner), all.isWasteful(other)], [true, false]);
});

test('one most of whose tasks come to their end is not wasteful, and is proven', () => {
  const { costs: all, owner } = costs();
  assert.is(all.isProven(owner), false);
  for (let round = 0; round < 20; round += 1) {
    for (let run = 0; run < 5; run += 1) all.noteRun(owner, true);
    all.noteCost(owner);
  }
  assert.equal([all.isWasteful(owner), all.isProven(owner)], [false, true]);
});

test('runs of an operation that costs nothing are not remembered, and costs fade', () => {
  const { costs: all, clock, owner, other } = costs();
  all.noteRun(other, false);
  assert.is(all.isProven(other), false);
  for (let count = 0; count < 8; count += 1) all.noteCost(owner);
  clock.nowMs += 10_000;
  assert.is(all.isWasteful(owner), true);
  clock.nowMs += 20_000;
  assert.is(all.isWasteful(owner), false);
});

test.run();
