import { PoolError } from '../errors.js';
import { builtInOperations, unknownOperation } from '../ops/built-in.js';
import type { OperationLog } from '../ops/define-operation.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { frameBytesMaxDefault } from '../protocol/limits.js';
import { Crew } from './crew.js';
import { freeIfDone, type Job, lossMessage, newJob, settle } from './job.js';
import { type EndCode, errorOutcome, type LogLevel, logLevels } from './messages.js';
import { OperationQueue, Schedule } from './schedule.js';
import type { Outcome, PoolSnapshot, Task, TaskHandle } from './task.js';
import type { Death } from './thread.js';
import { WaitingList } from './waiting-list.js';

/**
 * Runs tasks on worker threads: bounded queues, deadlines, cancellation that holds for code that never looks up, and
 * threads whose death costs one task at most.
 *
 * Invariant: each task that was submitted gets exactly one outcome, never before `submit` has returned. Until then it is
 * in exactly one place: held until the operations are known, waiting in its operation's queue, or with one thread.
 *
 * Left to others: what a request is, and how an outcome becomes a reply (the server); when threads start and end (`Crew`).
 */

export interface PoolOptions {
  /** Tasks that run at once. */
  readonly workers: number;
  /** Warm threads beside those, to take the place of one that has to be ended. Default 1. */
  readonly spares?: number;
  /** Waiting tasks that each operation may have. */
  readonly queueMax: number;
  /**
   * MiB of JavaScript heap that a thread may use; over it, it dies as out of memory. WASM memory, ArrayBuffers and Buffers
   * do not stand in the heap and are not limited.
   */
  readonly workerMemoryMb: number;
  /** File URLs of modules that export operations. */
  readonly operationModules: readonly string[];
  readonly engineModule: WebAssembly.Module;
  /** Where tasks of kind `part` have their bytes. Default: nothing, for a pool that gets none. */
  readonly partMemory?: SharedArrayBuffer;
  /** Time that a thread has to give up an ended task by itself, where it may be expected to. Default 50. */
  readonly stopGraceMs?: number;
  /** Time that a thread has to load the modules. Default 30,000. */
  readonly startTimeoutMs?: number;
  /** Bytes that the JSON of a result may have. Default: what fits into a frame that is held in memory. */
  readonly resultBytesMax?: number;
  /** pino's, or anything with its four methods; what `level` shuts out is not even sent by the threads. */
  readonly log: OperationLog & { readonly level?: string };
}

/** The longest that setTimeout can wait; some 24 days. */
const timerMaxMs = 0x7fff_ffff;
/** How often a task may be handed to a thread that dies before it has begun: then it is not chance any more. */
const unbegunMax = 3;

