/**
 * The step of a door that stands behind balancers: a connection comes from one that is trusted and begins with a PROXY
 * header, or it is refused. What a stranger says of itself is never read: it is refused too, or passes as it is.
 *
 * Invariant: what is read behind the header is put back in the socket, in its order, and the socket is paused again.
 */
import type { Socket } from 'node:net';
import { GatheredBytes } from '../../../protocol/gathered-bytes.js';
import type { EndReason } from '../../observer.js';
import type { AcceptStep, Arrival } from '../acceptor.js';
import type { PeerAddress } from '../channel.js';
import { bad, type HeaderReading, more, readHeader } from './header.js';
import type { TrustedProxies } from './trusted-proxies.js';

export interface ProxyStepParts {
  readonly trusted: TrustedProxies;
  /** What becomes of peers that are no balancers. */
  readonly strangers: 'refused' | 'pass';
  /** A connection is refused, by the peer's own address. */
  refused(reason: EndReason, address: PeerAddress, why: string): void;
}

/** The handle of a socket in Node, which goes on reading while a socket is paused until this is called. */
type WithHandle = { _handle?: { reading?: boolean; readStop?(): void } | null };

export function makeProxyStep({ trusted, strangers, refused }: ProxyStepParts): AcceptStep {
  return async (arrival) => {
    const { socket, address } = arrival;
    // A socket has no address once its peer has reset it, as checks of health do.
    if (address.remoteAddress === undefined) return undefined;
    if (!trusted.has(address.remoteAddress)) {
      if (strangers === 'pass') return arrival;
      refused('proxy_untrusted', address, 'its peer is none of --trusted-proxies');
      return undefined;
    }
    const reading = await readFrom(socket);
    if (reading === undefined) return undefined;
    if (reading.state === 'whole') return arrivalOf(arrival, reading);
    refused('proxy_header', address, reading.state === 'bad' ? reading.why : 'it did not come whole');
    return undefined;
  };
}

function arrivalOf(arrival: Arrival, { header }: HeaderReading & { state: 'whole' }): Arrival {
  return { ...arrival, address: header.address ?? arrival.address, identity: header.verifiedName ?? arrival.identity };
}

/** Settles when the header is there or cannot be any more; `undefined` for a peer that has left without a byte. */
function readFrom(socket: Socket): Promise<HeaderReading | undefined> {
  return new Promise((resolve) => {
    const gathered = new GatheredBytes();
    let isReset = false;
    const settle = (reading: HeaderReading | undefined) => {
      socket.off('data', onData).off('end', onEnd).off('close', onClose);
      pause(socket);
      resolve(reading);
    };
    const onData = (part: Uint8Array) => {
      gathered.add(part);
      const { bytes } = gathered;
      const reading = readHeader(bytes);
      if (reading.state === 'more') return;
      settle(reading);
      if (reading.state === 'whole' && reading.length < bytes.length) socket.unshift(bytes.subarray(reading.length));
    };
    const onEnd = () => settle(gathered.length === 0 ? undefined : bad('it ends in the middle'));
    // Where it is no reset, its time is over.
    const onClose = () => settle(isReset && gathered.length === 0 ? undefined : more);
    // An error is followed by the close. The socket keeps this listener: a reset may come at any moment.
    socket.on('error', () => {
      isReset = true;
    });
    socket.on('data', onData).on('end', onEnd).on('close', onClose).resume();
  });
}

function pause(socket: Socket): void {
  socket.pause();
  const handle = (socket as WithHandle)._handle;
  if (!handle?.readStop) return;
  handle.reading = false;
  handle.readStop();
}
