import { PoolError } from '../errors.js';
import { builtInOperations, unknownOperation } from '../ops/built-in.js';
import type { OperationLog } from '../ops/define-operation.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { frameBytesMaxDefault } from '../protocol/limits.js';
import { type Assignment, newAssignment, settle } from './assignment.js';
import { type EndCode, errorOutcome, levelsOf } from './messages.js';
import { emptyRecord, filesOf, type ModuleRecord, ownPart } from './module-record.js';
import { rowsOf, sumOf } from './pool-figures.js';
import { Section } from './section.js';
import { noOperation, shutsDown, type TimeLimit, timeIsUp, timeLimit, timerMsMax } from './sentences.js';
import type { CrewName, CrewSnapshot, Outcome, PoolSnapshot, Task, TaskHandle, TaskRunner } from './task.js';
import { WaitingList } from './waiting-list.js';

/**
 * Runs tasks on worker threads: bounded queues, fair turns, deadlines, cancellation that holds for code that never looks
 * up, and threads whose death costs one task at most.
 *
 * There are two crews of threads. Engine threads load no code of users, and do the engine's work; users' threads have
 * loaded the modules. So no endless loop in a user's operation ever makes the engine's work wait. When the modules are
 * loaded anew there is a third for a while: the one before, in which tasks come to their end.
 *
 * Invariant: each task that was submitted gets exactly one outcome, never before `submit` has returned. Until then it is
 * in exactly one place: held until the operations are known, or with one section.
 *
 * Left to others: what a request is, and how an outcome becomes a reply (the server); queues and turns (`Section`); when
 * threads start and end (`Crew`).
 */

export interface PoolOptions {
  /** Tasks that run at once, in each crew. */
  readonly workers: number;
  /** Warm threads beside those of users' operations, to take the place of one that has to be ended. Default 1. */
  readonly spares?: number;
  /** Waiting tasks that each operation may have. */
  readonly queueMax: number;
  /**
   * MiB of JavaScript heap that a thread may use; over it, it dies as out of memory. WASM memory, ArrayBuffers and Buffers
   * are not in the heap and are not limited.
   */
  readonly workerMemoryMb: number;
  /** File URLs of modules that export operations. */
  readonly operationModules: readonly string[];
  readonly engineModule: WebAssembly.Module;
  /** Where tasks of kind `part` have their bytes. Default: nothing, for a pool that gets none. */
  readonly partMemory?: SharedArrayBuffer;
  /** Time that a thread has to give up an ended task by itself, where it may be expected to. Default 50. */
  readonly stopGraceMs?: number;
  /** Time that a thread has to load the modules, and to set their operations up. Default 30,000. */
  readonly startTimeoutMs?: number;
  /** Time that a thread has to tear down what they have set up. Default 5,000. */
  readonly teardownTimeoutMs?: number;
  /** Limit of a user's operation where neither itself nor the request has one; 0 for none. Default 0. */
  readonly opTimeoutMs?: number;
  /** Bytes that the JSON of a result may have. Default: what fits into a frame that is held in memory. */
  readonly resultBytesMax?: number;
  /** pino's, or anything with its four methods; what `level` shuts out is not even sent by the threads. */
  readonly log: OperationLog & { readonly level?: string };
}

