/**
 * What wrong tokens cost who sends them. Each failure of an address makes the answer to its next one later, up to a bound;
 * an address that goes on is not answered any more: its connections are closed at once, until it has been quiet for a while.
 *
 * A right token is looked up before anybody asks here, and never waits: a token has 256 random bits, so that nobody finds
 * one by trying, and whoever shares an address with an attacker must not be shut out by him. What is bounded is the work.
 *
 * Where there are several I/O threads, they remember together.
 *
 * Invariant: at most `addressesMax` addresses are remembered, and at most `waitingMax` answers are waited for; the one that
 * failed longest ago is forgotten first. Addresses of IPv6 count by their first 64 bits, which one customer has.
 */
import { isIPv6 } from 'node:net';
import { type FailureRecords, type Failures, LocalFailures } from './failure-records.js';

const firstDelayMs = 25;
const delayMaxMs = 2000;
/** From so many failures on an address is not answered. */
const answeredMax = 32;
/** More are not counted: so an address is answered again after a few halvings. */
const failuresMax = 2 * answeredMax;
const halvingMs = 30_000;
const waitingOfAddressMax = 8;
const waitingMax = 256;

export class FailureDelays {
  readonly #records: FailureRecords;

  constructor(records: FailureRecords = new LocalFailures()) {
    this.#records = records;
  }

  get size(): number {
    return this.#records.size;
  }

  /**
   * An address has sent a wrong token. Answers after how long to say so; then `answered` is to be called. `undefined`: it is
   * to be cut without an answer.
   */
  failed(address: string | undefined, nowMs: number): number | undefined {
    const group = groupOf(address);
    const records = this.#records;
    return records.run(() => {
      const { count: before, waiting } = this.#of(group, nowMs);
      const count = Math.min(failuresMax, before + 1);
      const isCrowded = waiting >= waitingOfAddressMax || records.waiting >= waitingMax;
      const isCut = isCrowded || count > answeredMax;
      records.set(group, { count, atMs: nowMs, waiting: isCut ? waiting : waiting + 1 });
      if (isCut) return undefined;
      records.waiting++;
      return Math.min(delayMaxMs, firstDelayMs * 2 ** (Math.ceil(count) - 1));
    });
  }

  /** The answer has been sent, or nobody is there for it any more. */
  answered(address: string | undefined): void {
    const group = groupOf(address);
    const records = this.#records;
    records.run(() => {
      records.waiting--;
      const failures = records.get(group);
      if (failures === undefined || failures.waiting === 0) return;
      records.set(group, { ...failures, waiting: failures.waiting - 1 });
    });
  }

  #of(group: string, nowMs: number): Failures {
    const known = this.#records.get(group) ?? { count: 0, atMs: nowMs, waiting: 0 };
    return { ...known, count: known.count * 0.5 ** (Math.max(0, nowMs - known.atMs) / halvingMs) };
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
