/** PROXY headers of version 2, for tests. They are put together here by hand, with a checksum that is computed bit by bit. */

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

export interface BinaryHeader {
  /** Version and command. */
  readonly command: number;
  /** Family and protocol. */
  readonly family: number;
  readonly addresses: Uint8Array;
  readonly tlvs?: readonly Uint8Array[];
}

export function binaryHeader({ command, family, addresses, tlvs = [] }: BinaryHeader): Buffer {
  const rest = Buffer.concat([addresses, ...tlvs]);
  return Buffer.concat([signature, Buffer.from([command, family, rest.length >> 8, rest.length & 0xff]), rest]);
}

/** Of TCP over IPv4, from 192.0.2.7, port 50000, to 198.51.100.1, port 443. */
export function headerOfClient(tlvs: readonly Uint8Array[] = []): Buffer {
  return binaryHeader({ command: 0x21, family: 0x11, addresses: Buffer.from('c0000207c6336401c35001bb', 'hex'), tlvs });
}

export function tlv(type: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);
}

/** What a balancer tells of TLS. `verify` is 0 where it has verified the certificate. */
export function sslTlv({ client, verify, name }: { client: number; verify: number; name: string }): Buffer {
  const head = Buffer.from([client, 0, 0, 0, verify]);
  return tlv(0x20, Buffer.concat([head, tlv(0x21, Buffer.from('TLSv1.3')), tlv(0x22, Buffer.from(name))]));
}

/** The same header with a checksum as its last value. */
export function withChecksum(header: Uint8Array): Buffer {
  const bytes = Buffer.concat([header, tlv(0x03, new Uint8Array(4))]);
  bytes.writeUInt16BE(bytes.length - 16, 14);
  bytes.writeUInt32BE(slowCrc32c(bytes), bytes.length - 4);
  return bytes;
}

/** CRC-32C bit by bit, from its definition. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
  }
  return ~crc >>> 0;
}
