import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { headroomMb, type WatchedThread } from './heap-watch.js';
import {
  type EndCode,
  type FromWorker,
  type Loaded,
  type LogLine,
  slot,
  slotsBytes,
  type ToWorker,
  type WorkerSetup,
} from './messages.js';
import type { Outcome, Task } from './task.js';

/**
 * One worker thread as the pool sees it: its states, the one task that it may have, and its end.
 *
 * A thread never has more than one task. A task that was given to it comes back exactly once, through `done` or as the
 * `work` of a death. Which task comes next, and what to do when a thread has died, is decided by others.
 */

/**
 *     starting ──ready──▶ idle ──run──▶ busy ──stop──▶ stopping
 *                          ▲             │ done          │ done
 *                          └─────────────┴───────────────┘
 *     any of them ──end──▶ ending ──exit──▶ dead        any of them ──exit──▶ dead
 *
 * `stopping`: the task has its outcome already; the thread has a moment to come back by itself. `ending`: it is being
 * torn down; nothing that it still says counts. A spare is not a state: it is an idle thread beyond those that may be
 * busy at once.
 */
export type ThreadState = 'starting' | 'idle' | 'busy' | 'stopping' | 'ending' | 'dead';
type ThreadEvent = 'ready' | 'run' | 'done' | 'stop' | 'end' | 'exit';

const transitions: { readonly [State in ThreadState]: { readonly [Event in ThreadEvent]?: ThreadState } } = {
  starting: { ready: 'idle', end: 'ending', exit: 'dead' },
  idle: { run: 'busy', end: 'ending', exit: 'dead' },
  busy: { done: 'idle', stop: 'stopping', end: 'ending', exit: 'dead' },
  stopping: { done: 'idle', end: 'ending', exit: 'dead' },
  ending: { exit: 'dead' },
  dead: {},
};

const serialMax = 0x7fff_ffff;

export interface ThreadOptions<Work> {
  readonly name: string;
  readonly setup: Omit<WorkerSetup, 'slots' | 'port'>;
  readonly memoryMb: number;
  /** A thread that has not loaded its modules by then is given up. */
  readonly startTimeoutMs: number;
  readonly owner: ThreadOwner<Work>;
}

/** Whoever keeps the threads. Each method is called after the thread's state has changed. */
export interface ThreadOwner<Work> {
  ready(thread: Thread<Work>, loaded: Loaded): void;
  /** Where the task was ended meanwhile, its outcome comes all the same; it is for nobody. */
  done(thread: Thread<Work>, work: Work, outcome: Outcome): void;
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
  readonly task: TaskName | undefined;
  /** The operation that ran before: where no task had begun, it may have left behind what ended the thread. */
  readonly lastOp: string | undefined;
  /** The task that the thread had. */
  readonly work?: Work;
  /** False where it is certain that not one instruction of the task was run. */
  readonly begun: boolean;
}

