import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { PoolError } from '../errors.js';
import type { OperationLog } from '../ops/define-operation.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { HeapWatch } from './heap-watch.js';
import { LineBudget } from './line-budget.js';
import { withErrorType } from './log-channel.js';
import type { Loaded, WorkerSetup } from './messages.js';
import type { Outcome, PoolSnapshot, Task } from './task.js';
import { type Death, type Ending, Thread, type ThreadOwner, type ThreadState } from './thread.js';

/**
 * Keeps the pool's threads at their number: at most `workers` are busy, and `spares` more stand ready, so that a thread
 * that has to be ended is replaced by one that is warm already, while the next one starts behind.
 *
 * Threads start one after the other, or a few at a time on many cores: the I/O thread must not fight them for its own
 * start. Threads that die without having done anything are started again more and more slowly.
 *
 * Invariant: threads that start, idle, are busy or stop are never more than `workers + spares`; those being torn down
 * are never more than that number again, since a thread may be stuck in a system call that nothing can interrupt.
 */

export interface CrewOptions {
  readonly workers: number;
  readonly spares: number;
  readonly log: OperationLog;
  readonly setup: Omit<WorkerSetup, 'port' | 'slots' | 'checkSources'>;
  readonly memoryMb: number;
  readonly startTimeoutMs: number;
}

export interface CrewOwner<Work> {
  /** The first thread has loaded the modules. */
  known(operations: readonly OperationInfo[]): void;
  /** A thread may be free for work. */
  free(): void;
  done(work: Work, outcome: Outcome): void;
  /** The thread that had this task is gone, without an answer. */
  lost(work: Work, death: Death<Work>): void;
}

const backoffFirstMs = 100;
const backoffMaxMs = 10_000;
const closePatienceMs = 3_000;
/** A thread that dies idle before this age, with nothing done, counts as one that cannot start. */
const infancyMs = 30_000;

export class Crew<Work> {
  readonly #options: CrewOptions;
  readonly #owner: CrewOwner<Work>;
  readonly #threads = new Set<Thread<Work>>();
  /** The one that worked last is taken first: its caches are warm. */
  readonly #idle: Thread<Work>[] = [];
  readonly #busy = new Set<Thread<Work>>();
  readonly #heapWatch: HeapWatch;
  readonly #stopLines = new LineBudget();
  #started = 0;
  #lost = 0;
  #stopped = 0;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  /** What the first thread had loaded; `undefined` before. */
  #loaded: Loaded | undefined;
  #warm = false;
  #closed = false;
  #settleStart: { resolve(): void; reject(error: PoolError): void } | undefined;

  constructor(options: CrewOptions, owner: CrewOwner<Work>) {
    this.#options = options;
    this.#owner = owner;
    this.#heapWatch = new HeapWatch(options.memoryMb, () => this.#busy);
  }

