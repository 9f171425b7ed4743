import { type ListLinks, WaitingList } from './waiting-list.js';

/**
 * Who is next. Each operation has a queue of its own, and a turn: an operation with ten thousand tasks waiting delays
 * one with a single task by no more than one task.
 *
 * Invariant: an operation runs at most `concurrency` tasks at once, and one that has free places and waiting tasks gets
 * its turn within as many calls of `next` as there are operations.
 */

/** The tasks of one operation. */
export class OperationQueue<Item extends ListLinks> {
  readonly op: string;
  readonly concurrency: number;
  readonly waiting = new WaitingList<Item>();
  /** Threads that are in one of its tasks, those included that have been told to stop and have not yet. */
  running = 0;
  #meanRunMs = 10;

  constructor(op: string, concurrency: number) {
    this.op = op;
    this.concurrency = concurrency;
  }

  get hasTurn(): boolean {
    return this.waiting.size > 0 && this.running < this.concurrency;
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

const retryAfterMinMs = 10;
const retryAfterMaxMs = 30_000;

export class Schedule<Item extends ListLinks> {
  readonly #queues: OperationQueue<Item>[] = [];
  readonly #byName = new Map<string, OperationQueue<Item>>();
  /** Where the next search begins: behind the operation that had its turn last. */
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

  /** Takes the next task and counts it as running; `undefined` where none may run. */
  next(): Item | undefined {
    for (let step = 0; step < this.#queues.length; step += 1) {
      const index = (this.#turn + step) % this.#queues.length;
      const queue = this.#queues[index]!;
      if (!queue.hasTurn) continue;
      this.#turn = index + 1;
      queue.running += 1;
      return queue.waiting.shift();
    }
    return undefined;
  }
}
