import type { JsonSchema } from './define-operation.js';

/** What the server knows of an operation without its code: it crosses threads and is what `$ops` shows. */
export interface OperationInfo {
  readonly name: string;
  readonly description: string;
  /** Takes bodies beyond the in-memory limit. */
  readonly streaming: boolean;
  readonly input?: JsonSchema;
  readonly output?: JsonSchema;
  readonly idempotent: boolean;
  /** Runs at once in the whole server; `Infinity` where only the number of workers limits it. */
  readonly concurrency: number;
  /** Milliseconds, or `undefined` for none. */
  readonly timeoutMs?: number;
}
