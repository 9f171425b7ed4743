import type { OperationQueue } from './schedule.js';
import type { Outcome, Task } from './task.js';
import type { Death, Thread } from './thread.js';
import type { ListLinks } from './waiting-list.js';

/**
 * A task on its way through the pool.
 *
 * Invariant: once settled it is never queued again; a thread may still be in it.
 */
export interface Job extends ListLinks {
  readonly task: Task;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly onFreed: (() => void) | undefined;
  readonly submittedAtMs: number;
  /** Its operation's queue; `undefined` until the operations are known, or where there is no such operation. */
  queue: OperationQueue<Job> | undefined;
  thread: Thread<Job> | undefined;
  timer: NodeJS.Timeout | undefined;
  runAtMs: number;
  /** Threads that died under it, before and after it had begun. */
  unbegun: number;
  losses: number;
  settled: boolean;
  freed: boolean;
}

export function newJob(task: Task, onOutcome: (outcome: Outcome) => void, onFreed?: () => void): Job {
  return {
    task,
    onOutcome,
    onFreed,
    submittedAtMs: performance.now(),
    queue: undefined,
    thread: undefined,
    timer: undefined,
    runAtMs: 0,
    unbegun: 0,
    losses: 0,
    settled: false,
    freed: false,
    previous: undefined,
    next: undefined,
  };
}

/** Gives the task its outcome, unless it has one: whoever is first decides. */
export function settle(job: Job, outcome: Outcome): void {
  if (job.settled) return;
  job.settled = true;
  clearTimeout(job.timer);
  job.onOutcome(outcome);
  freeIfDone(job);
}

/** Tells that nobody reads the task's payload any more, once it has its outcome and no thread is in it. */
export function freeIfDone(job: Job): void {
  if (!job.settled || job.thread !== undefined || job.freed) return;
  job.freed = true;
  job.onFreed?.();
}

/** What the caller is told of a task whose thread died. */
export function lossMessage(job: Job, death: Death<Job>, memoryMb: number): string {
  if (!death.begun) return `threads kept dying before they could begin with \`${job.task.op}\``;
  const how = death.outOfMemory ? `ran out of memory (${memoryMb} MiB)` : 'died';
  const end = job.losses > 1 ? 'for the second time' : 'and the operation may not be run again';
  return `the thread that ran \`${job.task.op}\` ${how}, ${end}`;
}
