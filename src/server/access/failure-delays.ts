/**
 * What wrong tokens cost who sends them. Each failure of an address makes the answer to its next one later, up to a bound;
 * an address that goes on is not answered any more: its connections are closed at once, until it has been quiet for a while.
 *
 * A right token is looked up before anybody asks here, and never waits: a token has 256 random bits, so that nobody finds
 * one by trying, and whoever shares an address with an attacker must not be shut out by him. What is bounded is the work.
 *
 * Invariant: at most `addressesMax` addresses are remembered, and at most `waitingMax` answers are waited for; the one that
 * failed longest ago is forgotten first. Addresses of IPv6 count by their first 64 bits, which one customer has.
 */
import { isIPv6 } from 'node:net';

const addressesMax = 4096;
const firstDelayMs = 25;
const delayMaxMs = 2000;
/** From so many failures on an address is not answered. */
const answeredMax = 32;
/** More are not counted: so an address is answered again after a few halvings. */
const failuresMax = 2 * answeredMax;
const halvingMs = 30_000;
const waitingOfAddressMax = 8;
const waitingMax = 256;

interface Failures {
  count: number;
  atMs: number;
  waiting: number;
}

export class FailureDelays {
  readonly #byAddress = new Map<string, Failures>();
  #waiting = 0;

  get size(): number {
    return this.#byAddress.size;
  }

  /**
   * An address has sent a wrong token. Answers after how long to say so; then `answered` is to be called. `undefined`: it is
   * to be cut without an answer.
   */
  failed(address: string | undefined, nowMs: number): number | undefined {
    const group = groupOf(address);
    const failures = this.#of(group, nowMs);
    this.#byAddress.delete(group);
    this.#byAddress.set(group, failures);
    if (this.#byAddress.size > addressesMax) this.#byAddress.delete(this.#byAddress.keys().next().value!);
    failures.count = Math.min(failuresMax, failures.count + 1);
    failures.atMs = nowMs;
    const isCrowded = failures.waiting >= waitingOfAddressMax || this.#waiting >= waitingMax;
    if (isCrowded || failures.count > answeredMax) return undefined;
    failures.waiting++;
    this.#waiting++;
    return Math.min(delayMaxMs, firstDelayMs * 2 ** (Math.ceil(failures.count) - 1));
  }

  /** The answer has been sent, or nobody is there for it any more. */
  answered(address: string | undefined): void {
    this.#waiting--;
    const failures = this.#byAddress.get(groupOf(address));
    if (failures !== undefined && failures.waiting > 0) failures.waiting--;
  }

  #of(group: string, nowMs: number): Failures {
    const known = this.#byAddress.get(group) ?? { count: 0, atMs: nowMs, waiting: 0 };
    return { ...known, count: known.count * 0.5 ** ((nowMs - known.atMs) / halvingMs) };
  }
}

/** The address that failures are counted for. */
export function groupOf(address = 'unknown'): string {
  const bare = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  if (!isIPv6(bare)) return bare;
  const [front = '', back] = bare.split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === undefined || back === '' ? [] : back.split(':');
  // One that ends as an IPv4 address has a part more than is written.
  const parts = head.length + tail.length + (bare.includes('.') ? 1 : 0);
  const zeros = back === undefined ? 0 : 8 - parts;
  const words = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return `${words
    .slice(0, 4)
    .map((word) => Number.parseInt(word, 16).toString(16))
    .join(':')}::/64`;
}
