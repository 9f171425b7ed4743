import type { OperationLog } from '../ops/define-operation.js';
import { LineBudget } from './line-budget.js';
import { withErrorType } from './log-channel.js';
import type { LogLine } from './messages.js';
import type { Death, Ending } from './thread.js';

/** What the server's log is told of threads. Peers can bring most of it about at will, so its lines have a bound. */
export class CrewLog {
  readonly #log: OperationLog;
  readonly #stops = new LineBudget();
  readonly #deaths = new LineBudget();

  constructor(log: OperationLog) {
    this.#log = log;
  }

  /** A line of an operation. */
  pass(thread: string, { level, fields, message }: LogLine): void {
    this.#log[level]({ ...withErrorType(fields), thread }, message);
  }

  /** To be told at once, since a thread that is stuck in a system call may never be gone. */
  stopped(thread: string, { reason, task }: Ending): void {
    if (!this.#stops.take()) return;
    const fields = { ...task, thread, reason, ...this.#stops.dropped() };
    this.#log.info(fields, 'a thread was ended: its task was over and did not stop');
  }

  /** @param retryInMs when it is replaced, where that is not done at once */
  died(thread: string, death: Death<unknown>, retryInMs: number | undefined): void {
    if (!this.#deaths.take()) return;
    const { task, begun, lastOp, from, reason, error, silent } = death;
    // A task that had not begun has no part in it.
    const about = begun && task !== undefined ? task : lastOp !== undefined && { lastOp };
    const cause = error !== undefined && { err: error };
    const retry = retryInMs !== undefined && { retryInMs };
    const fields = { ...about, thread, from, reason, ...retry, ...cause, ...this.#deaths.dropped() };
    this.#log.warn(fields, silent ? 'a worker thread was ended: it did not answer' : 'a worker thread died');
  }

  couldNotStart(thread: string, reason: string, retryInMs: number, error: Error | undefined): void {
    const cause = error !== undefined && { err: error };
    this.#log.error({ thread, reason, retryInMs, ...cause }, 'a worker thread could not start');
  }

  stuck(thread: string, lastOp: string | undefined): void {
    const about = lastOp !== undefined && { lastOp };
    this.#log.error({ thread, ...about }, 'a worker thread does not end: a system call holds it');
  }
}
