/** Two objects for one identity, as two I/O threads have them, over the same memory. */
import * as assert from 'uvu/assert';
import { Identity } from '../../../src/server/access/identity.js';
import { SharedIdentities } from '../../../src/server/access/shared-identities.js';
import { identitiesMax } from '../../../src/server/access/token-file.js';
import type { InFlight } from '../../../src/server/requests/peer.js';
import { suite } from '../../support/suite.js';

const test = suite('an identity on several I/O threads');

const newMemory = () => new SharedArrayBuffer(SharedIdentities.bytes);

/** Makes identities as a thread does. */
function thread(memory: SharedArrayBuffer) {
  const table = new SharedIdentities(memory);
  return (name: string, limits: object) => new Identity({ name, ...limits }, 4, (of) => table.claim(of));
}

const aRequest = (): InFlight => ({ request: {} as InFlight['request'], identity: undefined, end: () => {} });

test('requests in flight count over the threads, those of other names do not', () => {
  const memory = newMemory();
  const limits = { maxRequests: 2 };
  const [one, two, other] = [
    thread(memory)('app', limits),
    thread(memory)('app', limits),
    thread(memory)('other', limits),
  ];
  const [first, second] = [aRequest(), aRequest()];
  one.began(first);
  assert.is(two.placeRefusal(), undefined);
  two.began(second);
  assert.is(one.placeRefusal()!.code, 'OVERLOADED');
  assert.is(two.placeRefusal()!.code, 'OVERLOADED');
  assert.is(other.placeRefusal(), undefined);
  one.ended(first);
  one.ended(first);
  assert.is(two.placeRefusal(), undefined);
  one.began(first);
  assert.is(two.placeRefusal()!.code, 'OVERLOADED');
});

test('rates count over the threads', () => {
  const memory = newMemory();
  for (const limits of [{ requestsPerSecond: 0.001 }, { bytesPerSecond: 0.001 }]) {
    const name = Object.keys(limits)[0]!;
    const [one, two] = [thread(memory)(name, limits), thread(memory)(name, limits)];
    assert.is(one.admit('echo', 1000, performance.now()), undefined);
    one.charge(10, 0);
    const refusal = two.admit('echo', 1000, performance.now())!;
    assert.is(refusal.code, 'OVERLOADED');
    assert.ok(refusal.retryAfterMs! > 1000);
    assert.is(two.inlineMask(performance.now()), 0);
  }
});

test('a rate that stays keeps its debts, and one that is new begins with none, once for all threads', () => {
  const memory = newMemory();
  const before = { requestsPerSecond: 0.001 };
  const after = { requestsPerSecond: 0.002 };
  const [one, two] = [thread(memory)('app', before), thread(memory)('app', before)];
  one.charge(10, 0);
  two.apply({ name: 'app', ...before }, 4);
  assert.is(two.inlineMask(performance.now()), 0);
  one.apply({ name: 'app', ...after }, 4);
  assert.is.not(one.inlineMask(performance.now()), 0);
  one.charge(10, 0);
  two.apply({ name: 'app', ...after }, 4);
  assert.is(two.inlineMask(performance.now()), 0);
});

test('who gets a limit while requests are in flight is held to it with them', () => {
  const memory = newMemory();
  const [one, two] = [thread(memory)('app', {}), thread(memory)('app', { maxRequests: 1 })];
  const request = aRequest();
  one.began(request);
  assert.is(two.placeRefusal(), undefined);
  one.apply({ name: 'app', maxRequests: 1 }, 4);
  assert.is(two.placeRefusal()!.code, 'OVERLOADED');
  one.ended(request);
  assert.is(two.placeRefusal(), undefined);
});

test('one that has lost its rights takes nothing from the one that comes after it', () => {
  const memory = newMemory();
  const limits = { maxRequests: 1, requestsPerSecond: 0.001 };
  const make = thread(memory);
  const [one, two] = [make('app', limits), make('app', limits)];
  const request = aRequest();
  one.began(request);
  one.charge(10, 0);
  one.revoke();
  assert.is(two.placeRefusal(), undefined);
  one.ended(request);
  assert.is(two.placeRefusal(), undefined);
  assert.is(two.inlineMask(performance.now()), 0);
  two.revoke();
  two.revoke();
  const next = make('app', limits);
  assert.is(next.admit('echo', 1, performance.now()), undefined);
  assert.is(next.placeRefusal(), undefined);
});

test('rows are found again among as many as there may be, and are used again; beyond them a thread counts alone', () => {
  const memory = newMemory();
  const [table, sameTable] = [new SharedIdentities(memory), new SharedIdentities(memory)];
  const count = 2 * identitiesMax;
  const rows = Array.from({ length: count }, (_, index) => table.claim(`name ${index}`)!);
  for (const [index, row] of rows.entries()) row.inFlight.add(index);
  assert.is(table.claim('one more'), undefined);
  for (const index of [0, 1, 777, count - 1]) {
    const again = sameTable.claim(`name ${index}`)!;
    assert.is(again.inFlight.value, index);
    again.release();
  }
  rows[777]!.release();
  const taken = table.claim('one more')!;
  assert.is(taken.inFlight.value, 0);
  assert.is(table.claim('name 777'), undefined);
  assert.is(sameTable.claim('name 778')!.inFlight.value, 778);
});

test.run();
