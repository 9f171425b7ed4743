import type { MessagePort } from 'node:worker_threads';
import type { WireErrorCode } from '../errors.js';
import type { CheckSources } from '../ops/load-operations.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { ModuleRecord } from './module-record.js';
import type { BytePlace, Outcome, Task } from './task.js';

/**
 * All that the pool and a worker thread say to each other: messages, and four words of shared memory for what must be
 * known while the other side is not listening.
 */

/** What a thread is given when it starts. */
export interface WorkerSetup {
  /** All that follows goes over this port. Users' code has no way to it. */
  readonly port: MessagePort;
  readonly engineModule: WebAssembly.Module;
  readonly partMemory: SharedArrayBuffer;
  /** None for a thread that runs the engine only. */
  readonly operationModules: readonly string[];
  /** What the first thread wrote; empty for the first thread. */
  readonly checkSources: CheckSources;
  readonly resultBytesMax: number;
  /** The levels that the server's log takes: a line that it would drop is not sent. */
  readonly logLevels: readonly LogLevel[];
  /** See {@link slot}. */
  readonly slots: SharedArrayBuffer;
}

/**
 * Words of a thread's shared memory. Each holds the serial number of the run that it speaks of; 0 for none.
 *
 *     index        0          1          2        3
 *                ┌──────────┬──────────┬────────┬────────┐
 *                │ running  │ listens  │ ended  │ free   │  Int32 each
 *                └──────────┴──────────┴────────┴────────┘
 *     written by   worker     worker     pool     worker
 *
 * The worker writes `running` and then reads `ended`; the pool writes `ended` and then reads `running`. Both are
 * sequentially consistent, so that at least one of them sees the other: a run that the pool ended and believes not to
 * have begun will never begin.
 */
export const slot = {
  /** The run whose operation has been entered; its negative once that has returned. */
  running: 0,
  /** The run whose operation asked for `context.signal`, and so may give up by itself. */
  listens: 1,
  /** The run that is not wanted any more. */
  ended: 2,
  /**
   * The run after whose end the thread's event loop had another turn: only then it is certain that the run left nothing
   * behind that holds the thread.
   */
  free: 3,
} as const;
export const slotsBytes = 4 * Int32Array.BYTES_PER_ELEMENT;

export type EndCode = 'CANCELLED' | 'DEADLINE_EXCEEDED';

export interface RunMessage {
  readonly type: 'run';
  /** Counts the thread's runs, from 1. */
  readonly serial: number;
  readonly kind: Task['kind'];
  readonly op: string;
  readonly label: string | undefined;
  readonly payload: Task['payload'];
  readonly dataPlace: BytePlace | undefined;
}

export interface AbortMessage {
  readonly type: 'abort';
  readonly serial: number;
  readonly code: EndCode;
  readonly message: string;
}

/** Tear down what was set up, and say `left`: no task comes any more. */
export interface LeaveMessage {
  readonly type: 'leave';
}

export type ToWorker = RunMessage | AbortMessage | LeaveMessage;

/** What a thread has loaded. */
export interface Loaded {
  readonly operations: readonly OperationInfo[];
  readonly checkSources: CheckSources;
  /** The modules that it has loaded, from the thread that was to record them. */
  readonly record: ModuleRecord | undefined;
}

export type FromWorker =
  /** What it is about to do, as the beginning of a sentence for where that takes too long. */
  | { readonly type: 'loading'; readonly sentence: string }
  | ({ readonly type: 'ready'; readonly hasTeardown: boolean } & Loaded)
  /** The operations could not be loaded: one sentence. The thread ends by itself after it. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'done'; readonly serial: number; readonly outcome: Outcome }
  /** Nothing is left to be torn down. */
  | { readonly type: 'left' }
  /** The run was ended before it had begun: nothing of it was run. */
  | { readonly type: 'unbegun'; readonly serial: number }
  | LogLine;

/** A line of an operation's log, or of what it wrote to stdout or stderr. Already cut to size by the worker. */
export interface LogLine {
  readonly type: 'log';
  readonly level: LogLevel;
  readonly fields: { readonly [name: string]: unknown };
  readonly message?: string | undefined;
}

/** From the least urgent to the most. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The levels that a pino of this level takes. */
export function levelsOf(level = 'trace'): readonly LogLevel[] {
  if (level === 'silent' || level === 'fatal') return [];
  const least = (logLevels as readonly string[]).indexOf(level);
  return logLevels.slice(Math.max(0, least));
}

export type ErrorOutcome = Extract<Outcome, { kind: 'error' }>;

export function errorOutcome(code: WireErrorCode, message: string, retryAfterMs?: number): ErrorOutcome {
  return retryAfterMs === undefined ? { kind: 'error', code, message } : { kind: 'error', code, message, retryAfterMs };
}

/**
 * Cloning a view clones all the memory behind it, and that is often a socket's buffer or an engine's whole memory. Shared
 * memory is not cloned at all.
 */
export function sendable(payload: Task['payload']): Task['payload'] {
  if (!(payload instanceof Uint8Array)) return payload;
  const whole = payload.byteLength === payload.buffer.byteLength;
  return whole || payload.buffer instanceof SharedArrayBuffer ? payload : new Uint8Array(payload);
}
