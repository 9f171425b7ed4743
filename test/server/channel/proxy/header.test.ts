/** Bytes by hand, after `proxy-protocol.txt`, each cut at every place. */
import * as assert from 'uvu/assert';
import { crc32c } from '../../../../src/server/channel/proxy/crc32c.js';
import { readHeader } from '../../../../src/server/channel/proxy/header.js';
import { binaryHeader, headerOfClient, sslTlv, tlv, withChecksum } from '../../../support/proxy-header.js';
import { suite } from '../../../support/suite.js';

const test = suite('PROXY header');

const behind = Buffer.from('\r\nPROXY behind');

type Told = readonly [address: string | undefined, port: number | undefined, verifiedName: string | undefined];

/** Reads it with bytes behind it, cut at every place: it is whole at its last byte, and not before. */
function told(header: Buffer): Told {
  for (let length = 0; length < header.length; length++) {
    assert.is(readHeader(header.subarray(0, length)).state, 'more', `${length} bytes`);
  }
  const readings = [header, Buffer.concat([header, behind.subarray(0, 1)]), Buffer.concat([header, behind])].map(
    readHeader,
  );
  for (const reading of readings) assert.equal(reading, readings[0]);
  const reading = readings[0]!;
  if (reading.state !== 'whole') throw new Error(`it is ${JSON.stringify(reading)}`);
  assert.is(reading.length, header.length);
  const { address, verifiedName } = reading.header;
  return [address?.remoteAddress, address?.remotePort, verifiedName];
}

/** The same, of what is refused: at the same place with whatever behind it, and never taken before. */
function whyBad(bytes: Buffer): string {
  const reading = readHeader(bytes);
  if (reading.state !== 'bad') throw new Error(`it is ${JSON.stringify(reading)}`);
  assert.equal(readHeader(Buffer.concat([bytes, behind])), reading);
  for (let length = 0; length < bytes.length; length++) {
    const part = readHeader(bytes.subarray(0, length));
    if (part.state !== 'more') assert.equal(part, reading, `${length} bytes`);
  }
  return reading.why;
}

const text = (line: string) => Buffer.from(`${line}\r\n`, 'latin1');
const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const signature = '0d0a0d0a 000d0a51 5549540a';

test('version 1: TCP over IPv4 and IPv6, and what is unknown', () => {
  assert.equal(told(text('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535')).slice(0, 2), [
    '255.255.255.255',
    65535,
  ]);
  assert.equal(told(text('PROXY TCP4 0.0.0.0 10.0.0.1 0 1')).slice(0, 2), ['0.0.0.0', 0]);
  assert.equal(told(text('PROXY TCP6 2001:db8::7 ::1 50000 443')).slice(0, 2), ['2001:db8::7', 50000]);
  assert.equal(told(text('PROXY UNKNOWN')), [undefined, undefined, undefined]);
  const longest = `PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535`;
  assert.is(longest.length, 105);
  assert.equal(told(text(longest)), [undefined, undefined, undefined]);
});

test('version 1: a line of another form is refused', () => {
  const lines = [
    'PROXY TCP4 192.0.2.7 198.51.100.1 50000',
    'PROXY TCP4 192.0.2.7 198.51.100.1 50000 443 1',
    'PROXY TCP4  192.0.2.7 198.51.100.1 50000 443',
    'PROXY TCP4 192.0.2.07 198.51.100.1 50000 443',
    'PROXY TCP4 192.0.2.256 198.51.100.1 50000 443',
    'PROXY TCP4 192.0.2.7 proxy 50000 443',
    'PROXY TCP4 192.0.2.7 198.51.100.1 050000 443',
    'PROXY TCP4 192.0.2.7 198.51.100.1 65536 443',
    'PROXY TCP4 192.0.2.7 198.51.100.1 50000 -1',
    'PROXY TCP4 2001:db8::7 ::1 50000 443',
    'PROXY TCP6 192.0.2.7 198.51.100.1 50000 443',
    'PROXY TCP6 fe80::1%eth0 ::1 50000 443',
    'PROXY UDP4 192.0.2.7 198.51.100.1 50000 443',
    'PROXY unknown',
    'PROXY ',
  ];
  for (const line of lines) assert.is(whyBad(text(line)), 'its line is none of version 1', line);
  assert.is(whyBad(text(`PROXY UNKNOWN ${'x'.repeat(92)}`)), 'its line does not end within 107 bytes');
  assert.is(whyBad(Buffer.from('PROXX TCP4')), 'it does not begin like a PROXY header');
  assert.is(whyBad(Buffer.from('GET / HTTP/1.1\r\n')), 'it does not begin like a PROXY header');
  assert.is(whyBad(hex('00000005 7b7d')), 'it does not begin like a PROXY header');
});

