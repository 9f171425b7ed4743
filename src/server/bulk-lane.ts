import type { Pool } from '../pool/pool.js';
import {
  BulkBody,
  type BulkEnd,
  type BulkOwner,
  type BulkRequest,
  segmentsPerBody,
  statesPerBody,
} from './bulk-body.js';
import { BulkMemory } from './bulk-memory.js';

/** Bodies that may be in memory at once for each worker, and at the least. What is over it waits for its turn. */
const bodiesPerWorker = 4;
const bodiesMin = 16;

function bodiesAtOnce(workers: number): number {
  return Math.max(bodiesMin, bodiesPerWorker * workers);
}

export interface BulkSnapshot {
  /** Bodies that have memory, and those that wait for it. */
  readonly open: number;
  readonly waiting: number;
  readonly bytes: number;
  /** Segments that the next read of some connection goes to. */
  readonly loans: number;
  readonly ended: Readonly<Record<BulkEnd, number>>;
}

/**
 * Bodies of any size that go to the workers as they come. So many have memory at once, each the same few segments;
 * whoever comes later waits, and its peer is not read from meanwhile.
 *
 * Invariant: bodies that are open are never more than the bound; one that has ended gives up its place as soon as no
 * thread reads its memory any more, and the one that has waited longest gets it.
 */
export class BulkLane implements BulkOwner {
  readonly pool: Pool;
  readonly memory: BulkMemory;
  readonly ended: Record<BulkEnd, number> = {
    answered: 0,
    cancelled: 0,
    expired: 0,
    failed: 0,
    overloaded: 0,
    stalled: 0,
    gone: 0,
  };
  readonly #bodiesMax: number;
  readonly #waiting = new Set<BulkBody>();
  #open = 0;

  /** @param memory as `memoryFor` gives it; the pool's threads have it too */
  constructor(pool: Pool, memory: BulkMemory, workers: number) {
    this.pool = pool;
    this.memory = memory;
    this.#bodiesMax = bodiesAtOnce(workers);
  }

  /** @param stateBytes of the state that an engine leaves between two parts */
  static memoryFor(workers: number, stateBytes: number): BulkMemory {
    const bodies = bodiesAtOnce(workers);
    return new BulkMemory(bodies * statesPerBody, stateBytes, bodies * segmentsPerBody, bodies);
  }

  /** Takes a body of which the first bytes are there. */
  open(request: BulkRequest): BulkBody {
    const body = new BulkBody(this, request);
    if (this.#open < this.#bodiesMax) this.#admit(body);
    else this.#waiting.add(body);
    return body;
  }

  snapshot(): BulkSnapshot {
    return {
      open: this.#open,
      waiting: this.#waiting.size,
      bytes: this.memory.usedBytes,
      loans: this.memory.loans,
      ended: { ...this.ended },
    };
  }

  /**
   * Turns away what has waited for too long: the places may be taken by peers that send just enough to keep them.
   * @returns how many those were
   */
  sweep(nowMs: number, waitMaxMs: number): number {
    let count = 0;
    for (const body of this.#waiting) {
      if (nowMs - body.cameAtMs < waitMaxMs) break;
      const message = `${this.#bodiesMax} large sums are under way, and no place came free within ${waitMaxMs} ms`;
      body.end('overloaded', { kind: 'error', code: 'OVERLOADED', message, retryAfterMs: waitMaxMs });
      count++;
    }
    return count;
  }

  leave(body: BulkBody): void {
    this.#waiting.delete(body);
  }

  close(): void {
    this.#open--;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#admit(next);
  }

  #admit(body: BulkBody): void {
    this.#open++;
    body.begin();
  }
}
