import type { OperationInfo } from '../ops/operation-info.js';
import { type Assignment, freeIfDone, lossMessage, settle } from './assignment.js';
import { Crew, type CrewOptions } from './crew.js';
import { nobody } from './fair-queue.js';
import { type EndCode, errorOutcome } from './messages.js';
import type { ModuleRecord } from './module-record.js';
import type { OperationHealth } from './operation-health.js';
import { OwnerCosts } from './owner-costs.js';
import { OperationQueue, Schedule } from './schedule.js';
import type { CrewSnapshot, Outcome, ThreadQuota } from './task.js';
import type { Death } from './thread.js';

/**
 * One crew of threads, and the queues that feed it. The pool has one for the engine's work and one for users' operations,
 * so that neither waits for the other.
 *
 * Invariant: an assignment that this section took is in exactly one place, a queue or a thread, until it has its outcome or
 * is given back through `requeue`. What cannot run, since no thread is alive and none starts, is answered.
 */

export interface SectionOptions {
  readonly crew: CrewOptions;
  readonly queueMax: number;
  readonly stopGraceMs: number;
}

export interface SectionOwner {
  /** The first thread has loaded the modules. */
  known(operations: readonly OperationInfo[]): void;
  /** May this task run again after its thread died with it? */
  isIdempotent(assignment: Assignment): boolean;
  /** A task whose turn was lost through no fault of its own. The owner gives it back, here or elsewhere. */
  requeue(assignment: Assignment): void;
  /** Called where `trouble` may have changed. */
  looked(): void;
}

/** How often a task may be handed to a thread that does not begin with it: then it is not chance any more. */
const unbegunMax = 3;
const retryAfterDefaultMs = 1_000;
/** Threads ended for their tasks within two seconds, from which on those who bring that about have to wait. */
const endsMax = 4;

export class Section {
  rerun = 0;
  readonly #options: SectionOptions;
  readonly #owner: SectionOwner;
  readonly #crew: Crew<Assignment>;
  readonly #schedule = new Schedule<Assignment>();
  readonly #running = new Set<Assignment>();
  readonly #costs = new OwnerCosts();
  readonly #canSpare = () => this.#crew.canSpare;
  readonly #holds = (health: OperationHealth) => {
    if (this.#crew.endedLately < endsMax) return undefined;
    return (owner: object) => this.#costs.isWasteful(owner) || (health.isWasteful && !this.#costs.isProven(owner));
  };