export class Thread<Work> implements WatchedThread {
  readonly name: string;
  readonly threadId: number;
  /** Tasks that came back. */
  runsDone = 0;
  readyAtMs: number | undefined;

  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #owner: ThreadOwner<Work>;
  readonly #slots: Int32Array;
  #state: ThreadState = 'starting';
  #endedFrom: ThreadState | undefined;
  #reason: string | undefined;
  #error: Error | undefined;
  #outOfMemory = false;
  #serial = 0;
  #run: { readonly task: TaskName; readonly work: Work } | undefined;
  #lastOp: string | undefined;
  /** Limits the start, and later the time that a thread has to come back. */
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ThreadOptions<Work>) {
    this.name = options.name;
    this.#owner = options.owner;
    const slots = new SharedArrayBuffer(slotsBytes);
    this.#slots = new Int32Array(slots);
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), {
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
    this.#worker.postMessage(setup, [port2]);
    this.#port = port1;
    this.#port.on('message', (message: FromWorker) => this.#receive(message));
    this.#port.on('messageerror', (error) => this.#giveUp(`its message could not be read: ${error.message}`));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#exit(code));
    this.#timer = setTimeout(
      () =>
        this.#giveUp(
          `a worker thread had not started after ${options.startTimeoutMs} ms; does a module wait for something?`,
        ),
      options.startTimeoutMs,
    );
  }

  get state(): ThreadState {
    return this.#state;
  }

  /** Serial number of the task that the thread has, or had last. */
  get run(): number {
    return this.#serial;
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
    const { kind, op, label } = task;
    this.#run = { task: { op, kind, id: label }, work };
    this.#post({ type: 'run', serial: this.#serial, kind, op, label, payload: sendable(task.payload) });
  }

  /**
   * Takes the task away from a busy thread. The thread has `graceMs` to come back where there is reason to think that it
   * will: the task has not begun or has just finished, it is the engine's, which is soon done with any frame, or it
   * asked for its signal. Otherwise there is nothing to wait for, and it is ended now.
   */
  stop(code: EndCode, message: string, graceMs: number): void {
    // It is on its way out already, for a reason of its own.
    if (this.#state === 'ending' || this.#state === 'dead') return;
    this.#move('stop');
    Atomics.store(this.#slots, slot.ended, this.#serial);
    const underWay = Atomics.load(this.#slots, slot.running) === this.#serial;
    const listens = Atomics.load(this.#slots, slot.listens) === this.#serial;
    if (underWay && !listens && this.#run?.task.kind === 'data') {
      this.#giveUp(`${message}; it did not ask for \`context.signal\``);
      return;
    }
    if (listens) this.#post({ type: 'abort', serial: this.#serial, code, message });
    const patience = `${message}; it did not stop within ${graceMs} ms`;
    this.#timer = setTimeout(() => this.#giveUp(patience), graceMs);
  }

  /** Ends the thread, whatever it does. Resolves once it is gone; a second call waits for the same end. */
  async end(reason: string): Promise<void> {
    if (this.#state === 'dead') return;
    if (this.#state !== 'ending') {
      const from = this.#state;
      this.#endedFrom = from;
      this.#reason ??= reason;
      this.#move('end');
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
      case 'ready':
        this.#move('ready');
        clearTimeout(this.#timer);
        this.readyAtMs = performance.now();
        this.#owner.ready(this, message);
        return;
      case 'failed':
        this.#giveUp(message.message);
        return;
      case 'done':
        if (message.serial === this.#serial && this.#run !== undefined) this.#finish(message.outcome, this.#run.work);
        return;
      case 'log':
        this.#owner.log(this, message);
        return;
    }
  }

  #finish(outcome: Outcome, work: Work): void {
    this.#move('done');
    clearTimeout(this.#timer);
    this.#lastOp = this.#run?.task.op;
    this.#run = undefined;
    this.runsDone += 1;
    this.#owner.done(this, work, outcome);
  }

  #fail(error: unknown): void {
    const { code } = Object(error) as { code?: unknown };
    this.#outOfMemory = code === 'ERR_WORKER_OUT_OF_MEMORY';
    // Running out of memory is told by Node's own code, whose stack says nothing of the thread's.
    if (error instanceof Error && !this.#outOfMemory) this.#error = error;
    this.#reason ??= error instanceof Error ? `${error.name}: ${error.message}` : `it threw ${String(error)}`;
  }

  #exit(code: number): void {
    // What it said last may still be on its way, and an answer that was given counts.
    for (let last = receiveMessageOnPort(this.#port); last !== undefined; last = receiveMessageOnPort(this.#port)) {
      this.#receive(last.message);
    }
    this.#port.close();
    const from = this.#endedFrom ?? this.#state;
    const run = this.#run;
    this.#move('exit');
    clearTimeout(this.#timer);
    this.#run = undefined;
    const word = Atomics.load(this.#slots, slot.running);
    this.#owner.dead(this, {
      from,
      byItself: this.#endedFrom === undefined || this.#outOfMemory,
      reason: this.#reason ?? `it exited with status ${code}`,
      error: this.#error,
      outOfMemory: this.#outOfMemory,
      task: run?.task,
      lastOp: this.#lastOp,
      begun: Math.abs(word) === this.#serial,
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

/**
 * Cloning a view clones all the memory behind it, and that is often a socket's buffer or an engine's whole memory. Shared
 * memory is not cloned at all.
 */
function sendable(payload: Task['payload']): Task['payload'] {
  if (!(payload instanceof Uint8Array)) return payload;
  const whole = payload.byteLength === payload.buffer.byteLength;
  return whole || payload.buffer instanceof SharedArrayBuffer ? payload : new Uint8Array(payload);
}
