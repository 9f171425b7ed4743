/** All that the main thread and another I/O thread say to each other. */
import type { OperationInfo } from '../../ops/operation-info.js';
import type { EndCode, LogLevel } from '../../pool/messages.js';
import type { Outcome, Task } from '../../pool/task.js';
import type { SharedAccess } from '../access/access.js';
import type { Ports, Seat } from '../io-stack.js';
import type { ServerConfig } from '../server.js';
import type { IoSnapshot } from '../server-view.js';

/** What an I/O thread is given when it starts. */
export interface IoThreadSetup {
  readonly config: ServerConfig;
  readonly seat: Seat;
  readonly engineModule: WebAssembly.Module;
  /** See `sharedTallies`. */
  readonly tallies: SharedArrayBuffer;
  readonly access: SharedAccess;
  /** The keys of TLS tickets, where there is TLS. */
  readonly ticketKeys: SharedArrayBuffer | undefined;
  /** See `BulkLane.memoryIn`. */
  readonly bulkMemory: SharedArrayBuffer;
  readonly logLevels: readonly LogLevel[];
}

/** A task with what can cross: the owner is a number or a name, and the time is on the clock of all threads. */
type SentTask = Omit<Task, 'owner' | 'quota' | 'sinceMs'>;

/** What an I/O thread wants of the pool. */
export type TaskOrder =
  | {
      readonly kind: 'submit';
      /** Counts the thread's tasks. */
      readonly serial: number;
      /** Of the thread's connections. */
      readonly owner: number | undefined;
      /** Whose task it is, where that is an identity: it takes turns with others over all threads. */
      readonly identity: string | undefined;
      readonly sinceCommonMs: number;
      readonly task: SentTask;
    }
  | {
      readonly kind: 'end';
      readonly serial: number;
      readonly code: EndCode;
      readonly message: string;
    };

/** What has become of its tasks: an outcome each, and after it the word that nobody reads the bytes any more. */
export type TaskNews =
  | { readonly kind: 'outcome'; readonly serial: number; readonly outcome: Outcome }
  | { readonly kind: 'freed'; readonly serial: number };

/** What it is asked. Each is answered by `answered` with the same serial. */
export type Question =
  | { readonly kind: 'listen'; readonly ports: Ports; readonly operations: readonly OperationInfo[] }
  | { readonly kind: 'learn'; readonly operations: readonly OperationInfo[] }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'reloadTls'; readonly by: string }
  | { readonly kind: 'reloadTokens' }
  | { readonly kind: 'drain'; readonly drainMs: number };

export interface Answer {
  readonly snapshot?: IoSnapshot;
  readonly cut?: number;
  /** Why it cannot listen. `postMessage` keeps no `code` of an error. */
  readonly error?: { readonly message: string; readonly code: string | undefined };
}

export type ToIoThread =
  | { readonly type: 'news'; readonly news: readonly TaskNews[] }
  | { readonly type: 'question'; readonly serial: number; readonly question: Question };

export type FromIoThread =
  | { readonly type: 'orders'; readonly orders: readonly TaskOrder[] }
  | { readonly type: 'answer'; readonly serial: number; readonly answer: Answer }
  | { readonly type: 'log'; readonly level: LogLevel; readonly fields: object; readonly message: string | undefined };
