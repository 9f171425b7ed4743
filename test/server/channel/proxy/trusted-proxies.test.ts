import * as assert from 'uvu/assert';
import { TrustedProxies } from '../../../../src/server/channel/proxy/trusted-proxies.js';
import { suite } from '../../../support/suite.js';

const test = suite('trusted proxies');

test('an address is trusted where it is named or in a range, however the system writes it', () => {
  const trusted = new TrustedProxies(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '2001:db8::1', '::ffff:198.51.100.1']);
  const yes = ['10.0.0.0', '10.255.255.255', '192.0.2.1', '::ffff:10.1.2.3', '::FFFF:192.0.2.1', 'fd12::1'];
  for (const address of [...yes, '2001:db8:0:0::1', 'fd12::1%eth0', '198.51.100.1'])
    assert.ok(trusted.has(address), address);
  for (const address of [
    '11.0.0.0',
    '192.0.2.2',
    '::ffff:11.0.0.1',
    'fe00::1',
    '2001:db8::2',
    '::1',
    '',
    'x',
    undefined,
  ]) {
    assert.not.ok(trusted.has(address), address);
  }
});

test('a range of no bits is everybody of its family', () => {
  const trusted = new TrustedProxies(['0.0.0.0/0']);
  assert.equal(
    [trusted.has('203.0.113.9'), trusted.has('::ffff:203.0.113.9'), trusted.has('2001:db8::1')],
    [true, true, false],
  );
});

test.run();
