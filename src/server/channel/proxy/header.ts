/**
 * The header that a balancer puts in front of a connection to tell whose it is: the PROXY protocol, versions 1 (text) and
 * 2 (binary), as in "The PROXY protocol, Versions 1 & 2" by Willy Tarreau, `doc/proxy-protocol.txt` of HAProxy (2020/03/05).
 * The two share no first byte.
 *
 * Pure: bytes in, a value out. A header that is not there in full is a value too, so how the bytes are cut does not matter.
 */
import type { PeerAddress } from '../channel.js';
import { readBinaryHeader } from './binary-header.js';
import { readTextHeader } from './text-header.js';

/** What a header tells of a connection. */
export interface ProxyHeader {
  /** The client's. `undefined` where the connection is the balancer's own, or the client's address is none of IP. */
  readonly address: PeerAddress | undefined;
  /** The common name in the client's certificate, where the balancer has verified that. */
  readonly verifiedName: string | undefined;
}

export type HeaderReading =
  /** Right so far, and not whole. */
  | { readonly state: 'more' }
  /** `length` bytes are the header; what is behind them is the client's. */
  | { readonly state: 'whole'; readonly length: number; readonly header: ProxyHeader }
  /** `why` is one of a few fixed phrases, with nothing in it of what the peer has sent. */
  | { readonly state: 'bad'; readonly why: string };

/** Of which nothing is to be told: the connection is the balancer's own. */
export const ownHeader: ProxyHeader = { address: undefined, verifiedName: undefined };

export const more: HeaderReading = { state: 'more' };

export function bad(why: string): HeaderReading {
  return { state: 'bad', why };
}

const firstOfText = 'P'.charCodeAt(0);

/** Reads the header at the beginning of `bytes`. */
export function readHeader(bytes: Uint8Array): HeaderReading {
  if (bytes.length === 0) return more;
  return bytes[0] === firstOfText ? readTextHeader(bytes) : readBinaryHeader(bytes);
}
