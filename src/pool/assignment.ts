import type { OwnedItem } from './fair-queue.js';
import type { OperationQueue } from './schedule.js';
import type { Section } from './section.js';
import type { Outcome, Task } from './task.js';
import type { Death, Thread } from './thread.js';

/**
 * A task on its way through the pool.
 *
 * Invariant: once settled it is never queued again; a thread may still be in it.
 */
export interface Assignment extends OwnedItem {
  readonly task: Task;
  readonly onOutcome: (outcome: Outcome) => void;
  readonly onFreed: (() => void) | undefined;
  readonly submittedAtMs: number;
  /** Where it waits or runs; `undefined` until the operations are known, or where there is no such operation. */
  section: Section | undefined;
  queue: OperationQueue<Assignment> | undefined;
  thread: Thread<Assignment> | undefined;
  timer: NodeJS.Timeout | undefined;
  runAtMs: number;
  /** Threads that died or were taken from under it, before and after it had begun. */
  unbegun: number;
  losses: number;
  settled: boolean;
  freed: boolean;
}

export function newAssignment(task: Task, onOutcome: (outcome: Outcome) => void, onFreed?: () => void): Assignment {
  return {
    task,
    owner: task.owner,
    quota: task.quota,
    onOutcome,
    onFreed,
    submittedAtMs: performance.now(),
    section: undefined,
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
export function settle(assignment: Assignment, outcome: Outcome): void {
  if (assignment.settled) return;
  assignment.settled = true;
  clearTimeout(assignment.timer);
  assignment.onOutcome(outcome);
  freeIfDone(assignment);
}

/** Tells that nobody reads the task's payload any more, once it has its outcome and no thread is in it. */
export function freeIfDone(assignment: Assignment): void {
  if (!assignment.settled || assignment.thread !== undefined || assignment.freed) return;
  assignment.freed = true;
  assignment.onFreed?.();
}

/** What the caller is told of a task whose thread died. */
export function lossMessage(assignment: Assignment, death: Death<Assignment>, memoryMb: number): string {
  const { op } = assignment.task;
  if (!death.begun) return `threads kept dying before they could begin with \`${op}\``;
  const how = death.outOfMemory ? `ran out of memory (${memoryMb} MiB, --worker-memory-mb)` : 'died';
  const end = assignment.losses > 1 ? 'for the second time' : 'and the operation may not be run again';
  return `the thread that ran \`${op}\` ${how}, ${end}`;
}
