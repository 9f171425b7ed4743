import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { PoolError } from '../errors.js';
import type { OperationLog } from '../ops/define-operation.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { CrewLog } from './crew-log.js';
import { HeapWatch } from './heap-watch.js';
import type { Loaded, WorkerSetup } from './messages.js';
import { emptyRecord, type ModuleRecord } from './module-record.js';
import { RecentEvents } from './recent-events.js';
import { closedBeforeStart, firstStartFailed } from './start-errors.js';
import { StartPace } from './start-pace.js';
import type { CrewSnapshot, Outcome, Task } from './task.js';
import { type Death, lookEveryMs, Thread, type ThreadOwner } from './thread.js';
import { ThreadSet } from './thread-set.js';

/**
 * Keeps threads of one kind at their number: at most `workers` are busy, and `spares` more are warm, so that a thread
 * that has to be ended is replaced at once, while the next one starts. Where many threads have to be ended, more spares
 * are started, up to another `workers`.
 *
 * Threads start one after the other, or a few at a time on many cores: the I/O thread must not fight them for its own
 * start. Threads that cannot start, or that keep dying, are started again more and more slowly.
 *
 * Invariant: threads that start, idle, are busy or stop are never more than the wanted number. Together with those that
 * are being torn down they are never more than `threadsMax`, since a thread may be stuck in a system call that nothing
 * can interrupt.
 */

export interface CrewOptions {
  /** Gives each thread a name that no other has. */
  readonly nextName: () => string;
  readonly workers: number;
  readonly spares: number;
  readonly log: OperationLog;
  readonly setup: Omit<WorkerSetup, 'port' | 'slots' | 'checkSources'>;
  readonly memoryMb: number;
  readonly startTimeoutMs: number;
  readonly teardownTimeoutMs: number;
  /** Modules that are loaded from memory, by the first thread too. */
  readonly record: ModuleRecord;
}

export interface CrewOwner<Work> {
  /** The first thread has loaded the modules. */
  known(operations: readonly OperationInfo[]): void;
  /** A thread may be free for work. */
  free(): void;
  done(work: Work, outcome: Outcome): void;
  /** The task comes back from a thread that did not begin with it. */
  unbegun(work: Work): void;
  /** Told of each death before anything else is done. True where one of the operations is to blame for it. */
  blames(death: Death<Work>): boolean;
  /** The thread that had this task is gone, without an answer. */
  lost(work: Work, death: Death<Work>): void;
  /** Called now and then while the watch is awake. True where it should stay so. */
  look(): boolean;
}

const closePatienceMs = 3_000;
const pressureMs = 2_000;
/** Tasks wait for a start that is to come within this time; they are answered where it comes later. */
const startWaitMs = 1_000;
/** Looks without any thread alive after which that is told, where no other reason is known. */
const deadLooksMax = 8;
const startsAtOnce = Math.max(1, Math.floor(availableParallelism() / 2));

