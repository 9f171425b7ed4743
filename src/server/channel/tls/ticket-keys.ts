/**
 * The keys of session tickets, the same in all I/O threads, so that a session that began on one is taken up again on any.
 *
 * Who has the keys can read what a session of TLS 1.2 said, also later; so they are replaced now and then, and written over
 * each other in shared memory. Copies that a connection's context or V8's heap has go with these.
 *
 * Invariant: `read` gives keys that were written whole. While they are being written the number of the writing is odd.
 */
import { randomBytes } from 'node:crypto';

const keysBytes = 48;
const numberBytes = Int32Array.BYTES_PER_ELEMENT;

/** How long keys are used. A client that comes back after they were replaced makes a full handshake. */
export const ticketKeysMs = 12 * 3600 * 1000;

export class TicketKeys {
  readonly memory: SharedArrayBuffer;
  readonly #number: Int32Array;
  readonly #bytes: Uint8Array;

  /** @param memory another thread's; without it, keys are made */
  constructor(memory?: SharedArrayBuffer) {
    this.memory = memory ?? new SharedArrayBuffer(numberBytes + keysBytes);
    this.#number = new Int32Array(this.memory, 0, 1);
    this.#bytes = new Uint8Array(this.memory, numberBytes, keysBytes);
    if (memory === undefined) this.renew();
  }

  /** Changes with the keys. */
  get number(): number {
    return Atomics.load(this.#number, 0);
  }

  /** Puts new keys in place of the old ones. For one thread alone. */
  renew(): void {
    const keys = randomBytes(keysBytes);
    Atomics.add(this.#number, 0, 1);
    for (let at = 0; at < keysBytes; at++) Atomics.store(this.#bytes, at, keys[at]!);
    Atomics.add(this.#number, 0, 1);
    keys.fill(0);
  }

  /** The keys and the number that they have. */
  read(): { readonly keys: Buffer; readonly number: number } {
    while (true) {
      const { number } = this;
      const keys = Buffer.from(Uint8Array.from(this.#bytes.keys(), (at) => Atomics.load(this.#bytes, at)));
      // The writing takes a microsecond.
      if (number % 2 === 0 && number === this.number) return { keys, number };
    }
  }
}
