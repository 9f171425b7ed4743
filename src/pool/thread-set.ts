import type { Thread } from './thread.js';
import type { ThreadState } from './thread-state.js';

/**
 * The threads of a crew, and which of them are free.
 *
 * Invariant: a thread is among the idle or the busy ones or neither, never both; those that start, stop or end are
 * neither. All are among `all` until they are gone.
 */
export class ThreadSet<Work> {
  readonly all = new Set<Thread<Work>>();
  /** The one that worked last is the last: its caches are warm. */
  readonly #idle: Thread<Work>[] = [];
  readonly busy = new Set<Thread<Work>>();

  get idleCount(): number {
    return this.#idle.length;
  }

  /** Idle ones that answer. */
  get answeringCount(): number {
    let count = 0;
    for (const thread of this.#idle) if (thread.hasAnswered) count += 1;
    return count;
  }

  /** Those that can do work, or do some. */
  get aliveCount(): number {
    return this.count('idle', 'busy', 'stopping');
  }

  get stuckCount(): number {
    let count = 0;
    for (const thread of this.all) if (thread.isStuck) count += 1;
    return count;
  }

  count(...states: ThreadState[]): number {
    let count = 0;
    for (const thread of this.all) if (states.includes(thread.state)) count += 1;
    return count;
  }

  /** Takes the last idle thread that is promising, or else the last one. There must be one. It is busy from now on. */
  takeIdle(): Thread<Work> {
    const index = this.#idle.findLastIndex((thread) => thread.isPromising);
    const thread = this.#idle.splice(index, 1)[0]!;
    this.busy.add(thread);
    return thread;
  }

  putIdle(thread: Thread<Work>): void {
    this.busy.delete(thread);
    this.#idle.push(thread);
  }

  /** Those that have been idle for longest. */
  longestIdle(count: number): readonly Thread<Work>[] {
    return this.#idle.slice(0, Math.max(0, count));
  }

  /** The thread takes no more work. */
  setAside(thread: Thread<Work>): void {
    this.busy.delete(thread);
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}
