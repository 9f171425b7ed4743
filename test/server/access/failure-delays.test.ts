import * as assert from 'uvu/assert';
import { FailureDelays, groupOf } from '../../../src/server/access/failure-delays.js';
import { SharedFailures } from '../../../src/server/access/failure-records.js';
import { suite } from '../../support/suite.js';

const test = suite('delays after wrong tokens');

test('each failure of an address makes the next answer later, up to a bound, and then there is none', () => {
  const delays = new FailureDelays();
  const seen: (number | undefined)[] = [];
  for (let count = 0; count < 40; count++) {
    const delayMs = delays.failed('10.0.0.1', 1000);
    seen.push(delayMs);
    if (delayMs !== undefined) delays.answered('10.0.0.1');
  }
  assert.equal(seen.slice(0, 8), [25, 50, 100, 200, 400, 800, 1600, 2000]);
  assert.is(seen[31], 2000);
  assert.equal(seen.slice(32), Array(8).fill(undefined));
  assert.is(delays.failed('10.0.0.2', 1000), 25);
});

test('an address that has been quiet is answered again', () => {
  const delays = new FailureDelays();
  for (let count = 0; count < 100_000; count++) {
    if (delays.failed('10.0.0.1', 0) !== undefined) delays.answered('10.0.0.1');
  }
  assert.is(delays.failed('10.0.0.1', 1000), undefined);
  assert.is(delays.failed('10.0.0.1', 60_000), 2000);
  assert.is(delays.failed('10.0.0.1', 10_000_000), 25);
});

test('few answers are waited for at once, of an address and of all', () => {
  const delays = new FailureDelays();
  for (let count = 0; count < 8; count++) assert.type(delays.failed('10.0.0.1', 0), 'number');
  assert.is(delays.failed('10.0.0.1', 0), undefined);
  delays.answered('10.0.0.1');
  assert.type(delays.failed('10.0.0.1', 0), 'number');
  let waiting = 8;
  for (let host = 1; host < 1000; host++)
    if (delays.failed(`10.1.${host >> 8}.${host & 255}`, 0) !== undefined) waiting++;
  assert.is(waiting, 256);
});

test('what one thread has seen, another knows: delays, and answers that are waited for', () => {
  const memory = new SharedArrayBuffer(SharedFailures.bytes);
  const threads = [0, 1].map(() => new FailureDelays(new SharedFailures(memory)));
  const [one, other] = [threads[0]!, threads[1]!];
  const seen: (number | undefined)[] = [];
  for (let count = 0; count < 34; count++) {
    seen.push(threads[count % 2]!.failed('10.0.0.1', 1000));
    if (seen.at(-1) !== undefined) threads[(count + 1) % 2]!.answered('10.0.0.1');
  }
  assert.equal(seen.slice(0, 8), [25, 50, 100, 200, 400, 800, 1600, 2000]);
  assert.equal(seen.slice(31), [2000, undefined, undefined]);
  assert.is(one.failed('10.0.0.1', 10_000_000), 25);
  one.answered('10.0.0.1');
  for (let count = 0; count < 8; count++) assert.type(threads[count % 2]!.failed('10.0.0.2', 0), 'number');
  assert.is(one.failed('10.0.0.2', 0), undefined);
  let waiting = 8;
  for (let host = 1; host < 1000; host++) {
    if (threads[host % 2]!.failed(`10.1.${host >> 8}.${host & 255}`, 0) !== undefined) waiting++;
  }
  assert.is(waiting, 256);
  assert.is(other.size, one.size);
});

test('a shared table forgets the one that failed longest ago', () => {
  const delays = new FailureDelays(new SharedFailures(new SharedArrayBuffer(SharedFailures.bytes)));
  const fail = (host: number, nowMs: number) => {
    const delayMs = delays.failed(`10.0.${host >> 8}.${host & 255}`, nowMs);
    if (delayMs !== undefined) delays.answered(`10.0.${host >> 8}.${host & 255}`);
    return delayMs;
  };
  for (let host = 0; host < 4096; host++) fail(host, host / 1000);
  assert.is(fail(0, 5), 50);
  fail(4096, 5);
  assert.is(delays.size, 4096);
  assert.is(fail(2, 5), 50);
  assert.is(fail(1, 5), 25);
});

test('a million addresses take no more memory than some thousands', () => {
  const delays = new FailureDelays();
  for (let host = 0; host < 100_000; host++) delays.failed(`10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`, 0);
  assert.is(delays.size, 4096);
});

test('an address of IPv6 counts by its network, one of IPv4 by itself, however it is written', () => {
  const groups: Readonly<Record<string, string>> = {
    '10.0.0.1': '10.0.0.1',
    '::ffff:10.0.0.1': '10.0.0.1',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
    '2001:0DB8:0001:0002::1': '2001:db8:1:2::/64',
    '2001:db8:1:2::': '2001:db8:1:2::/64',
    '2001:db8::1': '2001:db8:0:0::/64',
    '::1': '0:0:0:0::/64',
    '::': '0:0:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '64:ff9b::192.0.2.33': '64:ff9b:0:0::/64',
    '1:2:3:4:5:6:1.2.3.4': '1:2:3:4::/64',
  };
  for (const [address, group] of Object.entries(groups)) assert.is(groupOf(address), group, address);
  assert.is(groupOf(undefined), 'unknown');
});

test.run();
