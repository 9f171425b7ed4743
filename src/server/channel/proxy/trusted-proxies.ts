/** Which peers are balancers of ours: only what they say of their clients is believed. */
import { BlockList, isIP } from 'node:net';

const mappedPrefix = /^::ffff:(?=\d+\.)/i;

export class TrustedProxies {
  readonly #list = new BlockList();

  /** @param addresses IP addresses, and ranges such as `10.0.0.0/8`, as `Config` has them */
  constructor(addresses: readonly string[]) {
    for (const each of addresses) {
      const [address, bits] = each.split('/') as [string, string | undefined];
      const plain = address.replace(mappedPrefix, '');
      if (bits === undefined) this.#list.addAddress(plain, familyOf(plain));
      else this.#list.addSubnet(address, Number(bits), familyOf(address));
    }
  }

  /** @param address as Node tells the peer of a socket: IPv4 may come as `::ffff:192.0.2.1` */
  has(address: string | undefined): boolean {
    const plain = address?.replace(mappedPrefix, '').replace(/%.*$/, '');
    return plain !== undefined && isIP(plain) !== 0 && this.#list.check(plain, familyOf(plain));
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}