export class Pool {
  readonly #options: PoolOptions;
  readonly #crew: Crew<Job>;
  readonly #schedule = new Schedule<Job>();
  /** Tasks for operations that nobody knows yet, since no thread has loaded the modules. */
  readonly #held = new WaitingList<Job>();
  readonly #known: Promise<readonly OperationInfo[]>;
  #makeKnown!: (operations: readonly OperationInfo[]) => void;
  #failKnown!: (error: unknown) => void;
  #operations: ReadonlyMap<string, OperationInfo> | undefined;
  readonly #running = new Set<Job>();
  #rerun = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#known = new Promise((resolve, reject) => {
      this.#makeKnown = resolve;
      this.#failKnown = reject;
    });
    // Whoever only calls `start` hears of it there.
    this.#known.catch(() => {});
    for (const op of [...builtInOperations.map((operation) => operation.name), unknownOperation]) this.#addQueue(op);
    const { engineModule, operationModules, resultBytesMax = frameBytesMaxDefault, log } = options;
    const partMemory = options.partMemory ?? new SharedArrayBuffer(0);
    this.#crew = new Crew<Job>(
      {
        workers: options.workers,
        spares: options.spares ?? 1,
        log,
        setup: { engineModule, partMemory, operationModules, resultBytesMax, logLevels: levelsOf(log.level) },
        memoryMb: options.workerMemoryMb,
        startTimeoutMs: options.startTimeoutMs ?? 30_000,
      },
      {
        known: (operations) => this.#learn(operations),
        free: () => this.#dispatch(),
        done: (job, outcome) => this.#done(job, outcome),
        lost: (job, death) => this.#lost(job, death),
      },
    );
  }

  /**
   * Starts the threads. Resolves when all of them, the spares too, are warm. Tasks may be submitted before.
   * @throws PoolError with one sentence, where an operation module cannot be loaded. The pool is closed then.
   */
  async start(): Promise<void> {
    try {
      await this.#crew.start();
    } catch (error) {
      this.#failKnown(error);
      await this.close();
      throw error;
    }
  }

  /** True once all threads were warm, as long as some are alive and the pool is not closed. */
  get ready(): boolean {
    return this.#crew.ready;
  }

  /** Users' operations; empty until the first thread has loaded them. */
  operations(): readonly OperationInfo[] {
    return this.#operations === undefined ? [] : [...this.#operations.values()];
  }

  /** Resolves as soon as the first thread has loaded the modules; rejects as `start` does. */
  operationsKnown(): Promise<readonly OperationInfo[]> {
    return this.#known;
  }

  /**
   * Takes a task. `onOutcome` is called exactly once: by `end` of the handle, or at a later turn of the event loop or in a
   * microtask, never before `submit` has returned. A task that cannot be taken (its queue is full, there is no such
   * operation, the pool is closed) gets its error that way too.
   *
   * The payload's bytes must stay as they are until `onFreed`, which is called once, behind `onOutcome`: at once, or
   * later where a thread is still in a task that was ended.
   */
  submit(task: Task, onOutcome: (outcome: Outcome) => void, onFreed?: () => void): TaskHandle {
    const job = newJob(task, onOutcome, onFreed);
    const refusal = this.#enqueue(job);
    if (refusal === undefined) this.#dispatch();
    else queueMicrotask(() => settle(job, refusal));
    return { end: (code, message) => this.#end(job, code, message) };
  }

  snapshot(): PoolSnapshot {
    return {
      ...this.#crew.snapshot(),
      queues: this.#schedule.queues.map(({ op, waiting, running }) => ({ op, waiting: waiting.size, running })),
      rerun: this.#rerun,
    };
  }

  /** Answers everything that waits or runs with `SHUTTING_DOWN` and ends all threads; resolves when they are gone, or to
   * false where one cannot be ended. */
  async close(): Promise<boolean> {
    this.#closed = true;
    this.#failKnown(new PoolError('WORKER_FAILED', 'the pool was closed before the operations were known'));
    const closing = this.#crew.close();
    const outcome = errorOutcome('SHUTTING_DOWN', 'the server is shutting down');
    for (const list of [this.#held, ...this.#schedule.queues.map((queue) => queue.waiting)]) {
      for (let job = list.shift(); job !== undefined; job = list.shift()) settle(job, outcome);
    }
    for (const job of this.#running) settle(job, outcome);
    return closing;
  }

  #addQueue(op: string, concurrency = Number.POSITIVE_INFINITY): void {
    this.#schedule.add(new OperationQueue<Job>(op, concurrency));
  }

  #learn(operations: readonly OperationInfo[]): void {
    this.#operations = new Map(operations.map((operation) => [operation.name, operation]));
    for (const { name, concurrency } of operations) {
      if (this.#schedule.get(name) === undefined) this.#addQueue(name, concurrency);
    }
    for (let job = this.#held.shift(); job !== undefined; job = this.#held.shift()) {
      const refusal = this.#enqueue(job);
      if (refusal !== undefined) settle(job, refusal);
    }
    this.#makeKnown(operations);
  }

  /** Puts a new task where it has to wait; answers with an outcome where it cannot. */
  #enqueue(job: Job): Outcome | undefined {
    if (this.#closed) return errorOutcome('SHUTTING_DOWN', 'the server is shutting down');
    const queue = this.#queueOf(job.task);
    if (queue === undefined) {
      if (this.#operations !== undefined) return errorOutcome('UNKNOWN_OP', `no operation \`${job.task.op}\``);
      if (this.#held.size >= this.#options.queueMax) {
        return errorOutcome('OVERLOADED', 'the server is still starting, and too many requests wait', 250);
      }
      this.#held.push(job);
    } else {
      const isFull = queue.waiting.size >= this.#options.queueMax && !this.#canRunNow(queue);
      // A body that has begun to come in parts is not turned away: how many of them there are is bounded elsewhere.
      if (isFull && job.task.kind !== 'part') return this.#overloaded(queue);
      job.queue = queue;
      queue.waiting.push(job);
    }
    this.#watchClock(job);
    return undefined;
  }

  /** Frames are queued under the operation that they seem to be for, and all that are for none under one name. */
  #queueOf(task: Task): OperationQueue<Job> | undefined {
    const isUsers = this.#operations?.has(task.op) === true;
    if (task.kind === 'data') return isUsers ? this.#schedule.get(task.op) : undefined;
    return this.#schedule.get(task.op) ?? this.#schedule.get(unknownOperation);
  }

  #canRunNow(queue: OperationQueue<Job>): boolean {
    return this.#crew.hasFree && queue.running < queue.concurrency;
  }

  #overloaded(queue: OperationQueue<Job>): Outcome {
    const message = `${queue.waiting.size} requests for \`${queue.op}\` wait already, and no more may`;
    return errorOutcome('OVERLOADED', message, queue.retryAfterMs(this.#options.workers));
  }

  /** The budget counts from `submit`, also where the operation's own, which applies second, is known only later. */
  #watchClock(job: Job): void {
    if (job.timer !== undefined) return;
    const { task } = job;
    const budgetMs = task.timeoutMs ?? (task.kind === 'data' ? this.#operations?.get(task.op)?.timeoutMs : undefined);
    if (budgetMs === undefined) return;
    const leftMs = job.submittedAtMs + budgetMs - performance.now();
    job.timer = setTimeout(() => this.#expire(job, budgetMs), Math.min(timerMaxMs, Math.max(1, leftMs)));
  }

  #expire(job: Job, budgetMs: number): void {
    const stage = job.thread === undefined ? 'was still waiting' : 'was not done';
    this.#end(job, 'DEADLINE_EXCEEDED', `\`${job.task.op}\` ${stage} after ${budgetMs} ms`);
  }

  #dispatch(): void {
    while (this.#crew.hasFree) {
      const job = this.#schedule.next();
      if (job === undefined) return;
      job.runAtMs = performance.now();
      this.#running.add(job);
      job.thread = this.#crew.run(job.task, job);
    }
  }

  #end(job: Job, code: EndCode, message: string): void {
    if (job.settled) return;
    const { thread } = job;
    if (thread !== undefined) this.#crew.stop(thread, code, message, this.#options.stopGraceMs ?? 50);
    else if (job.next !== undefined) (job.queue?.waiting ?? this.#held).remove(job);
    this.#dispatch();
    settle(job, errorOutcome(code, message));
  }

  #done(job: Job, outcome: Outcome): void {
    this.#release(job);
    if (!job.settled) job.queue!.observe(performance.now() - job.runAtMs);
    this.#dispatch();
    settle(job, outcome);
  }

  #lost(job: Job, death: Death<Job>): void {
    this.#release(job);
    const again = !job.settled && this.#mayRunAgain(job, death);
    if (again) job.queue!.waiting.unshift(job);
    this.#dispatch();
    if (!again) settle(job, errorOutcome('WORKER_LOST', lossMessage(job, death, this.#options.workerMemoryMb)));
  }

  /** The thread is out of the task, which keeps its place in the operation's concurrency until then. */
  #release(job: Job): void {
    this.#running.delete(job);
    job.thread = undefined;
    job.queue!.running -= 1;
    freeIfDone(job);
  }

  #mayRunAgain(job: Job, death: Death<Job>): boolean {
    if (!death.begun) {
      job.unbegun += 1;
      return job.unbegun <= unbegunMax;
    }
    job.losses += 1;
    const idempotent = job.task.kind !== 'data' || this.#operations?.get(job.task.op)?.idempotent === true;
    if (!idempotent || job.losses > 1) return false;
    this.#rerun += 1;
    return true;
  }
}

/** The levels that a pino of this level takes. */
function levelsOf(level = 'trace'): readonly LogLevel[] {
  if (level === 'silent' || level === 'fatal') return [];
  const least = (logLevels as readonly string[]).indexOf(level);
  return logLevels.slice(Math.max(0, least));
}