export class Crew<Work> {
  readonly #options: CrewOptions;
  readonly #owner: CrewOwner<Work>;
  readonly #threads = new ThreadSet<Work>();
  readonly #heapWatch: HeapWatch;
  readonly #log: CrewLog;
  readonly #pace = new StartPace();
  readonly #runsUsersCode: boolean;
  #started = 0;
  #lost = 0;
  #stopped = 0;
  /** Threads that were ended for their task: the pressure by which more spares are kept. */
  readonly #pressure = new RecentEvents(pressureMs);
  #retry: NodeJS.Timeout | undefined;
  #retryAtMs = 0;
  #startDelayMs = 0;
  #watch: NodeJS.Timeout | undefined;
  /** Looks, one after the other, without a thread that is alive. */
  #deadLooks = 0;
  /** Why the last thread could not start, or died though no operation was to blame; `undefined` once one has started. */
  #problem: string | undefined;
  /** What the first thread had loaded; `undefined` before. */
  #loaded: Loaded | undefined;
  #warm = false;
  #state: 'open' | 'retired' | 'closed' = 'open';
  #settleStart: { resolve(): void; reject(error: PoolError): void } | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: CrewOptions, owner: CrewOwner<Work>) {
    this.#options = options;
    this.#owner = owner;
    this.#log = new CrewLog(options.log);
    this.#runsUsersCode = options.setup.operationModules.length > 0;
    this.#heapWatch = new HeapWatch(options.memoryMb, () => this.#threads.busy);
  }

  /** Resolves when all threads are warm; rejects if the first one cannot load what it has to. */
  start(): Promise<void> {
    if (this.#state !== 'open') return Promise.reject(closedBeforeStart());
    return new Promise((resolve, reject) => {
      this.#settleStart = { resolve, reject };
      this.#fill();
    });
  }

  get isAlive(): boolean {
    return this.#state === 'open' && this.#threads.aliveCount > 0;
  }

  /**
   * Why nothing can run, as a phrase; `undefined` where something can, or will soon: a thread that starts is waited for.
   */
  get trouble(): string | undefined {
    if (this.#loaded === undefined || this.#state !== 'open' || this.#threads.aliveCount > 0) return undefined;
    if (this.#problem !== undefined && this.#startDelayMs > startWaitMs)
      return `worker threads cannot start: ${this.#problem}`;
    const stuck = this.#threads.stuckCount;
    if (stuck > 0 && this.#threads.count('starting') === 0) {
      return `${stuck} of ${this.#threads.all.size} threads are stuck in system calls`;
    }
    return this.#deadLooks >= deadLooksMax ? 'no worker thread answers' : undefined;
  }

  /** The modules that its threads have loaded. */
  get record(): ModuleRecord {
    return this.#loaded?.record ?? emptyRecord();
  }

  /** Milliseconds until another thread is started, where that is waited for. */
  get retryInMs(): number | undefined {
    return this.#retry === undefined ? undefined : Math.max(1, Math.ceil(this.#retryAtMs - performance.now()));
  }

  /** May one more task run now? */
  get hasFree(): boolean {
    return this.#threads.idleCount > 0 && this.#threads.busy.size < this.#options.workers;
  }

  /** Is there a warm thread beside the one that the next task gets? Always true where there is only one thread at all. */
  get canSpare(): boolean {
    if (this.#size === 1) return true;
    return this.#threads.answeringCount >= 2;
  }

  /** Threads that were ended for their tasks, of late. */
  get endedLately(): number {
    return this.#pressure.count;
  }

  /** Gives a task to an idle thread; there must be one free. */
  run(task: Task, work: Work): Thread<Work> {
    const thread = this.#threads.takeIdle();
    thread.begin(task, work);
    if (this.#runsUsersCode) {
      this.#heapWatch.wake();
      this.wakeWatch();
    }
    return thread;
  }

  /** Takes the task away from a busy thread, whose place is free at once. */
  stop(thread: Thread<Work>, code: 'CANCELLED' | 'DEADLINE_EXCEEDED', message: string, graceMs: number): void {
    this.#threads.setAside(thread);
    thread.stop(code, message, graceMs, this.#runsUsersCode);
  }

  snapshot(): CrewSnapshot {
    const idle = Math.min(this.#threads.idleCount, this.#options.workers - this.#threads.busy.size);
    return {
      workers: {
        idle,
        busy: this.#threads.count('busy', 'stopping'),
        starting: this.#threads.count('starting'),
        spare: this.#threads.idleCount - idle,
      },
      threads: { started: this.#started, lost: this.#lost, stopped: this.#stopped },
      stuck: this.#threads.stuckCount,
    };
  }

  /** Lets what runs come to its end, and ends each thread as soon as it has nothing to do. Resolves when all are gone. */
  retire(): Promise<void> {
    this.#state = 'retired';
    clearTimeout(this.#retry);
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      for (const thread of this.#threads.all)
        if (!this.#threads.busy.has(thread) && thread.state !== 'stopping') this.#endRetired(thread);
      this.#noticeEmpty();
    });
  }

  /**
   * Ends all threads; resolves when they are gone (true), or cannot be ended (false): a system call can hold a thread for
   * ever.
   */
  async close(): Promise<boolean> {
    this.#state = 'closed';
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#watch = undefined;
    const ends = [...this.#threads.all].map((thread) => thread.leave('the pool was closed'));
    const patienceMs = closePatienceMs + (this.#threads.count('leaving') > 0 ? this.#options.teardownTimeoutMs : 0);
    await Promise.race([Promise.all(ends), wait(patienceMs, undefined, { ref: false })]);
    const stuck = [...this.#threads.all].map((thread) => thread.name);
    if (stuck.length > 0) this.#options.log.error({ threads: stuck }, 'threads could not be ended: they do not stop');
    await this.#heapWatch.close();
    this.#settleStart?.reject(closedBeforeStart());
    this.#settleStart = undefined;
    this.#noticeEmpty();
    return stuck.length === 0;
  }

  /** Looks at the threads, and lets the owner look, until there is nothing to be watched. One timer for all of them. */
  wakeWatch(): void {
    if (this.#watch !== undefined || this.#state === 'closed') return;
    this.#watch = setInterval(() => this.#look(), lookEveryMs).unref();
  }

  get #size(): number {
    return this.#options.workers + this.#options.spares;
  }

  /** Threads that should be there now: more where many have been ended of late. */
  get #wanted(): number {
    const { workers, spares } = this.#options;
    return this.#size + (spares === 0 ? 0 : Math.min(workers, Math.max(0, this.#pressure.count - spares)));
  }

  #fill(): void {
    if (this.#state !== 'open' || this.#retry !== undefined) return;
    const atOnce = this.#loaded !== undefined && this.#pace.recent === 0 ? startsAtOnce : 1;
    const threadsMax = 2 * (this.#size + this.#options.workers);
    while (
      this.#threads.count('starting', 'idle', 'busy', 'stopping') < this.#wanted &&
      this.#threads.count('starting') < atOnce &&
      this.#threads.all.size < threadsMax
    ) {
      this.#started += 1;
      const name = this.#options.nextName();
      try {
        this.#threads.all.add(this.#startThread(name));
      } catch (error) {
        // The system gives no more threads.
        this.#startFailed(name, error instanceof Error ? error.message : String(error), undefined);
        return;
      }
    }
  }

  #startThread(name: string): Thread<Work> {
    const { memoryMb, startTimeoutMs, teardownTimeoutMs } = this.#options;
    const setup = { ...this.#options.setup, checkSources: this.#loaded?.checkSources ?? new Map() };
    const record = this.#loaded?.record ?? this.#options.record;
    const isRecording = this.#loaded === undefined;
    const limits = { memoryMb, startTimeoutMs, teardownTimeoutMs };
    return new Thread<Work>({ name, setup, record, isRecording, ...limits, owner: this.#events });
  }

  readonly #events: ThreadOwner<Work> = {
    ready: (thread, loaded) => {
      this.#threads.putIdle(thread);
      this.#problem = undefined;
      this.#deadLooks = 0;
      if (this.#loaded === undefined) {
        this.#loaded = loaded;
        this.#owner.known(loaded.operations);
      }
      this.#fill();
      this.#noticeWarm();
      this.#owner.free();
    },
    done: (thread, work, outcome) => {
      this.#comeBack(thread);
      this.#owner.done(work, outcome);
    },
    unbegun: (thread, work) => {
      this.#comeBack(thread);
      this.#owner.unbegun(work);
    },
    ending: (thread, ending) => {
      this.#threads.setAside(thread);
      if (ending.from === 'stopping') this.#pressure.note();
      if (ending.from === 'stopping' && this.#state !== 'closed') this.#log.stopped(thread.name, ending);
      this.wakeWatch();
      // One that has never been ready is started again by `#bury`, which knows how long to wait.
      if (thread.isReady) this.#fill();
    },
    dead: (thread, death) => this.#bury(thread, death),
    log: (thread, line) => this.#log.pass(thread.name, line),
  };

  #comeBack(thread: Thread<Work>): void {
    if (this.#state === 'retired') this.#endRetired(thread);
    else this.#threads.putIdle(thread);
  }

  #bury(thread: Thread<Work>, death: Death<Work>): void {
    this.#threads.setAside(thread);
    this.#threads.all.delete(thread);
    if (this.#state !== 'closed') {
      if (death.from === 'stopping') this.#stopped += 1;
      else if (death.byItself) this.#lost += 1;
      const isBlamed = this.#owner.blames(death);
      if (death.from === 'starting') this.#startFailed(thread.name, death.reason, death);
      else if (death.byItself) {
        this.#log.died(thread.name, death, isBlamed ? undefined : this.#slowDown(death.reason));
      }
      this.#fill();
    }
    if (death.work !== undefined) this.#owner.lost(death.work, death);
    // Where nothing is alive any more, what waits is to be answered.
    this.#owner.free();
    this.#noticeEmpty();
  }

  #startFailed(thread: string, reason: string, death: Death<Work> | undefined): void {
    if (this.#state !== 'open') return;
    if (this.#loaded === undefined) {
      this.#settleStart?.reject(firstStartFailed(reason, death, this.#runsUsersCode));
      this.#settleStart = undefined;
      void this.close();
      return;
    }
    const retryInMs = this.#slowDown(reason);
    this.#log.couldNotStart(thread, reason, retryInMs, death?.error);
  }

  /** Waits before the next start, longer each time. */
  #slowDown(reason: string): number {
    if (this.#state !== 'open') return 0;
    this.#problem = reason;
    const retryInMs = this.#pace.note();
    clearTimeout(this.#retry);
    this.#startDelayMs = retryInMs;
    this.#retryAtMs = performance.now() + retryInMs;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#fill();
      this.#owner.free();
    }, retryInMs);
    return retryInMs;
  }

  #noticeWarm(): void {
    if (this.#warm || this.#threads.aliveCount < this.#size) return;
    this.#warm = true;
    this.#settleStart?.resolve();
    this.#settleStart = undefined;
  }

  #noticeEmpty(): void {
    if (this.#state === 'open' || (this.#threads.all.size > 0 && this.#state !== 'closed')) return;
    if (this.#state === 'retired') void this.close();
    this.#onEmpty?.();
    this.#onEmpty = undefined;
  }

  #look(): void {
    let isAwake = this.#owner.look();
    for (const thread of this.#threads.all) {
      const seen = thread.look();
      if (seen === 'stuck') this.#log.stuck(thread.name, thread.lastOp);
      if (seen === 'silent' && this.#runsUsersCode) this.#endSilent(thread);
      isAwake ||=
        thread.state === 'busy' || thread.state === 'ending' || (thread.state === 'idle' && !thread.hasAnswered);
    }
    this.#deadLooks = this.#threads.aliveCount > 0 ? 0 : this.#deadLooks + 1;
    this.#endSurplus();
    if (isAwake || this.#pressure.count > 0 || this.#threads.aliveCount === 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #endSilent(thread: Thread<Work>): void {
    const work = thread.endSilent();
    if (work !== undefined) this.#owner.unbegun(work);
  }

  /** Spares that were started under pressure, once that is over. */
  #endSurplus(): void {
    if (this.#state !== 'open') return;
    const surplus = this.#threads.count('starting', 'idle', 'busy', 'stopping') - this.#wanted;
    for (const thread of this.#threads.longestIdle(surplus)) this.#letGo(thread, 'it is not needed any more');
  }

  #endRetired(thread: Thread<Work>): void {
    this.#letGo(thread, 'its operations were loaded anew');
  }

  /** It gets no more work, and time to tear down what its operations have set up. */
  #letGo(thread: Thread<Work>, reason: string): void {
    this.#threads.setAside(thread);
    void thread.leave(reason);
  }
}