test('version 2: TCP over IPv4 and IPv6, a UNIX socket, and what is unknown', () => {
  assert.equal(told(hex(`${signature} 2111000c c0000207 c6336401 c350 01bb`)).slice(0, 2), ['192.0.2.7', 50000]);
  const six = (source: string) =>
    told(hex(`${signature} 21210024 ${source} ${'0'.repeat(30)}01 c350 01bb`)).slice(0, 2);
  assert.equal(six('20010db8 00000000 00000000 00000007'), ['2001:db8::7', 50000]);
  assert.equal(six('20010db8 00000001 00000000 00000000'), ['2001:db8:0:1::', 50000]);
  assert.equal(six('00000000 00000000 0000ffff c0000207'), ['::ffff:192.0.2.7', 50000]);
  assert.equal(six('00010000 00020003 00040005 00060000'), ['1:0:2:3:4:5:6:0', 50000]);
  assert.equal(six('00000000 00000000 00000000 00000000'), ['::', 50000]);
  assert.equal(told(binaryHeader({ command: 0x21, family: 0x31, addresses: Buffer.alloc(216, 'a') }))[0], undefined);
  assert.equal(told(hex(`${signature} 21000000`))[0], undefined);
});

test('version 2: of a connection of the balancer’s own all is skipped, whatever it is', () => {
  const nobody = [undefined, undefined, undefined];
  assert.equal(told(hex(`${signature} 20000000`)), nobody);
  assert.equal(told(hex(`${signature} 2000000f 04000c 000000000000000000000000`)), nobody);
  assert.equal(told(hex(`${signature} 2011000c c0000207 c6336401 c350 01bb`)), nobody);
  assert.equal(told(hex(`${signature} 20ff0003 ffffff`)), nobody);
});

test('version 2: a checksum that is there must be right, and is over every byte', () => {
  assert.is(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  const header = withChecksum(headerOfClient([tlv(0x05, Buffer.from('id')), tlv(0x04, new Uint8Array(3))]));
  assert.is(told(header)[0], '192.0.2.7');
  for (let at = 16; at < header.length; at++) {
    const wrong = Buffer.from(header);
    wrong[at] = wrong[at]! ^ 0x10;
    const reading = readHeader(wrong);
    // Where the flip makes another type of the checksum's own, there is none to check.
    if (at !== header.length - 7) assert.is(reading.state, 'bad', `byte ${at}`);
  }
  assert.is(whyBad(headerOfClient([tlv(0x03, new Uint8Array(4))])), 'its checksum is wrong');
  assert.is(whyBad(headerOfClient([tlv(0x03, new Uint8Array(3))])), 'its checksum is wrong');
});

test('version 2: values that do not count here are passed over', () => {
  const others = [tlv(0x01, Buffer.from('h2')), tlv(0x02, Buffer.from('example.org')), tlv(0xee, Buffer.alloc(1000))];
  assert.equal(told(headerOfClient(others)), ['192.0.2.7', 50000, undefined]);
  assert.equal(told(headerOfClient([tlv(0x04, Buffer.alloc(16 * 1024 - 12 - 3))])).slice(0, 1), ['192.0.2.7']);
});

test('version 2: the name in a certificate counts only where the balancer has verified it', () => {
  const name = (client: number, verify: number) => told(headerOfClient([sslTlv({ client, verify, name: 'Zoë' })]))[2];
  for (const client of [0x03, 0x05, 0x07]) {
    assert.is(name(client, 0), 'Zoë');
    assert.is(name(client, 1), undefined);
  }
  for (const client of [0x00, 0x01, 0x02, 0x04, 0x06]) assert.is(name(client, 0), undefined, `${client}`);
  const bare = tlv(0x20, Buffer.from([7, 0, 0, 0, 0]));
  assert.is(told(headerOfClient([bare]))[2], undefined);
  for (const text of ['', 'a\nb', 'a\u0000', 'x'.repeat(257)]) {
    const ssl = sslTlv({ client: 7, verify: 0, name: text });
    assert.is(whyBad(headerOfClient([ssl])), 'the name in the certificate is no plain text');
  }
  const latin = tlv(0x20, Buffer.concat([Buffer.from([7, 0, 0, 0, 0]), tlv(0x22, Buffer.from([0xe4]))]));
  assert.is(whyBad(headerOfClient([latin])), 'the name in the certificate is no plain text');
});

test('version 2: what is cut off, doubled, unknown or too long is refused', () => {
  assert.is(whyBad(hex(`${signature} 1111000c`)), 'its version or command is unknown');
  assert.is(whyBad(hex(`${signature} 2211000c`)), 'its version or command is unknown');
  assert.is(whyBad(hex(`${signature} 2101000c ${'00'.repeat(12)}`)), 'its family or protocol is unknown');
  assert.is(whyBad(hex(`${signature} 2111000b ${'00'.repeat(11)}`)), 'it is too short for its addresses');
  assert.is(whyBad(hex(`${signature} 21114001`)), 'it is longer than 16 KiB');
  for (const cut of ['05', '0500', '050009 616263'])
    assert.is(whyBad(headerOfClient([hex(cut)])), 'its values are cut off');
  const ssl = sslTlv({ client: 7, verify: 0, name: 'a' });
  for (const twice of [ssl, tlv(0x03, new Uint8Array(4))]) {
    assert.is(whyBad(headerOfClient([twice, twice])), 'it has a value twice that may be there once');
  }
  for (const inner of [hex('07'), hex('07 00000000 22'), hex('07 00000000 220005 61')]) {
    assert.is(whyBad(headerOfClient([tlv(0x20, inner)])), 'its values are cut off');
  }
  const names = Buffer.concat([hex('07 00000000'), tlv(0x22, Buffer.from('a')), tlv(0x22, Buffer.from('b'))]);
  assert.is(whyBad(headerOfClient([tlv(0x20, names)])), 'it has a value twice that may be there once');
});

test.run();
