import * as assert from 'uvu/assert';
import { addressGroup, ConnectionPlaces } from '../../../src/server/channel/connection-places.js';
import { suite } from '../../support/suite.js';
import { splitFrames } from '../../support/wire.js';

const test = suite('connection places');

const overload: { stage: 0 | 1 | 2; retryAfterMs: number } = { stage: 0, retryAfterMs: 1500 };
const from = (remoteAddress: string) => ({ remoteAddress, remotePort: 1 });

test('an address is an IPv4 address, however it is written, or a network of 64 bits of IPv6', () => {
  const groups: [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1::2:3:4:5', '2001:db8:1:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
    ['a pipe', 'a pipe'],
  ];
  for (const [address, group] of groups) assert.is(addressGroup(address), group, address);
});

test('places are counted in all and for each address, and are free again when they are given back', () => {
  const places = new ConnectionPlaces({ max: 4, maxPerAddress: 2 }, overload);
  const reason = (address: string, onTheWay = 0) => places.refusal(from(address), onTheWay)?.reason;
  const first = [from('2001:db8::1'), from('2001:db8::2')];
  for (const address of first) places.take(address);
  assert.equal(
    [reason('2001:db8::3'), reason('2001:db8:0:1::3'), reason('192.0.2.1')],
    ['address_limit', undefined, undefined],
  );
  assert.is(places.addressRefusal(from('2001:db8::4'))?.reason, 'address_limit');
  assert.is(reason('192.0.2.1', 2), 'connection_limit');
  places.take(from('192.0.2.1'));
  places.take(from('192.0.2.2'));
  assert.is(reason('192.0.2.3'), 'connection_limit');
  for (const address of first) places.leave(address);
  assert.equal([reason('2001:db8::3'), reason('192.0.2.3')], [undefined, undefined]);
  const told = JSON.parse(String(splitFrames(Buffer.from(places.refusal(from('192.0.2.1'), 4)!.frame)).bodies[0]));
  assert.equal([told.id, told.code], [null, 'OVERLOADED']);
});

test('where addresses have no limit, one may have all the places', () => {
  const places = new ConnectionPlaces({ max: 3, maxPerAddress: 0 }, overload);
  for (let count = 0; count < 3; count++) {
    assert.is(places.refusal(from('192.0.2.1'), 0), undefined);
    places.take(from('192.0.2.1'));
  }
  assert.is(places.refusal(from('192.0.2.9'), 0)?.reason, 'connection_limit');
});

test('while the server is overloaded nobody gets a place, and is told when to come back', () => {
  const places = new ConnectionPlaces({ max: 3, maxPerAddress: 0 }, { ...overload, stage: 2 });
  const { reason, frame } = places.refusal(from('192.0.2.1'), 0)!;
  assert.is(reason, 'overload');
  assert.is(JSON.parse(String(splitFrames(Buffer.from(frame)).bodies[0])).retryAfterMs, 1500);
});

test.run();
