import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type ListLinks, WaitingList } from '../../src/pool/waiting-list.js';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';

const test = suite('waiting list');

class Item implements ListLinks {
  previous: ListLinks | undefined;
  next: ListLinks | undefined;
  readonly name: number;
  constructor(name: number) {
    this.name = name;
  }
}

test('it does what an array does, under random pushes, unshifts, shifts and removals', () => {
  const step = fc.record({ what: fc.constantFrom('push', 'unshift', 'shift', 'remove'), at: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const list = new WaitingList<Item>();
      const model: Item[] = [];
      let name = 0;
      for (const { what, at } of steps) {
        const item = new Item(name++);
        if (what === 'push') {
          list.push(item);
          model.push(item);
        } else if (what === 'unshift') {
          list.unshift(item);
          model.unshift(item);
        } else if (what === 'shift') assert.is(list.shift(), model.shift());
        else if (model.length > 0) list.remove(model.splice(at % model.length, 1)[0]!);
        assert.is(list.size, model.length);
      }
      for (const item of model) assert.is(list.shift(), item);
      assert.is(list.shift(), undefined);
    }),
    fuzzed(1000),
  );
});

test('an item that was taken out has no links and may be queued again', () => {
  const list = new WaitingList<Item>();
  const item = new Item(1);
  list.push(item);
  list.push(new Item(2));
  list.remove(item);
  assert.is(item.next, undefined);
  assert.is(item.previous, undefined);
  list.push(item);
  assert.is(list.size, 2);
});

test('an item cannot be in it twice', () => {
  const list = new WaitingList<Item>();
  const item = new Item(1);
  list.push(item);
  assert.throws(() => list.push(item), /queued again/);
  assert.is(list.size, 1);
});

test.run();
