/** The PROXY header of a connection, as any bytes and cut in any way. */
import * as assert from 'uvu/assert';
import { type HeaderReading, readHeader } from '../../src/server/channel/proxy/header.js';
import type { FuzzTarget } from '../support/fuzz.js';
import { binaryHeader, sslTlv, tlv, withChecksum } from '../support/proxy-header.js';
import type { Random } from '../support/random.js';

/** The longest that there is: the fixed part of version 2, and what may follow it. */
const headerBytesMax = 16 + 16 * 1024;

export const proxyHeaderTarget: FuzzTarget = { name: 'proxy-header', bytesMax: 40_000, make, check };

function make(random: Random): Uint8Array {
  const behind = Buffer.alloc(random.integer(0, 20), 'x');
  return Buffer.concat([random.oneIn(3) ? textHeader(random) : randomBinary(random), behind]);
}

function textHeader(random: Random): Buffer {
  const four = () => Array.from({ length: 4 }, () => random.integer(0, 256)).join('.');
  const six = () =>
    Array.from({ length: random.integer(1, 8) }, () => random.integer(0, 65_535).toString(16)).join(':');
  const family = random.pick(['TCP4', 'TCP6', 'UNKNOWN']);
  const address = family === 'TCP4' ? four : () => (random.oneIn(2) ? `${six()}::` : six());
  const port = () => random.integer(0, 66_000);
  return Buffer.from(`PROXY ${family} ${address()} ${address()} ${port()} ${port()}\r\n`);
}

function randomBinary(random: Random): Buffer {
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => random.integer(0, 255)));
  const tlvs = Array.from({ length: random.integer(0, 4) }, () =>
    random.oneIn(3)
      ? sslTlv({
          client: random.integer(0, 7),
          verify: random.integer(0, 1),
          name: random.pick(['a', 'ä', 'x'.repeat(300)]),
        })
      : tlv(random.pick([1, 2, 4, 5, 0x30, 0xe0]), bytes(random.size(1, 4000))),
  );
  const [family, addresses] = random.pick([
    [0x11, 12],
    [0x21, 36],
    [0x31, 216],
    [0x00, 0],
  ] as const);
  const command = random.integer(0x20, 0x21);
  const header = binaryHeader({ command, family, addresses: bytes(addresses), tlvs });
  return random.oneIn(2) ? withChecksum(header) : header;
}

/** Invariants: it never throws, is settled by a bounded number of bytes, stays settled, and is the same however it is cut. */
function check(input: Uint8Array, random: Random): void {
  const whole = readHeader(input);
  if (whole.state === 'more') assert.ok(input.length < headerBytesMax, `${input.length} bytes settle nothing`);
  if (whole.state === 'whole') checkWhole(input, whole);
  for (let cut = 0; cut < 8; cut++) {
    const part = readHeader(input.subarray(0, random.integer(0, input.length)));
    if (part.state !== 'more') assert.equal(part, whole);
  }
}

function checkWhole(input: Uint8Array, { length, header }: HeaderReading & { state: 'whole' }): void {
  assert.ok(length > 0 && length <= input.length, `${length} of ${input.length} bytes`);
  assert.is(readHeader(input.subarray(0, length)).state, 'whole');
  assert.is(readHeader(input.subarray(0, length - 1)).state, 'more');
  const { address, verifiedName } = header;
  if (address !== undefined) {
    assert.match(address.remoteAddress!, /^[\da-fA-F.:]{2,45}$/);
    assert.ok(address.remotePort! >= 0 && address.remotePort! <= 65_535, `port ${address.remotePort}`);
  }
  if (verifiedName !== undefined) assert.ok(verifiedName.length > 0 && verifiedName.length <= 256);
}
