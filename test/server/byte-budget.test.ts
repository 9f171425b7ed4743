import * as assert from 'uvu/assert';
import { ByteBudget } from '../../src/server/byte-budget.js';
import { suite } from '../support/suite.js';

const test = suite('byte budget');

test('one owner alone can have most of it', () => {
  const budget = new ByteBudget(900);
  const share = budget.share();
  assert.equal([share.take(800), share.take(1)], [true, false]);
  assert.equal([budget.held, share.held], [800, 800]);
  share.give(800);
  assert.equal([budget.held, budget.leftRatio], [0, 1]);
});

test('a crowd of greedy owners leaves some for the one that comes next', () => {
  const budget = new ByteBudget(256 * 1024 * 1024);
  for (let count = 0; count < 1000; count++) {
    const greedy = budget.share();
    while (greedy.take(2048));
  }
  assert.is(budget.isTight, true);
  const next = budget.share();
  assert.is(next.take(4096), true);
});

test('what is there already is counted, also beyond the bound', () => {
  const budget = new ByteBudget(100);
  const share = budget.share();
  share.force(200);
  assert.equal([budget.held, budget.leftRatio, budget.share().take(1)], [200, 0, false]);
  share.give(200);
  assert.is(budget.held, 0);
});

test('a share that has a bound of its own says which of the two was hit', () => {
  const budget = new ByteBudget(1000, 300);
  const share = budget.share();
  assert.equal([share.take(300), share.take(1), share.refusal.limit], [true, false, 'connection_bytes']);
  const others = Array.from({ length: 3 }, () => budget.share());
  for (const other of others) other.take(200);
  const last = budget.share();
  assert.equal([last.take(200), last.refusal.limit], [false, 'held_bytes']);
});

test('a crowd from one address leaves room for a large frame from another, and small ones may always come', () => {
  const mib = 1024 * 1024;
  const budget = new ByteBudget(256 * mib);
  for (let count = 0; count < 1000; count++) {
    const one = budget.share('192.0.2.1');
    while (one.take(64 * 1024) && one.held < mib);
  }
  const other = budget.share('192.0.2.2');
  assert.is(other.take(8 * mib), true);
  assert.is(budget.share('192.0.2.1').take(4096), true);
});

test('what the connections of an address held counts no more when they are gone', () => {
  const budget = new ByteBudget(900_000);
  const gone = budget.share('192.0.2.1');
  assert.is(gone.take(790_000), true);
  const stays = budget.share('192.0.2.1');
  assert.is(stays.take(40_000), false);
  gone.give(790_000);
  gone.leave();
  assert.is(stays.take(400_000), true);
});

test.run();
