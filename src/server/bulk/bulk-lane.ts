import type { OperationLog } from '../../ops/define-operation.js';
import type { TaskRunner } from '../../pool/task.js';
import {
  BulkBody,
  type BulkEnd,
  type BulkOwner,
  type BulkRequest,
  segmentsPerBody,
  statesPerBody,
} from './bulk-body.js';
import { BulkMemory, type BulkMemorySize } from './bulk-memory.js';
import { WaitingBodies } from './waiting-bodies.js';

/** Bodies that may be in memory at once for each worker, and at the least. What is over it waits for its turn. */
const bodiesPerWorker = 4;
const bodiesMin = 16;

/** How long a body keeps its place, at the least, while others wait. */
const turnMs = 1000;
/** The same for one of which little comes: the kernel gathers the rest meanwhile, so its peer loses nothing. */
const slowTurnMs = 100;

/** The same for one of several I/O threads, which divide them. */
const bodiesMinOfThread = 8;

function bodiesAtOnce(workers: number, ioThreads: number): number {
  const all = Math.max(bodiesMin, bodiesPerWorker * workers);
  return ioThreads === 1 ? all : Math.max(bodiesMinOfThread, Math.ceil(all / ioThreads));
}

function memorySize(workers: number, stateBytes: number, ioThreads: number): BulkMemorySize {
  const bodies = bodiesAtOnce(workers, ioThreads);
  return { states: bodies * statesPerBody, stateBytes, segments: bodies * segmentsPerBody, loansMax: bodies };
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

export interface BulkLaneParts {
  readonly pool: TaskRunner;
  /** As `memoryIn` gives it; the pool's threads have it too. */
  readonly memory: BulkMemory;
  readonly workers: number;
  /** That divide the places. */
  readonly ioThreads: number;
  readonly log: Pick<OperationLog, 'error'>;
}

/**
 * Bodies of any size that go to the workers as they come. So many have memory at once, each the same few segments.
 * Whoever comes later waits, and its peer is not read from meanwhile. Where some wait, all take turns: of a second or so
 * where much comes, of a tenth where little does. Newcomers and those that had their turns before get the places that
 * come free alternately. So a crowd that sends slowly keeps nobody waiting for long, and newcomers do not shut it out.
 * Whoever has fewer places than another is before him, and one that has at least two more gives one up at once: so the many
 * connections of one identity, or of one address, keep no other waiting.
 *
 * Invariant: bodies that are open are never more than the bound. One that has ended, or whose turn is over, gives up its
 * place as soon as no thread reads its memory any more. Of the owners that have the fewest places, the one that has waited
 * longest gets it.
 */
export class BulkLane implements BulkOwner {
  readonly pool: TaskRunner;
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
  readonly #log: Pick<OperationLog, 'error'>;
  /** Bodies that wait for their first place, and those that had one before. */
  readonly #newcomers = new WaitingBodies();
  readonly #returned = new WaitingBodies();
  #isNewcomersTurn = true;
  /** Looks whose turn is over, as long as some wait. */
  #turns: NodeJS.Timeout | undefined;
  /** How many places each owner has, and each group of them. */
  readonly #places = new Map<object | string, number>();
  /** In the order in which they got their places. */
  readonly #open = new Set<BulkBody>();

  constructor({ pool, memory, workers, ioThreads, log }: BulkLaneParts) {
    this.pool = pool;
    this.memory = memory;
    this.#bodiesMax = bodiesAtOnce(workers, ioThreads);
    this.#log = log;
  }

  /** One piece for the bodies of all I/O threads. @param stateBytes of the state that an engine leaves between two parts */
  static pieceFor(workers: number, stateBytes: number, ioThreads: number): SharedArrayBuffer {
    return new SharedArrayBuffer(ioThreads * BulkMemory.bytesOf(memorySize(workers, stateBytes, ioThreads)));
  }

  /** The memory of one of them in that piece. */
  static memoryIn(
    piece: SharedArrayBuffer,
    workers: number,
    stateBytes: number,
    { index, count }: { readonly index: number; readonly count: number },
  ): BulkMemory {
    return new BulkMemory(memorySize(workers, stateBytes, count), piece, index);
  }

  /** Takes a body of which the first bytes are there. */
  open(request: BulkRequest): BulkBody {
    const body = new BulkBody(this, request);
    if (this.#open.size < this.#bodiesMax) this.#admit(body);
    else {
      this.#newcomers.add(body);
      this.#takeFromRichest(body);
      this.#endTurns(body.cameAtMs);
      this.#turns ??= setInterval(() => this.#lookAtTurns(), slowTurnMs).unref();
    }
    return body;
  }

  snapshot(): BulkSnapshot {
    return {
      open: this.#open.size,
      waiting: this.#waitingCount,
      bytes: this.memory.usedBytes,
      loans: this.memory.loans,
      ended: { ...this.ended },
    };
  }

  /**
   * Called now and then: a body that has never got a place is turned away after `waitMaxMs`.
   * @returns how many those were
   */
  sweep(nowMs: number, waitMaxMs: number): number {
    let turnedAway = 0;
    for (const body of this.#newcomers.all()) {
      if (nowMs - body.cameAtMs < waitMaxMs) continue;
      const message = `${this.#bodiesMax} large sums are under way, and no place came free within ${waitMaxMs} ms`;
      body.end('overloaded', { kind: 'error', code: 'OVERLOADED', message, retryAfterMs: waitMaxMs });
      turnedAway++;
    }
    return turnedAway;
  }

  get #waitingCount(): number {
    return this.#newcomers.size + this.#returned.size;
  }

  #lookAtTurns(): void {
    if (this.#waitingCount > 0) {
      this.#endTurns(performance.now());
      return;
    }
    clearInterval(this.#turns);
    this.#turns = undefined;
  }

  /** Asks as many bodies for their places as others wait for one, as far as their turns are over. */
  #endTurns(nowMs: number): void {
    let wanted = this.#waitingCount;
    for (const body of this.#open) if (body.isYielding) wanted--;
    for (const body of this.#open) {
      if (wanted <= 0) return;
      const heldMs = nowMs - body.openedAtMs;
      if (heldMs < slowTurnMs || (heldMs < turnMs && !body.isSlow(heldMs))) continue;
      body.yieldPlace();
      wanted--;
    }
  }

  /** Who gets the next place; `undefined` where nobody waits. */
  #takeNext(): BulkBody | undefined {
    const queues = this.#isNewcomersTurn ? [this.#newcomers, this.#returned] : [this.#returned, this.#newcomers];
    this.#isNewcomersTurn = !this.#isNewcomersTurn;
    for (const queue of queues) {
      const next = queue.next((body) => this.#rank(body));
      if (next === undefined) continue;
      queue.delete(next);
      return next;
    }
    return undefined;
  }

  leftQueue(body: BulkBody): void {
    this.#newcomers.delete(body);
    this.#returned.delete(body);
  }

  leftPlace(body: BulkBody): void {
    this.#open.delete(body);
    this.#count(body, -1);
    const next = this.#takeNext();
    if (next !== undefined) this.#admit(next);
  }

  gaveUpPlace(body: BulkBody): void {
    this.#returned.add(body);
    this.leftPlace(body);
  }

  failed(error: unknown): void {
    this.#log.error(
      { err: error },
      'a defect: no thread could be given a part of a large sum, which is answered with INTERNAL',
    );
  }

  #admit(body: BulkBody): void {
    this.#open.add(body);
    this.#count(body, 1);
    body.begin();
  }

  #count({ owner, group }: BulkBody, change: number): void {
    for (const holder of new Set([owner, group])) {
      const places = this.#placesOf(holder) + change;
      if (places === 0) this.#places.delete(holder);
      else this.#places.set(holder, places);
    }
  }

  #placesOf(holder: object | string): number {
    return this.#places.get(holder) ?? 0;
  }

  /** Who has fewer comes first: groups are compared, and then the owners in them. */
  #rank({ owner, group }: BulkBody): number {
    return this.#placesOf(group) * (this.#bodiesMax + 1) + this.#placesOf(owner);
  }

  /** Has the group that has the most places give one up, or the owner in the same group, where that is fair. */
  #takeFromRichest(newcomer: BulkBody): void {
    const isOver = (kind: 'group' | 'owner', body: BulkBody) =>
      body[kind] !== newcomer[kind] && this.#placesOf(body[kind]) > this.#placesOf(newcomer[kind]) + 1;
    for (const kind of ['group', 'owner'] as const) {
      const rich = [...this.#open]
        .filter((body) => (kind === 'group' || body.group === newcomer.group) && isOver(kind, body))
        .sort((one, other) => this.#placesOf(other[kind]) - this.#placesOf(one[kind]));
      if (rich.some((body) => body.yieldPlace())) return;
    }
  }
}
