/**
 * Version 2, section 2.2 of `proxy-protocol.txt`.
 *
 *     12 bytes signature │ version, command │ family, protocol │ length (2) │ addresses │ TLVs
 */
import type { PeerAddress } from '../channel.js';
import { bad, type HeaderReading, more, ownHeader } from './header.js';
import { readTlvs } from './tlvs.js';

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const fixedBytes = 16;

/** What may follow the fixed part. A header may say up to 64 KiB, and those that are seen have some hundred bytes. */
export const restBytesMax = 16 * 1024;

const commands = { local: 0x20, proxy: 0x21 } as const;

/** Bytes of both addresses and ports, by family and protocol. */
const addressBytes: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x12, 12],
  [0x21, 36],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
]);

export function readBinaryHeader(bytes: Uint8Array): HeaderReading {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const known = Math.min(view.length, signature.length);
  if (view.compare(signature, 0, known, 0, known) !== 0) return bad('it does not begin like a PROXY header');
  if (view.length < fixedBytes) return more;
  const command = view[12]!;
  if (command !== commands.local && command !== commands.proxy) return bad('its version or command is unknown');
  const length = view.readUInt16BE(14);
  if (length > restBytesMax) return bad('it is longer than 16 KiB');
  const end = fixedBytes + length;
  if (view.length < end) return more;
  // Of a connection of the balancer's own, such as a check of health, all that follows is to be skipped.
  if (command === commands.local) return { state: 'whole', length: end, header: ownHeader };
  return readProxied(view.subarray(0, end));
}

/** @param whole the header, all of it */
function readProxied(whole: Buffer): HeaderReading {
  const family = whole[13]!;
  const ofAddresses = addressBytes.get(family);
  if (ofAddresses === undefined) return bad('its family or protocol is unknown');
  const tlvsAt = fixedBytes + ofAddresses;
  if (tlvsAt > whole.length) return bad('it is too short for its addresses');
  const tlvs = readTlvs(whole, tlvsAt);
  if ('why' in tlvs) return bad(tlvs.why);
  const header = { address: clientOf(whole, ofAddresses), verifiedName: tlvs.verifiedName };
  return { state: 'whole', length: whole.length, header };
}

function clientOf(whole: Buffer, ofAddresses: number): PeerAddress | undefined {
  switch (ofAddresses) {
    case 12: {
      const remoteAddress = whole.subarray(fixedBytes, fixedBytes + 4).join('.');
      return { remoteAddress, remotePort: whole.readUInt16BE(fixedBytes + 8) };
    }
    case 36: {
      const remoteAddress = textOfIPv6(whole.subarray(fixedBytes, fixedBytes + 16));
      return { remoteAddress, remotePort: whole.readUInt16BE(fixedBytes + 32) };
    }
    default:
      return undefined;
  }
}

/** As Node tells the address of a socket: compressed; an IPv4 address in it as `::ffff:192.0.2.1`. */
function textOfIPv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  const { at, count } = longestZeros(groups);
  const words = groups.map((group) => group.toString(16));
  if (count < 2) return words.join(':');
  return `${words.slice(0, at).join(':')}::${words.slice(at + count).join(':')}`;
}

function longestZeros(groups: readonly number[]): { at: number; count: number } {
  let longest = { at: 0, count: 0 };
  for (let at = 0; at < groups.length; at++) {
    let count = 0;
    while (groups[at + count] === 0) count++;
    if (count > longest.count) longest = { at, count };
  }
  return longest;
}
