import { FairQueue, type OwnedItem } from './fair-queue.js';
import { OperationHealth } from './operation-health.js';

/**
 * Who is next. Each operation has a queue of its own, and a turn: an operation with ten thousand waiting tasks delays
 * one with a single task by no more than one task. Within an operation, the owners of the tasks take turns.
 *
 * Invariant: an operation runs at most `concurrency` tasks at once, and an owner at most what his quota says. One that has
 * free places and waiting tasks gets its turn within as many calls of `next` as there are operations, unless it is costly
 * and no thread can be spared for it, or all its owners are held or have what their quotas say.
 */

/** The tasks of one operation. */
export class OperationQueue<Item extends OwnedItem> {
  readonly op: string;
  readonly concurrency: number;
  readonly waiting = new FairQueue<Item>();
  readonly health = new OperationHealth();
  /** Threads that are in one of its tasks, also those that have been told to stop and have not yet. */
  running = 0;
  #meanRunMs = 10;

  constructor(op: string, concurrency: number) {
    this.op = op;
    this.concurrency = concurrency;
  }

  /** May one more of its tasks run, as far as this operation is concerned? */
  get hasRoomToRun(): boolean {
    if (this.running >= this.concurrency) return false;
    return this.running === 0 || !this.health.isDeadly;
  }

  /** @param canSpare may a thread be risked: is another one warm? Only asked where it matters. */
  hasTurn(canSpare: () => boolean): boolean {
    return this.waiting.size > 0 && this.hasRoomToRun && (!this.health.isCostly || canSpare());
  }

  /** Notes how long a task took: a moving mean, in which the last eight runs or so count. */
  observe(runMs: number): void {
    this.#meanRunMs += (runMs - this.#meanRunMs) / 8;
  }

  /** About when there will be room, if the tasks that wait take as long as the last ones did. */
  retryAfterMs(workers: number): number {
    const atOnce = Math.min(workers, this.concurrency);
    const estimateMs = Math.ceil((this.waiting.size * this.#meanRunMs) / atOnce / 2);
    return Math.min(retryAfterMaxMs, Math.max(retryAfterMinMs, estimateMs));
  }
}

type Holds = (health: OperationHealth) => ((owner: object) => boolean) | undefined;

const retryAfterMinMs = 10;
const retryAfterMaxMs = 30_000;

export class Schedule<Item extends OwnedItem> {
  readonly #queues: OperationQueue<Item>[] = [];
  readonly #byName = new Map<string, OperationQueue<Item>>();
  /** Where the next search begins: after the operation that had its turn last. */
  #turn = 0;

  add(queue: OperationQueue<Item>): void {
    this.#queues.push(queue);
    this.#byName.set(queue.op, queue);
  }

  get(op: string): OperationQueue<Item> | undefined {
    return this.#byName.get(op);
  }

  get queues(): readonly OperationQueue<Item>[] {
    return this.#queues;
  }

  get hasWaiting(): boolean {
    return this.#queues.some(({ waiting }) => waiting.size > 0);
  }

  /**
   * Takes the next task and counts it as running; `undefined` where none may run.
   * @param holds of an operation that has cost threads: whose tasks may not run now; `undefined` for nobody's
   */
  next(canSpare: () => boolean = () => true, holds: Holds = () => undefined): Item | undefined {
    for (let step = 0; step < this.#queues.length; step += 1) {
      const index = (this.#turn + step) % this.#queues.length;
      const queue = this.#queues[index]!;
      if (!queue.hasTurn(canSpare)) continue;
      const item = queue.waiting.shiftNext(queue.health.isCostly ? holds(queue.health) : undefined);
      if (item === undefined) continue;
      this.#turn = index + 1;
      queue.running += 1;
      if (item.quota !== undefined) item.quota.threadsBusy += 1;
      return item;
    }
    return undefined;
  }
}
