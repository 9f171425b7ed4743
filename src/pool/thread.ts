import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { describeThrown } from '../protocol/describe-thrown.js';
import { FinishedRuns } from './finished-runs.js';
import { headroomMb, type WatchedThread } from './heap-watch.js';
import {
  type EndCode,
  type FromWorker,
  type Loaded,
  type LogLine,
  sendable,
  slot,
  slotsBytes,
  type ToWorker,
  type WorkerSetup,
} from './messages.js';
import type { ModuleRecord } from './module-record.js';
import type { Outcome, Task } from './task.js';
import { type BootMessage, bootSource } from './thread-boot.js';
import { type ThreadEvent, type ThreadState, transitions } from './thread-state.js';

/**
 * One worker thread as the pool sees it: its states, the one task that it may have, and its end.
 *
 * A thread never has more than one task. A task that was given to it comes back exactly once: through `done` or `unbegun`,
 * from `takeBack`, or as the `work` of a death. Which task comes next, and what to do when a thread has died, is decided
 * by others.
 *
 * "Said done" is not "answers": a task that has returned may have left a loop behind. A thread answers once its event loop
 * had a turn after the task (`hasAnswered`), and a task that it was given runs once it says so (`hasBegun`). Both are words
 * in shared memory, which cost no message.
 */

const serialMax = 0x7fff_ffff;
const entry = new URL('./worker.js', import.meta.url).href;

export interface ThreadOptions<Work> {
  readonly name: string;
  readonly setup: Omit<WorkerSetup, 'slots' | 'port'>;
  /** Modules that it loads from memory; where it is the first of its crew, it adds the others. */
  readonly record: ModuleRecord;
  readonly isRecording: boolean;
  readonly memoryMb: number;
  /** A thread that has not loaded its modules by then, and set its operations up, is given up. */
  readonly startTimeoutMs: number;
  /** Time that a thread has to tear down what they have set up. */
  readonly teardownTimeoutMs: number;
  readonly owner: ThreadOwner<Work>;
}

/** Whoever keeps the threads. Each method is called after the thread's state has changed. */
export interface ThreadOwner<Work> {
  ready(thread: Thread<Work>, loaded: Loaded): void;
  /** Where the task was ended meanwhile, its outcome comes all the same; it is for nobody. */
  done(thread: Thread<Work>, work: Work, outcome: Outcome): void;
  /** The task comes back, and nothing of it was run. */
  unbegun(thread: Thread<Work>, work: Work): void;
  ending(thread: Thread<Work>, ending: Ending): void;
  dead(thread: Thread<Work>, death: Death<Work>): void;
  log(thread: Thread<Work>, line: LogLine): void;
}

export interface Ending {
  /** The state in which it was told to end. */
  readonly from: ThreadState;
  /** One sentence for the log. */
  readonly reason: string;
  readonly task: TaskName | undefined;
}

/** What the log says of a task. */
export interface TaskName {
  readonly op: string;
  readonly kind: Task['kind'];
  /** The request's id. */
  readonly id: string | undefined;
}

export interface Death<Work> {
  /** The state in which the thread's end began. */
  readonly from: ThreadState;
  /** True where it was not for a task that had been ended, nor for the end of the pool. */
  readonly byItself: boolean;
  /** One sentence for the log. */
  readonly reason: string;
  /** What was thrown where nobody caught it, if that is what ended the thread. */
  readonly error: Error | undefined;
  readonly outOfMemory: boolean;
  /** It was ended because it did not answer any more: something that `lastOp` left behind held it. */
  readonly silent: boolean;
  readonly task: TaskName | undefined;
  /** The operation that ran before: where no task had begun, it may have left behind what ended the thread. */
  readonly lastOp: string | undefined;
  /** The task that the thread had. */
  readonly work?: Work;
  /** False where it is certain that not one instruction of the task was run. */
  readonly begun: boolean;
}

