import type { Envelope } from '../engine/index.js';
import type { WireErrorCode } from '../errors.js';

/**
 * What the pool is asked to do, and what comes of it.
 *
 * `data`: run the user's operation `op` on `payload`, the JSON text of the request's `data`.
 * `frame`: `payload` is a whole request body that was too large for the I/O thread; the worker's engine decodes and
 * answers it. `op` is then only the queue it is counted under, as far as it could be seen before.
 * `part`: `payload` tells where a part of the body of a `sum` is, whose other parts come before and behind it as tasks of
 * their own.
 *
 * A payload's bytes are never transferred: where they are many they stand in a SharedArrayBuffer, so they are still there
 * to run again when a thread dies.
 */
export type Task = WholeTask | (TaskTraits & { readonly kind: 'part'; readonly payload: PartTask });

export interface WholeTask extends TaskTraits {
  readonly kind: 'data' | 'frame';
  readonly payload: Uint8Array;
}

interface TaskTraits {
  readonly op: string;
  /** The request's own budget in milliseconds from now; the operation's default applies where it is absent. */
  readonly timeoutMs?: number | undefined;
  /** The request's id, for the log: all lines of the run bear it as `id`. */
  readonly label?: string | undefined;
}

/**
 * See `Engine.answerPart`. Places are offsets in the memory that the pool's threads share; what stands at `from` is not
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
  /** A whole response frame, header included, as the engine wrote it. `code` is undefined for an ok reply. */
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

export interface QueueSnapshot {
  readonly op: string;
  readonly waiting: number;
  readonly running: number;
}

/** Plain figures, gathered when somebody asks. */
export interface PoolSnapshot {
  readonly workers: { readonly idle: number; readonly busy: number; readonly starting: number; readonly spare: number };
  readonly queues: readonly QueueSnapshot[];
  /** Since the start. `lost`: threads that died by themselves; `stopped`: threads ended for a cancel or deadline. */
  readonly threads: { readonly started: number; readonly lost: number; readonly stopped: number };
  readonly rerun: number;
}
