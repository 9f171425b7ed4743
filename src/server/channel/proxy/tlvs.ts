/**
 * The values behind the addresses of version 2, each of a type (1 byte), a length (2) and so many bytes: section 2.2.1 to
 * 2.2.8 of `proxy-protocol.txt`. Two of them count here, the checksum and what TLS has told; the others are passed over.
 */
import { crc32c } from './crc32c.js';

export type TlvsReading = { readonly verifiedName: string | undefined } | { readonly why: string };

interface Tlv {
  readonly type: number;
  readonly at: number;
  readonly value: Buffer;
}

const tlvHeadBytes = 3;
const types = { crc32c: 0x03, ssl: 0x20, sslCommonName: 0x22 } as const;

/** Bits of the first byte of what TLS has told. */
const clientBits = { ssl: 0x01, certificateNow: 0x02, certificateInSession: 0x04 } as const;
/** That byte, and four of which all are 0 where the certificate was verified. */
const sslHeadBytes = 5;
/** X.520 allows 64 characters. */
const nameBytesMax = 256;

const zeroChecksum = new Uint8Array(4);
const malformed = { why: 'its values are cut off' };

/** @param whole the header, all of it; the checksum is over all of it */
export function readTlvs(whole: Buffer, from: number): TlvsReading {
  const tlvs = split(whole, from);
  if (tlvs === undefined) return malformed;
  const checksums = tlvs.filter(({ type }) => type === types.crc32c);
  const ssl = tlvs.filter(({ type }) => type === types.ssl);
  if (checksums.length > 1 || ssl.length > 1) return { why: 'it has a value twice that may be there once' };
  if (checksums.length === 1 && !isRight(checksums[0]!, whole)) return { why: 'its checksum is wrong' };
  return ssl.length === 0 ? { verifiedName: undefined } : readSsl(ssl[0]!.value);
}

/** `undefined` where they do not fill their place. */
function split(bytes: Buffer, from: number): Tlv[] | undefined {
  const tlvs: Tlv[] = [];
  let at = from;
  while (at < bytes.length) {
    if (at + tlvHeadBytes > bytes.length) return undefined;
    const valueAt = at + tlvHeadBytes;
    const end = valueAt + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) return undefined;
    tlvs.push({ type: bytes[at]!, at: valueAt, value: bytes.subarray(valueAt, end) });
    at = end;
  }
  return tlvs;
}

/** It is over the whole header, with zeros in its own place. */
function isRight({ at, value }: Tlv, whole: Buffer): boolean {
  if (value.length !== zeroChecksum.length) return false;
  const before = crc32c(zeroChecksum, crc32c(whole.subarray(0, at)));
  return crc32c(whole.subarray(at + value.length), before) === value.readUInt32BE();
}

function readSsl(value: Buffer): TlvsReading {
  if (value.length < sslHeadBytes) return malformed;
  const inner = split(value, sslHeadBytes);
  if (inner === undefined) return malformed;
  const client = value[0]!;
  const hasCertificate = (client & (clientBits.certificateNow | clientBits.certificateInSession)) !== 0;
  const isVerified = (client & clientBits.ssl) !== 0 && hasCertificate && value.readUInt32BE(1) === 0;
  const names = inner.filter(({ type }) => type === types.sslCommonName);
  if (names.length > 1) return { why: 'it has a value twice that may be there once' };
  if (!isVerified || names.length === 0) return { verifiedName: undefined };
  const verifiedName = textOf(names[0]!.value);
  return verifiedName === undefined ? { why: 'the name in the certificate is no plain text' } : { verifiedName };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > nameBytesMax) return undefined;
  try {
    const text = utf8.decode(bytes);
    return /\p{Cc}/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