const promisingMs = 1;
/** How often a thread is looked at, by `look`. */
export const lookEveryMs = 250;
/** Looks at which it must have been silent without a break: about a second in which the server itself was awake. */
const silentLooksMax = 4;
/** Looks after which a thread that was told to end counts as stuck. */
const stuckLooksMax = 8;

export class Thread<Work> implements WatchedThread {
  readonly name: string;
  readonly threadId: number;
  isReady = false;

  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #owner: ThreadOwner<Work>;
  readonly #slots: Int32Array;
  #state: ThreadState = 'starting';
  #endedFrom: ThreadState | undefined;
  #reason: string | undefined;
  #error: Error | undefined;
  #outOfMemory = false;
  #silent = false;
  /** Looks, one after the other, at which it was silent; or since it was told to end. */
  #looks = 0;
  #serial = 0;
  #run: { readonly task: TaskName; readonly work: Work } | undefined;
  readonly #finished = new FinishedRuns();
  #doneAtMs = 0;
  /** What it does while it starts, for the sentence where that takes too long. */
  #starting = 'a worker thread had not started';
  readonly #teardownTimeoutMs: number;
  #hasTeardown = false;
  /** Limits the start, and later the time that a thread has to come back, or to leave. */
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ThreadOptions<Work>) {
    this.name = options.name;
    this.#owner = options.owner;
    this.#teardownTimeoutMs = options.teardownTimeoutMs;
    const slots = new SharedArrayBuffer(slotsBytes);
    this.#slots = new Int32Array(slots);
    this.#worker = new Worker(bootSource, {
      eval: true,
      name: options.name,
      resourceLimits: {
        maxOldGenerationSizeMb: options.memoryMb + headroomMb,
        maxYoungGenerationSizeMb: youngGenerationMb,
      },
      // Nothing of a thread may reach the server's own streams: the worker sends what is written as lines of the log.
      stdout: true,
      stderr: true,
    });
    this.threadId = this.#worker.threadId;
    const { port1, port2 } = new MessageChannel();
    const setup: WorkerSetup = { ...options.setup, slots, port: port2 };
    try {
      const { record, isRecording } = options;
      const message: BootMessage = { entry, setup, record, isRecording };
      this.#worker.postMessage(message, [port2]);
    } catch (error) {
      void this.#worker.terminate();
      throw error;
    }
    this.#port = port1;
    this.#port.on('message', (message: FromWorker) => this.#receive(message));
    this.#port.on('messageerror', (error) => this.#giveUp(`its message could not be read: ${error.message}`));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#exit(code));
    const { startTimeoutMs } = options;
    this.#timer = setTimeout(() => this.#giveUp(`${this.#starting} after ${startTimeoutMs} ms`), startTimeoutMs);
  }

  get state(): ThreadState {
    return this.#state;
  }

  /** Serial number of the task that the thread has, or had last. */
  get run(): number {
    return this.#serial;
  }

  /** Had its event loop a turn after its last task? */
  get hasAnswered(): boolean {
    return Atomics.load(this.#slots, slot.free) === this.#serial;
  }

  /**
   * Can a task be given to it with good hope? One that was done this very moment had no time to answer yet, and is awake: it
   * has the next task sooner than one that has to be woken.
   */
  get isPromising(): boolean {
    return this.hasAnswered || performance.now() - this.#doneAtMs < promisingMs;
  }

  /** Has it begun with its task? Once that has returned, too. */
  get hasBegun(): boolean {
    return Math.abs(Atomics.load(this.#slots, slot.running)) === this.#serial;
  }

  /** Does it not end, although it was told to some seconds ago? A system call may hold it. */
  get isStuck(): boolean {
    return this.#state === 'ending' && this.#looks >= stuckLooksMax;
  }

  /** The operation that may have left something behind. */
  get lastOp(): string | undefined {
    return this.#finished.suspect(Atomics.load(this.#slots, slot.free));
  }

  /**
   * To be called every `lookEveryMs` or less often.
   * @returns `silent` where it should have answered, or begun, a second ago; `stuck` once, when it has become so. Looks are
   *   counted and not time, so that a process that was stopped for a while does not blame its threads.
   */
  look(): 'well' | 'silent' | 'stuck' {
    const owesAnswer = (this.#state === 'idle' && !this.hasAnswered) || (this.#state === 'busy' && !this.hasBegun);
    this.#looks = owesAnswer || this.#state === 'ending' ? this.#looks + 1 : 0;
    if (this.#state === 'ending') return this.#looks === stuckLooksMax ? 'stuck' : 'well';
    return this.#looks >= silentLooksMax ? 'silent' : 'well';
  }

  /**
   * Ends a thread that is silent.
   * @returns its task, which will not be run there; `undefined` where it has none, or has begun with it after all
   */
  endSilent(): Work | undefined {
    const run = this.#run;
    // The worker writes and reads these two words in the other order, so one of the two sees the other.
    Atomics.store(this.#slots, slot.ended, this.#serial);
    if (run !== undefined && this.hasBegun) return undefined;
    this.#run = undefined;
    this.#silent = true;
    this.#giveUp('it did not answer within a second: something that was left behind holds it');
    return run?.work;
  }

  /** Ends the thread as one that has died of its task, if it still has it. */
  exceed(run: number): void {
    if (run !== this.#serial || this.#run === undefined) return;
    this.#outOfMemory = true;
    this.#giveUp('it ran out of memory');
  }

  /** Gives an idle thread a task. `work` is handed back as it is. */
  begin(task: Task, work: Work): void {
    this.#move('run');
    this.#serial = (this.#serial % serialMax) + 1;
    this.#looks = 0;
    const { kind, op, label } = task;
    const dataPlace = task.kind === 'part' ? undefined : task.dataPlace;
    this.#run = { task: { op, kind, id: label }, work };
    this.#post({ type: 'run', serial: this.#serial, kind, op, label, payload: sendable(task.payload), dataPlace });
  }

  /**
   * Takes the task away from a busy thread. The thread has `graceMs` to come back where there is reason to think that it
   * will: the task has not begun or has just finished, it is the engine's, which is soon done with any frame, or it
   * asked for its signal. Otherwise there is nothing to wait for, and it is ended now.
   * @param isUsers is it a task for users' code?
   */
  stop(code: EndCode, message: string, graceMs: number, isUsers: boolean): void {
    // It is on its way out already, for a reason of its own.
    if (this.#state === 'ending' || this.#state === 'dead') return;
    this.#move('stop');
    Atomics.store(this.#slots, slot.ended, this.#serial);
    const underWay = Atomics.load(this.#slots, slot.running) === this.#serial;
    const listens = Atomics.load(this.#slots, slot.listens) === this.#serial;
    if (underWay && !listens && isUsers) {
      this.#giveUp(`${message}; it did not ask for \`context.signal\``);
      return;
    }
    if (listens) this.#post({ type: 'abort', serial: this.#serial, code, message });
    const patience = `${message}; it did not stop within ${graceMs} ms`;
    this.#timer = setTimeout(() => this.#giveUp(patience), graceMs);
  }

  /**
   * Ends the thread in order: an idle one tears down what its operations have set up, within its time. Any other, or one
   * that has nothing to tear down, is ended at once. Resolves once it is gone.
   */
  leave(reason: string): Promise<void> {
    if (this.#state === 'idle' && this.#hasTeardown) {
      this.#move('leave');
      this.#endedFrom = 'leaving';
      this.#post({ type: 'leave' });
      const ms = this.#teardownTimeoutMs;
      this.#timer = setTimeout(() => this.#cutTeardown(`not done after ${ms} ms`), ms);
    }
    return this.#state === 'leaving' ? new Promise((resolve) => this.#worker.once('exit', resolve)) : this.end(reason);
  }

  /** Ends the thread, whatever it does. Resolves once it is gone; a second call waits for the same end. */
  async end(reason: string): Promise<void> {
    if (this.#state === 'dead') return;
    if (this.#state !== 'ending') {
      const from = this.#endedFrom ?? this.#state;
      this.#endedFrom = from;
      this.#reason ??= reason;
      this.#move('end');
      this.#looks = 0;
      clearTimeout(this.#timer);
      this.#owner.ending(this, { from, reason, task: this.#run?.task });
    }
    await this.#worker.terminate();
  }

  #giveUp(reason: string): void {
    if (this.#state === 'dead' || this.#state === 'ending') return;
    void this.end(reason);
  }

  #receive(message: FromWorker): void {
    if (this.#state === 'ending' || this.#state === 'dead') return;
    switch (message.type) {
      case 'loading':
        this.#starting = message.sentence;
        return;
      case 'ready':
        this.#move('ready');
        clearTimeout(this.#timer);
        this.isReady = true;
        this.#hasTeardown = message.hasTeardown;
        this.#owner.ready(this, message);
        return;
      case 'failed':
        this.#giveUp(message.message);
        return;
      case 'left':
        this.#giveUp('it has left');
        return;
      case 'done':
        if (message.serial === this.#serial && this.#run !== undefined) this.#finish(message.outcome, this.#run.work);
        return;
      case 'unbegun':
        if (message.serial === this.#serial && this.#run !== undefined) this.#handBack(this.#run.work);
        return;
      case 'log':
        this.#owner.log(this, message);
        return;
    }
  }

  #finish(outcome: Outcome, work: Work): void {
    this.#move('done');
    clearTimeout(this.#timer);
    this.#finished.add(this.#serial, this.#run!.task.op, Atomics.load(this.#slots, slot.free));
    this.#run = undefined;
    this.#doneAtMs = performance.now();
    this.#owner.done(this, work, outcome);
  }

  #handBack(work: Work): void {
    this.#move('done');
    clearTimeout(this.#timer);
    this.#run = undefined;
    this.#owner.unbegun(this, work);
  }

  /** Told in the log: whoever wrote the teardown counts on it. */
  #cutTeardown(reason: string): void {
    const message = 'a worker thread was gone before its `teardown` was done';
    this.#owner.log(this, { type: 'log', level: 'warn', fields: { reason }, message });
    this.#giveUp(reason);
  }

  #fail(error: unknown): void {
    const { code } = Object(error) as { code?: unknown };
    this.#outOfMemory = code === 'ERR_WORKER_OUT_OF_MEMORY';
    // Running out of memory is told by Node's own code, whose stack says nothing of the thread's.
    if (error instanceof Error && !this.#outOfMemory) this.#error = error;
    this.#reason ??= describeThrown(error);
  }

  #exit(code: number): void {
    // What it said last may still be on its way, and an answer that was given counts.
    for (let last = receiveMessageOnPort(this.#port); last !== undefined; last = receiveMessageOnPort(this.#port)) {
      this.#receive(last.message);
    }
    this.#port.close();
    if (this.#state === 'leaving') this.#cutTeardown(this.#reason ?? `it exited with status ${code}`);
    const from = this.#endedFrom ?? this.#state;
    const run = this.#run;
    this.#move('exit');
    clearTimeout(this.#timer);
    this.#run = undefined;
    this.#owner.dead(this, {
      from,
      byItself: this.#endedFrom === undefined || this.#outOfMemory || this.#silent,
      reason: this.#reason ?? `it exited with status ${code}`,
      error: this.#error,
      outOfMemory: this.#outOfMemory,
      silent: this.#silent,
      task: run?.task,
      lastOp: this.lastOp,
      begun: run !== undefined && this.hasBegun,
      ...(run !== undefined && { work: run.work }),
    });
  }

  #post(message: ToWorker): void {
    this.#port.postMessage(message);
  }

  #move(event: ThreadEvent): void {
    const next = transitions[this.#state][event];
    if (next === undefined)
      throw new Error(`${this.name}: \`${event}\` cannot happen to a thread that is ${this.#state}`);
    this.#state = next;
  }
}

/** V8 keeps three semi-spaces of a third of this; more makes an idle thread larger and a busy one hardly faster. */
const youngGenerationMb = 8;
