import * as assert from 'uvu/assert';
import { HandshakeBudget } from '../../../../src/server/channel/tls/handshake-budget.js';
import { suite } from '../../../support/suite.js';

const test = suite('the budget of handshakes');

/** A loop whose time the test lets pass. */
class Loop {
  #busyMs = 0;
  #idleMs = 0;

  nowMs(): number {
    return this.#busyMs + this.#idleMs;
  }

  idleMs(): number {
    return this.#idleMs;
  }

  work(ms: number): void {
    this.#busyMs += ms;
  }

  standIdle(ms: number): void {
    this.#idleMs += ms;
  }
}

/** Begins as many handshakes as may in ten seconds, of a millisecond each, and lets a millisecond pass where none may. */
function begin(loop: Loop, waiting: number, pass: (ms: number) => void): number {
  const budget = new HandshakeBudget(loop);
  let begun = 0;
  while (loop.nowMs() < 10_000) {
    if (budget.hasSome(waiting)) {
      begun++;
      loop.work(1);
      budget.pay(1);
    } else pass(1);
  }
  return begun;
}

test('leaves the greater part of a loop to others that want it', () => {
  for (const waiting of [1, 2, 1000]) {
    const loop = new Loop();
    const begun = begin(loop, waiting, (ms) => loop.work(ms));
    assert.ok(begun >= 1500 && begun <= 1800, `${begun} of 10,000 ms, ${waiting} waiting`);
  }
});

test('gives much of an idle loop to handshakes that come one after the other, and no more than of a busy one to a crowd', () => {
  const [alone, crowded] = [new Loop(), new Loop()];
  const one = begin(alone, 1, (ms) => alone.standIdle(ms));
  const many = begin(crowded, 2, (ms) => crowded.standIdle(ms));
  assert.ok(one >= 4500, `${one} of 10,000 ms, one waiting`);
  assert.ok(many >= 1500 && many <= 1800, `${many} of 10,000 ms, two waiting`);
});

test('lets a few begin at once after a calm time, however long it was', () => {
  const loop = new Loop();
  const budget = new HandshakeBudget(loop);
  loop.standIdle(1e9);
  let begun = 0;
  for (; budget.hasSome(10); begun++) budget.pay(0.5);
  assert.ok(begun >= 2 && begun <= 8, `${begun} began`);
});

test('one that was held up is not paid for as if it had cost so much', () => {
  const loop = new Loop();
  const budget = new HandshakeBudget(loop);
  budget.pay(1e9);
  loop.work(20);
  assert.ok(budget.hasSome(1));
});

test.run();
