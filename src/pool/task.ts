import type { Envelope } from '../engine/index.js';
import type { WireErrorCode } from '../errors.js';

/**
 * What the pool is asked to do, and what comes of it.
 *
 * `data`: run the user's operation `op` on `payload`, the JSON text of the request's `data`.
 * `frame`: `payload` is a whole request body that was too large for the I/O thread. `op` is what could be seen of its
 * operation before. Where it names a user's operation, the thread decodes the body, runs the operation and writes the
 * whole reply; otherwise an engine decodes and answers it.
 * `part`: `payload` tells where a part of the body of a `sum` is. The body's other parts come before and after it, as
 * tasks of their own.
 *
 * A payload's bytes are never transferred: where they are many they are in a SharedArrayBuffer, so they are still there
 * to run again when a thread dies.
 */
export type Task = WholeTask | (TaskTraits & { readonly kind: 'part'; readonly payload: PartTask });

export interface WholeTask extends TaskTraits {
  readonly kind: 'data' | 'frame';
  readonly payload: Uint8Array;
  /**
   * Where the value of `data` is in the payload of a `frame`, if nobody has looked yet whether these bytes by themselves
   * are one JSON value. The thread looks first, and answers with BAD_JSON where they are not.
   */
  readonly dataPlace?: BytePlace | undefined;
}

export interface BytePlace {
  readonly offset: number;
  readonly length: number;
}

interface TaskTraits {
  readonly op: string;
  /** The request's own budget in milliseconds; the operation's default applies where it is absent. */
  readonly timeoutMs?: number | undefined;
  /** Since when the budget counts, as `performance.now()` gives it. Default: now. */
  readonly sinceMs?: number | undefined;
  /** The request's id, for the log: all lines of the run have it as `id`. */
  readonly label?: string | undefined;
  /** The client that the task is for: owners of waiting tasks take turns. Tasks without one share one turn. */
  readonly owner?: object | undefined;
  /** The owner's threads, where they are bounded; all tasks of an owner have the same. */
  readonly quota?: ThreadQuota | undefined;
}

/** How many threads of users' operations an owner has. The pool keeps count. */
export interface ThreadQuota {
  /** The owner's. */
  readonly name: string;
  threadsMax: number;
  threadsBusy: number;
}

/**
 * See `Engine.answerPart`. Places are offsets in the memory that the pool's threads share; what is at `from` is not
 * written to, so that the part can be run again.
 */
export interface PartTask {
  /** What the part is made of, in order: offset and length of each piece in turn. */
  readonly pieces: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly isLast: boolean;
}

export type Outcome =
  /** A whole response frame, header included. `code` is undefined for an ok reply. */
  | {
      readonly kind: 'frame';
      readonly frame: Uint8Array;
      readonly op: string;
      readonly code?: WireErrorCode | undefined;
    }
  /** The body's other parts are wanted. */
  | { readonly kind: 'more' }
  /** The JSON text of `result`. */
  | { readonly kind: 'result'; readonly json: Uint8Array }
  /** The frame is for an operation that the engine does not have; places count in the payload. */
  | { readonly kind: 'handout'; readonly envelope: Envelope }
  | {
      readonly kind: 'error';
      readonly code: WireErrorCode;
      readonly message: string;
      readonly retryAfterMs?: number | undefined;
    };

/** A task that was accepted. */
export interface TaskHandle {
  /**
   * Ends the task with `code` at once, waiting or running; its `onOutcome` is called before this returns.
   * Does nothing to a task that has its outcome. A thread that does not give up by itself is ended.
   */
  end(code: 'CANCELLED' | 'DEADLINE_EXCEEDED', message: string): void;
}

/** Whoever runs tasks: the pool itself, or a thread's way to it. */
export interface TaskRunner {
  /** See `Pool.submit`. */
  submit(task: Task, onOutcome: (outcome: Outcome) => void, onFreed?: () => void): TaskHandle;
}

export interface QueueSnapshot {
  readonly op: string;
  readonly waiting: number;
  readonly running: number;
}

/** `engine`: threads that run the engine only. `users`: threads that have loaded the users' modules. */
export type CrewName = 'engine' | 'users';

export interface CrewSnapshot {
  readonly workers: { readonly idle: number; readonly busy: number; readonly starting: number; readonly spare: number };
  /**
   * Since the start. `lost`: threads that died by themselves or did not answer any more; `stopped`: threads ended for a
   * cancel or a deadline.
   */
  readonly threads: { readonly started: number; readonly lost: number; readonly stopped: number };
  /** Threads that were told to end and do not: a system call holds them. */
  readonly stuck: number;
}

/** Plain figures, gathered when somebody asks. `workers` and `threads` are the sums over the crews. */
export interface PoolSnapshot extends Omit<CrewSnapshot, 'stuck'> {
  readonly queues: readonly QueueSnapshot[];
  readonly rerun: number;
  /** Without operation modules there is no crew for users' operations. */
  readonly crews: { readonly [Name in CrewName]?: CrewSnapshot };
}