  /** Resolves when all threads are warm; rejects if the first one cannot load what it has to. */
  start(): Promise<void> {
    if (this.#closed) return Promise.reject(closedBeforeStart());
    return new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
      this.#fill();
    });
  }

  /** True from the moment all threads were warm for the first time, as long as one of them is alive. */
  get ready(): boolean {
    return this.#warm && !this.#closed && this.#count('idle', 'busy', 'stopping') > 0;
  }

  /** May one more task run now? */
  get hasFree(): boolean {
    return this.#idle.length > 0 && this.#busy.size < this.#options.workers;
  }

  /** Gives a task to an idle thread; there must be one free. */
  run(task: Task, work: Work): Thread<Work> {
    const thread = this.#idle.pop()!;
    this.#busy.add(thread);
    thread.begin(task, work);
    this.#heapWatch.wake();
    return thread;
  }

  /** Takes the task away from a busy thread, whose place is free at once. */
  stop(thread: Thread<Work>, ...how: Parameters<Thread<Work>['stop']>): void {
    this.#busy.delete(thread);
    thread.stop(...how);
  }

  snapshot(): Pick<PoolSnapshot, 'workers' | 'threads'> {
    const idle = Math.min(this.#idle.length, this.#options.workers - this.#busy.size);
    return {
      workers: {
        idle,
        busy: this.#count('busy', 'stopping'),
        starting: this.#count('starting'),
        spare: this.#idle.length - idle,
      },
      threads: { started: this.#started, lost: this.#lost, stopped: this.#stopped },
    };
  }

  /**
   * Ends all threads; resolves when they are gone (true), or cannot be ended (false): a system call can hold a thread for
   * ever.
   */
  async close(): Promise<boolean> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const ends = [...this.#threads].map((thread) => thread.end('the pool was closed'));
    await Promise.race([Promise.all(ends), wait(closePatienceMs, undefined, { ref: false })]);
    const stuck = [...this.#threads].map((thread) => thread.name);
    if (stuck.length > 0) this.#options.log.error({ threads: stuck }, 'threads could not be ended: they do not stop');
    await this.#heapWatch.close();
    this.#settleStart?.reject(closedBeforeStart());
    this.#settleStart = undefined;
    return stuck.length === 0;
  }

  #fill(): void {
    if (this.#closed || this.#retry !== undefined) return;
    const size = this.#options.workers + this.#options.spares;
    const atOnce = this.#loaded !== undefined && this.#failures === 0 ? startsAtOnce : 1;
    while (
      this.#count('starting', 'idle', 'busy', 'stopping') < size &&
      this.#count('starting') < atOnce &&
      this.#threads.size < 2 * size
    ) {
      this.#started += 1;
      this.#threads.add(this.#startThread());
    }
  }

  #startThread(): Thread<Work> {
    const { memoryMb, startTimeoutMs } = this.#options;
    const checkSources = this.#loaded?.checkSources ?? new Map();
    const setup = { ...this.#options.setup, checkSources };
    const name = `trama-worker-${this.#started}`;
    return new Thread<Work>({ name, setup, memoryMb, startTimeoutMs, owner: this.#events });
  }

  readonly #events: ThreadOwner<Work> = {
    ready: (thread, loaded) => {
      this.#idle.push(thread);
      if (this.#loaded === undefined) {
        this.#loaded = loaded;
        this.#owner.known(loaded.operations);
      }
      this.#fill();
      this.#noticeWarm();
      this.#owner.free();
    },
    done: (thread, work, outcome) => {
      this.#busy.delete(thread);
      this.#idle.push(thread);
      this.#failures = 0;
      this.#owner.done(work, outcome);
    },
    ending: (thread, ending) => {
      this.#forget(thread);
      if (ending.from === 'stopping' && !this.#closed) this.#logStopped(thread, ending);
      // One that has never been ready is started again by `#bury`, which knows how long to wait.
      if (thread.readyAtMs !== undefined) this.#fill();
    },
    dead: (thread, death) => this.#bury(thread, death),
    log: (thread, line) => {
      const fields = { ...withErrorType(line.fields), thread: thread.name };
      this.#options.log[line.level](fields, line.message);
    },
  };

  #bury(thread: Thread<Work>, death: Death<Work>): void {
    this.#forget(thread);
    this.#threads.delete(thread);
    if (!this.#closed) {
      if (death.from === 'stopping') this.#stopped += 1;
      else if (death.byItself) this.#lost += 1;
      if (this.#couldNotStart(thread, death)) this.#backOff(thread, death);
      else if (death.byItself) this.#logDeath(thread, death);
      this.#fill();
    }
    if (death.work !== undefined) this.#owner.lost(death.work, death);
  }

  /** At once, since a thread that is stuck in a system call may never be gone. Peers can bring this about at will. */
  #logStopped(thread: Thread<Work>, { reason, task }: Ending): void {
    if (!this.#stopLines.take()) return;
    const { log } = this.#options;
    log.info(
      { ...task, thread: thread.name, reason, ...this.#stopLines.dropped() },
      'a thread was ended: its task was over and did not stop',
    );
  }

  #logDeath(thread: Thread<Work>, { task, begun, lastOp, from, reason, error }: Death<Work>): void {
    // A task that had not begun has no part in it.
    const about = begun && task !== undefined ? task : lastOp !== undefined && { lastOp };
    const cause = error !== undefined && { err: error };
    this.#options.log.warn({ ...about, thread: thread.name, from, reason, ...cause }, 'a worker thread died');
  }

  #couldNotStart(thread: Thread<Work>, death: Death<Work>): boolean {
    if (death.from === 'starting') return true;
    const ageMs = performance.now() - (thread.readyAtMs ?? 0);
    return death.byItself && death.from === 'idle' && thread.runsDone === 0 && ageMs < infancyMs;
  }

  #backOff(thread: Thread<Work>, death: Death<Work>): void {
    if (this.#loaded === undefined) {
      this.#settleStart?.reject(new PoolError('WORKER_FAILED', this.#firstStartProblem(death)));
      this.#settleStart = undefined;
      void this.close();
      return;
    }
    this.#failures += 1;
    const retryInMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (this.#failures - 1));
    this.#options.log.error(
      { thread: thread.name, reason: death.reason, retryInMs, ...(death.error !== undefined && { err: death.error }) },
      'a worker thread could not start',
    );
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#fill();
    }, retryInMs);
  }

  /** Where there are modules to load, they are the likely cause; what is wrong with one of them says so by itself. */
  #firstStartProblem({ byItself, reason }: Death<Work>): string {
    const during = byItself ? `a worker thread ended while it loaded the operations: ${reason}` : reason;
    const isNamed = reason.startsWith('--ops: ') || this.#options.setup.operationModules.length === 0;
    return isNamed ? during : `--ops: ${during}`;
  }

  #noticeWarm(): void {
    if (this.#warm || this.#count('idle', 'busy', 'stopping') < this.#options.workers + this.#options.spares) return;
    this.#warm = true;
    this.#settleStart?.resolve();
    this.#settleStart = undefined;
  }

  /** The thread takes no more work. */
  #forget(thread: Thread<Work>): void {
    this.#busy.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  #count(...states: ThreadState[]): number {
    let count = 0;
    for (const thread of this.#threads) if (states.includes(thread.state)) count += 1;
    return count;
  }
}

const startsAtOnce = Math.max(1, Math.floor(availableParallelism() / 2));

function closedBeforeStart(): PoolError {
  return new PoolError('WORKER_FAILED', 'the pool was closed before it had started');
}
