/**
 * What identities have taken of their limits, where several I/O threads serve them: a table in shared memory with a row for
 * each name that has a limit. Each thread reads the file of tokens by itself, so each claims the rows of its own
 * identities, and a row is there as long as any thread has it.
 *
 * Invariants: a name has one row. A row that nobody holds counts nothing. The table has room for the identities of two whole
 * files, the one before a change and the one after it; where there is none, the thread counts by itself.
 */
import { createHash } from 'node:crypto';
import { SharedLock } from '../shared-lock.js';
import { SharedTally, type Tally } from '../tally.js';
import { SharedTokenBucket } from './shared-token-bucket.js';
import type { Bucket } from './token-bucket.js';
import { identitiesMax } from './token-file.js';

const rows = 2 * identitiesMax;
const wordBytes = 8;
/** The words of a row. */
const keyWord = 0;
const holdersWord = 1;
const inFlightWord = 2;
/** Of a rate there are two words: what it is, and when its bucket is full. */
const rateWords = { requests: 3, bytes: 5 } as const;
const rowWords = 7;

/** What one identity has taken, over all threads. */
export interface SharedCounts {
  readonly inFlight: Tally;
  /** The bucket of a rate. A rate that is new begins with a full one; one that stays keeps its debts. */
  bucket(of: 'requests' | 'bytes', perSecond: number): Bucket;
  /** The thread counts there no more. */
  release(): void;
}

export class SharedIdentities {
  static readonly bytes = SharedLock.bytes + rows * rowWords * wordBytes;
  readonly #memory: SharedArrayBuffer;
  readonly #lock: SharedLock;
  readonly #words: BigInt64Array;
  readonly #numbers: Float64Array;

  /** @param memory of `SharedIdentities.bytes`, the same in all threads */
  constructor(memory: SharedArrayBuffer) {
    this.#memory = memory;
    this.#lock = new SharedLock(memory, 0);
    this.#words = new BigInt64Array(memory, SharedLock.bytes);
    this.#numbers = new Float64Array(memory, SharedLock.bytes);
  }

  /** @returns `undefined` where no row is left */
  claim(name: string): SharedCounts | undefined {
    const at = this.#lock.run(() => this.#claimRow(keyOf(name)));
    if (at === undefined) return undefined;
    const offsetOf = (word: number) => SharedLock.bytes + (at + word) * wordBytes;
    return {
      inFlight: new SharedTally(this.#memory, offsetOf(inFlightWord)),
      bucket: (of, perSecond) => {
        const word = rateWords[of];
        this.#lock.run(() => {
          if (this.#numbers[at + word] === perSecond) return;
          this.#numbers[at + word] = perSecond;
          Atomics.store(this.#words, at + word + 1, 0n);
        });
        return new SharedTokenBucket(perSecond, new BigInt64Array(this.#memory, offsetOf(word + 1), 1));
      },
      release: () => {
        this.#lock.run(() => {
          this.#words[at + holdersWord]! -= 1n;
        });
      },
    };
  }

  /** A row keeps its key when nobody holds it any more: those that were put behind it are found past it. */
  #claimRow(key: bigint): number | undefined {
    const words = this.#words;
    const first = Number(key % BigInt(rows));
    let spare: number | undefined;
    for (let step = 0; step < rows; step++) {
      const at = ((first + step) % rows) * rowWords;
      const found = words[at + keyWord]!;
      const isHeld = words[at + holdersWord]! > 0n;
      if (found === key && isHeld) {
        words[at + holdersWord]! += 1n;
        return at;
      }
      if (!isHeld) spare ??= at;
      if (found === 0n) break;
    }
    if (spare === undefined) return undefined;
    words.fill(0n, spare, spare + rowWords);
    words[spare + keyWord] = key;
    words[spare + holdersWord] = 1n;
    return spare;
  }
}

/** Never 0, which is a row that was never used. */
function keyOf(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigInt64LE() & 0x7fff_ffff_ffff_ffffn || 1n;
}