export class Pool implements TaskRunner {
  readonly #options: PoolOptions;
  readonly #engine: Section;
  /** `undefined` where there are no modules. */
  #users: Section | undefined;
  /** Settles when its threads are warm. */
  #usersStart: Promise<void> | undefined;
  /** The next one for users' operations, while its first thread loads the modules. */
  #coming: Section | undefined;
  /** Those before, as long as something runs there. */
  readonly #retiring = new Set<Section>();
  /** What those were that are gone. */
  #past = { threads: { started: 0, lost: 0, stopped: 0 }, rerun: 0 };
  #reloads: Promise<unknown> = Promise.resolve();
  #threadsNamed = 0;
  #warm = false;
  /** Tasks for operations that nobody knows yet, since no thread has loaded the modules. */
  readonly #held = new WaitingList<Assignment>();
  readonly #known: Promise<readonly OperationInfo[]>;
  #makeKnown!: (operations: readonly OperationInfo[]) => void;
  #failKnown!: (error: unknown) => void;
  #operations: ReadonlyMap<string, OperationInfo> | undefined;
  #toldTrouble: string | undefined;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#known = new Promise((resolve, reject) => {
      this.#makeKnown = resolve;
      this.#failKnown = reject;
    });
    // Whoever only calls `start` hears of it there.
    this.#known.catch(() => {});
    this.#engine = this.#makeEngineSection();
    for (const { name } of builtInOperations) this.#engine.addQueue(name);
    this.#engine.addQueue(unknownOperation);
    if (options.operationModules.length > 0) {
      this.#users = this.#makeUsersSection(emptyRecord(), (operations) => this.#learn(operations));
    }
  }

  /**
   * Starts the threads. Resolves when all of them, the spares too, are warm. Tasks may be submitted before.
   * @throws PoolError with one sentence, where an operation module cannot be loaded. The pool is closed then.
   */
  async start(): Promise<void> {
    try {
      if (this.#users === undefined) this.#learn([]);
      // The first users' thread is waited for by everybody, so nothing else is started beside it.
      this.#usersStart = this.#users?.start();
      await Promise.race([this.#known, this.#usersStart]);
      await Promise.all([this.#engine.start(), this.#usersWarm()]);
      this.#warm = true;
    } catch (error) {
      this.#failKnown(error);
      await this.close();
      throw error;
    }
  }

  /** True once all threads were warm, as long as some of each crew are alive and the pool is not closed. */
  get ready(): boolean {
    return this.#warm && [this.#engine, this.#users].every((section) => section === undefined || section.isAlive);
  }

  /** Why tasks cannot run, as a phrase for the operator; `undefined` where they can. */
  get trouble(): string | undefined {
    if (this.#closed) return undefined;
    return this.#engine.trouble ?? this.#users?.trouble;
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
   * The payload's bytes must stay as they are until `onFreed`, which is called once, after `onOutcome`: at once, or
   * later where a thread is still in a task that was ended.
   */
  submit(task: Task, onOutcome: (outcome: Outcome) => void, onFreed?: () => void): TaskHandle {
    const assignment = newAssignment(task, onOutcome, onFreed);
    const refusal = this.#enqueue(assignment);
    if (refusal === undefined) assignment.section?.dispatch();
    else queueMicrotask(() => settle(assignment, refusal));
    return { end: (code, message) => this.#end(assignment, code, message) };
  }

  /**
   * Loads the modules anew, in new threads. As soon as the first of them is ready, tasks go there; what runs comes to its
   * end in the old threads, and what waits moves. Where the modules cannot be loaded, all stays as it was. A second call
   * waits for the first.
   * @returns the operations that there are now
   * @throws PoolError with one sentence
   */
  reload(): Promise<readonly OperationInfo[]> {
    const reload = this.#reloads.then(() => this.#reload());
    this.#reloads = reload.catch(() => {});
    return reload;
  }

  /** Absolute paths of the users' own files that are loaded: modules, and what they import outside of `node_modules`. */
  moduleFiles(): readonly string[] {
    return this.#users === undefined ? [] : filesOf(this.#users.record);
  }

  snapshot(): PoolSnapshot {
    const crews: { [Name in CrewName]?: CrewSnapshot } = { engine: this.#engine.snapshot() };
    if (this.#users !== undefined) {
      const all = [this.#users, ...this.#retiring].map((section) => section.snapshot());
      crews.users = {
        workers: sumOf(all.map(({ workers }) => workers)),
        threads: sumOf([this.#past.threads, ...all.map(({ threads }) => threads)]),
        stuck: all.reduce((sum, { stuck }) => sum + stuck, 0),
      };
    }
    const both = Object.values(crews);
    const sections = this.#sections;
    return {
      workers: sumOf(both.map(({ workers }) => workers)),
      threads: sumOf(both.map(({ threads }) => threads)),
      crews,
      queues: rowsOf(sections),
      rerun: sections.reduce((sum, { rerun }) => sum + rerun, this.#past.rerun),
    };
  }

  /**
   * Answers everything that waits or runs with `SHUTTING_DOWN` and ends all threads. Resolves when they are gone, or to
   * false where one cannot be ended.
   */
  async close(): Promise<boolean> {
    this.#closed = true;
    this.#failKnown(new PoolError('WORKER_FAILED', 'the pool was closed before the operations were known'));
    const outcome = shuttingDown();
    const closing = [...this.#sections, this.#coming].map((section) => section?.close(outcome) ?? true);
    for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift()) settle(next, outcome);
    return (await Promise.all(closing)).every(Boolean);
  }

  /** Resolves when the users' threads are warm. Where a reload has put others in their place meanwhile, those count. */
  async #usersWarm(): Promise<void> {
    let start: Promise<void> | undefined;
    do {
      start = this.#usersStart;
      try {
        await start;
      } catch (error) {
        if (start === this.#usersStart) throw error;
      }
    } while (start !== this.#usersStart);
  }

  /** All in which something may wait or run. */
  get #sections(): readonly Section[] {
    return [this.#engine, this.#users, ...this.#retiring].filter((section) => section !== undefined);
  }

  #makeEngineSection(): Section {
    const section: Section = new Section(
      { crew: { ...this.#crewOptions('engine'), spares: 0, record: emptyRecord() }, ...this.#sectionOptions() },
      {
        known: () => {},
        isIdempotent: () => true,
        requeue: (assignment) => section.putBack(assignment),
        looked: () => this.#tellTrouble(),
      },
    );
    return section;
  }

  /** @param record what is not read from the files anew */
  #makeUsersSection(record: ModuleRecord, known: (operations: readonly OperationInfo[]) => void): Section {
    const { spares = 1, operationModules } = this.#options;
    const options = this.#crewOptions('users');
    const setup = { ...options.setup, operationModules, partMemory: new SharedArrayBuffer(0) };
    const section: Section = new Section(
      { crew: { ...options, setup, spares, record }, ...this.#sectionOptions() },
      {
        known,
        isIdempotent: ({ task }) => this.#operations?.get(task.op)?.idempotent === true,
        requeue: (assignment) => (section === this.#users ? section.putBack(assignment) : this.#move(assignment)),
        looked: () => this.#tellTrouble(),
      },
    );
    return section;
  }

  #sectionOptions() {
    const { queueMax, stopGraceMs = 50 } = this.#options;
    return { queueMax, stopGraceMs };
  }

  #crewOptions(name: CrewName) {
    const { engineModule, resultBytesMax = frameBytesMaxDefault, log, workers } = this.#options;
    const { partMemory = new SharedArrayBuffer(0), workerMemoryMb } = this.#options;
    const { startTimeoutMs = 30_000, teardownTimeoutMs = 5_000 } = this.#options;
    return {
      nextName: () => `trama-${name}-${++this.#threadsNamed}`,
      workers,
      log,
      setup: { engineModule, partMemory, operationModules: [], resultBytesMax, logLevels: levelsOf(log.level) },
      memoryMb: workerMemoryMb,
      startTimeoutMs,
      teardownTimeoutMs,
    };
  }

  async #reload(): Promise<readonly OperationInfo[]> {
    await this.#known;
    const before = this.#users;
    if (this.#closed) throw new PoolError('WORKER_FAILED', 'the pool was closed');
    if (before === undefined) return [];
    try {
      return await new Promise((resolve, reject) => {
        const section = this.#makeUsersSection(ownPart(before.record), (operations) => {
          this.#adopt(section, start, operations);
          resolve(operations);
        });
        this.#coming = section;
        const start = section.start();
        start.catch(reject);
      });
    } finally {
      this.#coming = undefined;
    }
  }

  /** Sends tasks to another section of users' threads, of which one is warm, from now on. */
  #adopt(section: Section, start: Promise<void>, operations: readonly OperationInfo[]): void {
    const before = this.#users!;
    this.#users = section;
    this.#usersStart = start;
    this.#operations = new Map(operations.map((operation) => [operation.name, operation]));
    for (const { name, concurrency } of operations) section.addQueue(name, concurrency);
    this.#retiring.add(before);
    for (const assignment of before.takeWaiting()) this.#move(assignment);
    void before.retire().then(() => {
      this.#retiring.delete(before);
      const { threads } = before.snapshot();
      this.#past = { threads: sumOf([this.#past.threads, threads]), rerun: this.#past.rerun + before.rerun };
    });
  }

  /** Gives a task that waited elsewhere to the section that has its operation now. */
  #move(assignment: Assignment): void {
    const { kind, op } = assignment.task;
    const queue = this.#users!.queue(op);
    if (queue !== undefined) this.#users!.add(assignment, queue);
    // A worker's engine reads the rest of it, and finds that nobody has its operation.
    else if (kind !== 'data') this.#engine.add(assignment, this.#engine.queue(unknownOperation)!);
    else settle(assignment, unknownOp(op));
    assignment.section?.dispatch();
  }

  #learn(operations: readonly OperationInfo[]): void {
    this.#operations = new Map(operations.map((operation) => [operation.name, operation]));
    for (const { name, concurrency } of operations) this.#users!.addQueue(name, concurrency);
    for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift()) {
      const refusal = this.#enqueue(next);
      if (refusal !== undefined) settle(next, refusal);
    }
    this.#makeKnown(operations);
  }

  /** Puts a new task where it has to wait; answers with an outcome where it cannot. */
  #enqueue(assignment: Assignment): Outcome | undefined {
    if (this.#closed) return shuttingDown();
    const { kind, op } = assignment.task;
    const refusal = this.#operations?.has(op)
      ? this.#users!.enqueue(assignment, this.#users!.queue(op)!)
      : kind === 'data'
        ? this.#hold(assignment)
        : // All frames that are for no operation are queued under one name.
          this.#engine.enqueue(assignment, this.#engine.queue(op) ?? this.#engine.queue(unknownOperation)!);
    if (refusal === undefined) this.#watchClock(assignment);
    return refusal;
  }

  #hold(assignment: Assignment): Outcome | undefined {
    if (this.#operations !== undefined) return unknownOp(assignment.task.op);
    if (this.#held.size >= this.#options.queueMax) {
      return errorOutcome('OVERLOADED', 'the server is still starting, and too many requests wait', 250);
    }
    this.#held.push(assignment);
    return undefined;
  }

  /** A budget counts from when its request came, also where it is the operation's own, which may be known only later. */
  #watchClock(assignment: Assignment): void {
    if (assignment.timer !== undefined) return;
    const { task } = assignment;
    const info = this.#operations?.get(task.op);
    const limit = timeLimit(
      task.timeoutMs ?? info?.timeoutMs,
      info === undefined ? 0 : (this.#options.opTimeoutMs ?? 0),
    );
    if (limit === undefined) return;
    const leftMs = (task.sinceMs ?? assignment.submittedAtMs) + limit.ms - performance.now();
    const expire = () => this.#expire(assignment, limit);
    assignment.timer = setTimeout(expire, Math.min(timerMsMax, Math.max(1, leftMs)));
  }

  #expire(assignment: Assignment, limit: TimeLimit): void {
    const hasBegun = assignment.thread !== undefined;
    this.#end(assignment, 'DEADLINE_EXCEEDED', timeIsUp(assignment.task.op, limit, hasBegun));
  }

  #end(assignment: Assignment, code: EndCode, message: string): void {
    if (assignment.settled) return;
    if (assignment.section !== undefined) {
      assignment.section.end(assignment, code, message);
      return;
    }
    if (assignment.next !== undefined) this.#held.remove(assignment);
    settle(assignment, errorOutcome(code, message));
  }

  /** Logs once when the pool comes into trouble, and once when it is over. */
  #tellTrouble(): void {
    const { trouble } = this;
    if ((trouble === undefined) === (this.#toldTrouble === undefined)) return;
    this.#toldTrouble = trouble;
    if (trouble === undefined) this.#options.log.info({}, 'worker threads run tasks again');
    else this.#options.log.error({ trouble }, 'worker threads can run no tasks, which are answered with INTERNAL');
  }
}

function unknownOp(op: string): Outcome {
  return errorOutcome('UNKNOWN_OP', noOperation(op));
}

function shuttingDown(): Outcome {
  return errorOutcome('SHUTTING_DOWN', shutsDown);
}
