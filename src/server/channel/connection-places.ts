/**
 * Who may have a connection: places in all, places for each address, and none for newcomers while the server is overloaded.
 *
 * Invariant: `open` is the number of places that were taken and not given back; an address is remembered exactly while it
 * has one. Where addresses have no limit, none is remembered.
 */
import { isIPv6 } from 'node:net';
import { errorFrame } from '../../protocol/replies.js';
import type { EndReason } from '../observer.js';
import type { Overload } from '../overload.js';
import { LocalTally, type Tally } from '../tally.js';
import type { PeerAddress } from './channel.js';

export interface PlaceLimits {
  /** Connections in all. */
  readonly max: number;
  /** Connections from one address; 0 for no such limit. */
  readonly maxPerAddress: number;
}

/** Why there is no place, and the frame that tells so. */
export interface TurnedAway {
  readonly reason: Extract<EndReason, 'connection_limit' | 'address_limit' | 'overload'>;
  readonly frame: Uint8Array;
}

export class ConnectionPlaces {
  readonly #limits: PlaceLimits;
  readonly #overload: Pick<Overload, 'stage' | 'retryAfterMs'>;
  readonly #byAddress = new Map<string, number>();
  readonly #open: Tally;

  /** @param open counts for all I/O threads; addresses are counted by each for itself */
  constructor(limits: PlaceLimits, overload: Pick<Overload, 'stage' | 'retryAfterMs'>, open: Tally = new LocalTally()) {
    this.#open = open;
    this.#limits = limits;
    this.#overload = overload;
  }

  /**
   * Why there is no place for one more connection; `undefined` where there is.
   * @param onTheWay connections that are in their first steps, and have no place yet
   */
  refusal(address: PeerAddress, onTheWay: number): TurnedAway | undefined {
    const { max } = this.#limits;
    if (this.#overload.stage === 2) {
      const message = 'the server is overloaded and takes no new connections; try again later, or elsewhere';
      return turnedAway('overload', message, this.#overload.retryAfterMs);
    }
    if (this.#open.value + onTheWay >= max) return this.#full();
    return this.addressRefusal(address);
  }

  /** The same as far as the address goes: what a balancer tells of it may be known only after some steps. */
  addressRefusal({ remoteAddress }: PeerAddress): TurnedAway | undefined {
    const { maxPerAddress } = this.#limits;
    if (maxPerAddress === 0 || remoteAddress === undefined) return undefined;
    const group = addressGroup(remoteAddress);
    if ((this.#byAddress.get(group) ?? 0) < maxPerAddress) return undefined;
    const message = `${maxPerAddress} connections are open from ${group}, and no more may be (--max-connections-per-address)`;
    return turnedAway('address_limit', message);
  }

  /** Takes a place; says why not, where another I/O thread has taken the last one. */
  take(address: PeerAddress): TurnedAway | undefined {
    if (!this.#open.takeBelow(this.#limits.max)) return this.#full();
    this.#count(address, 1);
    return undefined;
  }

  /** Gives the place back that was taken for this address. */
  leave(address: PeerAddress): void {
    this.#open.add(-1);
    this.#count(address, -1);
  }

  #full(): TurnedAway {
    const { max } = this.#limits;
    return turnedAway('connection_limit', `${max} connections are open, and no more may be (--max-connections)`);
  }

  #count({ remoteAddress }: PeerAddress, more: 1 | -1): void {
    if (this.#limits.maxPerAddress === 0 || remoteAddress === undefined) return;
    const group = addressGroup(remoteAddress);
    const count = (this.#byAddress.get(group) ?? 0) + more;
    if (count === 0) this.#byAddress.delete(group);
    else this.#byAddress.set(group, count);
  }
}

function turnedAway(reason: TurnedAway['reason'], message: string, retryAfterMs?: number): TurnedAway {
  return { reason, frame: errorFrame(null, 'OVERLOADED', message, retryAfterMs) };
}

const groupsOfNetwork = 4;
const groupsInAll = 8;

/**
 * What counts as one address: an IPv4 address, also as IPv6 writes it (`::ffff:192.0.2.1`), or the first 64 bits of an IPv6
 * address, of which one subscriber has all the rest.
 */
export function addressGroup(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = plain.split('::');
  const first = head === '' ? [] : head.split(':');
  // The dotted end of an address stands for two groups.
  const last = tail === undefined || tail === '' ? [] : tail.replace(/\d+\.\d+\.\d+\.\d+$/, '0:0').split(':');
  const gap = tail === undefined ? [] : Array<string>(groupsInAll - first.length - last.length).fill('0');
  const network = [...first, ...gap, ...last].slice(0, groupsOfNetwork);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
