import * as assert from 'uvu/assert';
import { LoopShare, longReadBytes } from '../../../src/server/connection/loop-share.js';
import { suite } from '../../support/suite.js';

const test = suite('loop share');

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** So many readers work on a long read each, in one turn of the loop. */
function crowd(loop: LoopShare, count: number): void {
  for (let index = 0; index < count; index++) {
    loop.enter({}, performance.now(), longReadBytes);
    loop.leave();
  }
}

test('after many long reads in a turn of the loop the next are short, until the turn is over', async () => {
  const loop = new LoopShare();
  crowd(loop, 16);
  assert.is(loop.isCrowded, false);
  crowd(loop, 1);
  assert.is(loop.isCrowded, true);
  assert.is(loop.isInCrowd, true);
  await nextTurn();
  assert.is(loop.isCrowded, false);
});

test('one that reads much, alone, is no crowd', () => {
  const loop = new LoopShare();
  const reader = {};
  for (let read = 0; read < 100; read++) {
    loop.enter(reader, performance.now(), longReadBytes);
    loop.leave();
  }
  assert.is(loop.isCrowded, false);
});

test('who reads little has nothing to do with the crowd', () => {
  const loop = new LoopShare();
  crowd(loop, 17);
  loop.enter({}, performance.now(), 100);
  assert.equal([loop.isCrowded, loop.isInCrowd], [true, false]);
});

test('a few of those that wait go on to read in each turn, and all of them in the end', async () => {
  const loop = new LoopShare(1000);
  let inTurn = 0;
  let inAll = 0;
  for (let index = 0; index < 100; index++) {
    loop.yield('192.0.2.1', () => {
      inTurn++;
      inAll++;
      return true;
    });
  }
  const turns: number[] = [];
  while (inAll < 100) {
    inTurn = 0;
    await nextTurn();
    turns.push(inTurn);
  }
  assert.ok(Math.max(...turns) <= 4, turns.join(' '));
});

test('an address with one that waits has its turn before one with many has all of theirs', async () => {
  const loop = new LoopShare(1000);
  const order: string[] = [];
  const wait = (address: string, times: number) => {
    for (let index = 0; index < times; index++) {
      loop.yield(address, () => {
        order.push(address);
        return true;
      });
    }
  };
  wait('192.0.2.1', 200);
  wait('192.0.2.2', 1);
  while (order.length < 201) await nextTurn();
  const at = order.indexOf('192.0.2.2');
  assert.ok(at <= 4, `it came after ${at} others`);
});

test('those who go on and have to wait again come in a later turn', async () => {
  const loop = new LoopShare();
  let turns = 0;
  const again = () => {
    turns++;
    if (turns < 3) loop.yield('192.0.2.1', again);
    return false;
  };
  loop.yield('192.0.2.1', again);
  await nextTurn();
  assert.is(turns, 1);
  while (turns < 3) await nextTurn();
});

test.run();
