import * as assert from 'uvu/assert';
import { LineBudget } from '../../src/pool/line-budget.js';
import { suite } from '../support/suite.js';

const test = suite('line budget');

test('a hundred lines may be written at once and twenty a second, and what was dropped is told once', () => {
  let nowMs = 0;
  const budget = new LineBudget(() => nowMs);
  const written = () => Array.from({ length: 1000 }, () => budget.take()).filter(Boolean).length;
  assert.is(written(), 100);
  assert.is(budget.takeForDropped(), false);
  nowMs += 1000;
  assert.is(written(), 20);
  assert.equal(budget.dropped(), { linesDropped: 1880 });
  assert.equal(budget.dropped(), {});
  nowMs += 1e9;
  assert.is(budget.takeForDropped(), false);
  assert.is(written(), 100);
});

test.run();
