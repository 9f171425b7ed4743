import { HeapMeter } from './heap-meter.js';

/**
 * Ends threads whose heap grows over its limit, before V8 meets a limit of its own.
 *
 * V8 has a limit for each thread (`resourceLimits`), and kills the *thread* where a garbage collection finds its heap full.
 * But where a single allocation does not fit, as when a large Map or array doubles, it kills the *process*. So V8 is given
 * room for any single object above the limit (`headroomMb`), and the limit itself is held from here: while tasks
 * run, and once the whole process is as large as one thread may be, the heaps of busy threads are measured.
 */

const intervalMs = 50;
const bytesInMb = 1024 * 1024;

/**
 * Room for the largest object that V8 makes, 1 GiB, and the one half as large that it is copied from. It is a number in a
 * comparison: no memory is reserved for it. From some 2 GiB in all, V8 makes each thread a megabyte larger.
 */
export const headroomMb = process.features.inspector ? 1536 : 0;

export interface WatchedThread {
  readonly threadId: number;
  /** Ends the thread as one that ran out of memory, if it still has the same task. */
  exceed(run: number): void;
  /** Counts the thread's tasks, so that nobody pays for the task before. */
  readonly run: number;
}

export class HeapWatch {
  readonly #limitBytes: number;
  readonly #busy: () => Iterable<WatchedThread>;
  readonly #meter = new HeapMeter();
  readonly #measured = new Set<WatchedThread>();
  #timer: NodeJS.Timeout | undefined;

  /** @param busy the threads that have a task at the moment */
  constructor(limitMb: number, busy: () => Iterable<WatchedThread>) {
    this.#limitBytes = limitMb * bytesInMb;
    this.#busy = busy;
  }

  /** To be called when a thread gets a task. The watch goes to sleep by itself when none has one. */
  wake(): void {
    if (headroomMb > 0) this.#timer ??= setInterval(() => this.#look(), intervalMs);
  }

  /** Ends the watch. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#meter.close();
  }

  #look(): void {
    const threads = [...this.#busy()];
    if (threads.length === 0) {
      void this.close();
      return;
    }
    if (process.memoryUsage.rss() < this.#limitBytes) return;
    for (const thread of threads) if (!this.#measured.has(thread)) void this.#measure(thread);
  }

  async #measure(thread: WatchedThread): Promise<void> {
    this.#measured.add(thread);
    const { run, threadId } = thread;
    if (await this.#isOver(threadId)) {
      // Dead objects count until they are collected, and V8 does not hurry: it believes to have room.
      await this.#meter.collectGarbage(threadId);
      if (await this.#isOver(threadId)) thread.exceed(run);
    }
    this.#measured.delete(thread);
  }

  async #isOver(threadId: number): Promise<boolean> {
    return ((await this.#meter.usedBytes(threadId)) ?? 0) > this.#limitBytes;
  }
}