  constructor(options: SectionOptions, owner: SectionOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#crew = new Crew<Assignment>(options.crew, {
      known: (operations) => owner.known(operations),
      free: () => this.dispatch(),
      done: (assignment, outcome) => this.#done(assignment, outcome),
      unbegun: (assignment) => this.#unbegun(assignment),
      blames: (death) => this.#blames(death),
      lost: (assignment, death) => this.#lost(assignment, death),
      look: () => {
        this.dispatch();
        owner.looked();
        return this.#schedule.hasWaiting;
      },
    });
  }

  start(): Promise<void> {
    return this.#crew.start();
  }

  get isAlive(): boolean {
    return this.#crew.isAlive;
  }

  /** The modules that its threads have loaded. */
  get record(): ModuleRecord {
    return this.#crew.record;
  }

  /** See `Crew.trouble`. */
  get trouble(): string | undefined {
    return this.#crew.trouble;
  }

  get queues(): readonly OperationQueue<Assignment>[] {
    return this.#schedule.queues;
  }

  queue(op: string): OperationQueue<Assignment> | undefined {
    return this.#schedule.get(op);
  }

  addQueue(op: string, concurrency = Number.POSITIVE_INFINITY): void {
    if (this.#schedule.get(op) === undefined) this.#schedule.add(new OperationQueue(op, concurrency));
  }

  snapshot(): CrewSnapshot {
    return this.#crew.snapshot();
  }

  /** Puts a task into one of this section's queues; answers with an outcome where it cannot. `dispatch` follows. */
  enqueue(assignment: Assignment, queue: OperationQueue<Assignment>): Outcome | undefined {
    const refusal = this.#refusal(assignment, queue);
    if (refusal === undefined) this.add(assignment, queue);
    return refusal;
  }

  /** The same for a task that was taken once and moves here: it is not turned away. */
  add(assignment: Assignment, queue: OperationQueue<Assignment>): void {
    assignment.section = this;
    assignment.queue = queue;
    queue.waiting.push(assignment);
  }

  /** Puts a task back that had its turn already. */
  putBack(assignment: Assignment): void {
    assignment.queue!.waiting.unshift(assignment);
    this.dispatch();
  }

  /** Hands waiting tasks to free threads; answers those that cannot run. */
  dispatch(): void {
    if (this.#crew.trouble !== undefined) this.#answerWaiting();
    while (this.#crew.hasFree) {
      const assignment = this.#schedule.next(this.#canSpare, this.#holds);
      if (assignment === undefined) break;
      assignment.runAtMs = performance.now();
      this.#running.add(assignment);
      assignment.thread = this.#crew.run(assignment.task, assignment);
    }
    // Some may wait for nothing that is ever told, such as the end of a back-off.
    if (this.#schedule.hasWaiting) this.#crew.wakeWatch();
  }

  /** Ends a task that waits or runs here. */
  end(assignment: Assignment, code: EndCode, message: string): void {
    const { thread } = assignment;
    if (thread !== undefined) this.#crew.stop(thread, code, message, this.#options.stopGraceMs);
    else if (assignment.next !== undefined) assignment.queue!.waiting.remove(assignment);
    this.dispatch();
    settle(assignment, errorOutcome(code, message));
  }

  /** Takes all tasks out that wait. */
  takeWaiting(): Assignment[] {
    const taken: Assignment[] = [];
    for (const { waiting } of this.queues) {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) taken.push(next);
    }
    return taken;
  }

  /** Lets what runs come to its end, and the threads with it. */
  retire(): Promise<void> {
    return this.#crew.retire();
  }

  /** Answers all that waits or runs with `outcome`, and ends the threads; false where one cannot be ended. */
  close(outcome: Outcome): Promise<boolean> {
    const closing = this.#crew.close();
    for (const assignment of [...this.takeWaiting(), ...this.#running]) settle(assignment, outcome);
    return closing;
  }

  #refusal({ task, owner, quota }: Assignment, queue: OperationQueue<Assignment>): Outcome | undefined {
    if (this.#crew.trouble !== undefined) return this.#cannotRun(task.op);
    if (queue.health.refusesForMs > 0) return refusedAsDeadly(queue);
    // A body that has begun to come in parts is not turned away: how many of them there are is bounded elsewhere.
    if (task.kind === 'part' || (this.#crew.hasFree && queue.hasRoomToRun && hasThread(quota))) return undefined;
    const { queueMax } = this.#options;
    const { waiting, op } = queue;
    const retryAfterMs = queue.retryAfterMs(this.#options.crew.workers);
    const free = queueMax - waiting.size;
    if (free <= 0) {
      const message = `${waiting.size} requests for \`${op}\` wait already, and no more may (--max-queue)`;
      return errorOutcome('OVERLOADED', message, retryAfterMs);
    }
    const own = owner === undefined ? 0 : waiting.sizeOf(owner);
    if (own < free) return undefined;
    const message = `${own} requests of this client for \`${op}\` wait already, and one client may have no more than places are left (${free} of ${queueMax}, --max-queue)`;
    return errorOutcome('OVERLOADED', message, retryAfterMs);
  }

  #done(assignment: Assignment, outcome: Outcome): void {
    const queue = assignment.queue!;
    this.#release(assignment);
    queue.health.noteRun();
    this.#costs.noteRun(assignment.owner ?? nobody, queue.health.isCostly);
    if (!assignment.settled) queue.observe(performance.now() - assignment.runAtMs);
    this.dispatch();
    settle(assignment, outcome);
  }

  #unbegun(assignment: Assignment): void {
    this.#release(assignment);
    assignment.unbegun += 1;
    if (assignment.settled) this.dispatch();
    else if (assignment.unbegun <= unbegunMax) this.#owner.requeue(assignment);
    else {
      this.dispatch();
      const { op } = assignment.task;
      settle(assignment, errorOutcome('WORKER_LOST', `threads kept dying before they could begin with \`${op}\``));
    }
  }

  /** Puts a death down to the operation that brought it about, if that is clear. */
  #blames(death: Death<Assignment>): boolean {
    const op = death.begun ? death.task?.op : death.lastOp;
    const queue = op === undefined ? undefined : (this.#schedule.get(op) ?? death.work?.queue);
    if (queue === undefined) return false;
    if (!death.byItself) {
      if (death.from !== 'stopping') return true;
      queue.health.noteCost();
      if (death.work !== undefined) this.#costs.noteCost(death.work.owner ?? nobody);
      return true;
    }
    queue.health.noteDeath();
    if (queue.health.refusesForMs > 0) this.#answer(queue, () => refusedAsDeadly(queue));
    // One that only ran before may be innocent, unless this happens with it again and again.
    return death.begun || queue.health.isDeadly;
  }

  #lost(assignment: Assignment, death: Death<Assignment>): void {
    if (!death.begun) {
      this.#unbegun(assignment);
      return;
    }
    this.#release(assignment);
    assignment.losses += 1;
    const refused = assignment.queue!.health.refusesForMs > 0;
    const again = !assignment.settled && !refused && assignment.losses === 1 && this.#owner.isIdempotent(assignment);
    if (again) {
      this.rerun += 1;
      this.#owner.requeue(assignment);
      return;
    }
    this.dispatch();
    const message = lossMessage(assignment, death, this.#options.crew.memoryMb);
    settle(assignment, errorOutcome('WORKER_LOST', message));
  }

  /** The thread is out of the task, which keeps its place in the operation's concurrency until then. */
  #release(assignment: Assignment): void {
    this.#running.delete(assignment);
    assignment.thread = undefined;
    assignment.queue!.running -= 1;
    if (assignment.quota !== undefined) assignment.quota.threadsBusy -= 1;
    freeIfDone(assignment);
  }

  #answerWaiting(): void {
    for (const queue of this.queues) this.#answer(queue, (op) => this.#cannotRun(op));
  }

  #answer({ waiting }: OperationQueue<Assignment>, outcomeFor: (op: string) => Outcome): void {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) settle(next, outcomeFor(next.task.op));
  }

  /**
   * INTERNAL, since it is a defect of the server and not too much work; with a time to come back, since the server itself
   * tries again.
   */
  #cannotRun(op: string): Outcome {
    const message = `no worker thread can run \`${op}\` at the moment; the server's log has the cause`;
    return errorOutcome('INTERNAL', message, this.#crew.retryInMs ?? retryAfterDefaultMs);
  }
}

function hasThread(quota: ThreadQuota | undefined): boolean {
  return quota === undefined || quota.threadsBusy < quota.threadsMax;
}

function refusedAsDeadly({ op, health }: OperationQueue<Assignment>): Outcome {
  const message = `\`${op}\` has killed its thread again and again, and is not tried for a while`;
  return errorOutcome('WORKER_LOST', message, health.refusesForMs);
}
