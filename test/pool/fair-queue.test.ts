import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { FairQueue, type OwnedItem } from '../../src/pool/fair-queue.js';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';

const test = suite('fair queue');

interface Item extends OwnedItem {
  readonly name: string;
}

const owners = [{ name: 'a' }, { name: 'b' }, { name: 'c' }, undefined];
const item = (name: string, owner: object | undefined): Item => ({ name, owner, previous: undefined, next: undefined });
const take = (queue: FairQueue<Item>, count: number) => Array.from({ length: count }, () => queue.shift()?.name);

test('owners take turns, and each keeps the order of its own tasks', () => {
  const queue = new FairQueue<Item>();
  const [a, b] = owners;
  for (const name of ['a1', 'a2', 'a3']) queue.push(item(name, a));
  for (const name of ['n1', 'n2']) queue.push(item(name, undefined));
  queue.push(item('b1', b));
  assert.equal([queue.sizeOf(a), queue.sizeOf(b), queue.sizeOf(undefined)], [3, 1, 2]);
  assert.equal(take(queue, 7), ['a1', 'n1', 'b1', 'a2', 'n2', 'a3', undefined]);
  assert.is(queue.size, 0);
});

test('one that lost its turn is the very next', () => {
  const queue = new FairQueue<Item>();
  for (const name of ['a1', 'a2']) queue.push(item(name, owners[0]));
  queue.push(item('b1', owners[1]));
  queue.unshift(item('b0', owners[1]));
  queue.unshift(item('c0', owners[2]));
  assert.equal(take(queue, 5), ['c0', 'b0', 'a1', 'b1', 'a2']);
});

test('under random steps nothing is lost, sizes are right, and no owner waits for two of another', () => {
  const step = fc.record({ what: fc.constantFrom('push', 'push', 'unshift', 'shift', 'remove'), at: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new FairQueue<Item>();
      const inside = new Set<Item>();
      for (const [index, { what, at }] of steps.entries()) {
        const fresh = item(`${index}`, owners[at % owners.length]);
        if (what === 'push' || what === 'unshift') {
          queue[what](fresh);
          inside.add(fresh);
        } else if (what === 'remove' && inside.size > 0) {
          const victim = [...inside][at % inside.size]!;
          queue.remove(victim);
          inside.delete(victim);
        } else if (what === 'shift') {
          const next = queue.shift();
          assert.is(next === undefined, inside.size === 0);
          if (next !== undefined) assert.ok(inside.delete(next));
        }
        assert.is(queue.size, inside.size);
        for (const owner of owners) {
          assert.is(queue.sizeOf(owner), [...inside].filter((each) => each.owner === owner).length);
        }
      }
      const waiting = new Set([...inside].map(({ owner }) => owner));
      const first = Array.from({ length: waiting.size }, () => queue.shift()!.owner);
      assert.is(new Set(first).size, waiting.size);
    }),
    fuzzed(1000),
  );
});

test('owners that are held keep their place in turn, and others go before them', () => {
  const queue = new FairQueue<Item>();
  for (const name of ['a0', 'a1', 'b0', 'c0', 'b1']) queue.push(item(name, owners['abc'.indexOf(name[0]!)]));
  const isHeld = (owner: object) => owner === owners[0];
  assert.equal(
    [1, 2, 3, 4].map(() => queue.shiftNext(isHeld)?.name),
    ['b0', 'c0', 'b1', undefined],
  );
  assert.equal([queue.size, ...take(queue, 3)], [2, 'a0', 'a1', undefined]);
});

test.run();
