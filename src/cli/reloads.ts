/**
 * Reloads of the operations, whoever asks for them: a signal, `trama reload`, `--watch`.
 *
 * Invariant: one reload runs at a time. Who asks while one runs gets the next one, since the files may have changed after
 * the first was read; all who ask meanwhile share it. Each reload is one line of the log.
 */

import type { Logger } from 'pino';
import { TramaError } from '../errors.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { ServerView } from '../server/server-view.js';

type Result = Promise<readonly OperationInfo[]>;

export class Reloads {
  readonly #view: () => Pick<ServerView, 'reload'>;
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>;
  #running: Result | undefined;
  #next: Result | undefined;
  readonly #endListeners: (() => void)[] = [];

  constructor(view: () => Pick<ServerView, 'reload'>, log: Pick<Logger, 'info' | 'warn' | 'error'>) {
    this.#view = view;
    this.#log = log;
  }

  /** Calls the listener after each reload, whoever asked for it and however it ended. */
  onEnd(listener: () => void): void {
    this.#endListeners.push(listener);
  }

  /**
   * @param by who asks, for the log
   * @returns the operations that are in force afterwards
   * @throws the error of the server's `reload`; it is in the log by then
   */
  run(by: string): Result {
    if (this.#running === undefined) return this.#start(by);
    if (this.#next === undefined) {
      const start = () => {
        this.#next = undefined;
        return this.#start(by);
      };
      this.#next = this.#running.then(start, start);
    }
    return this.#next;
  }

  #start(by: string): Result {
    const running = this.#reload(by).finally(() => {
      this.#running = undefined;
      for (const listener of this.#endListeners) listener();
    });
    this.#running = running;
    return running;
  }

  async #reload(by: string): Result {
    const startMs = performance.now();
    try {
      const operations = await this.#view().reload();
      const ms = Math.round(performance.now() - startMs);
      this.#log.info({ by, operations: operations.length, ms }, 'operations reloaded');
      return operations;
    } catch (error) {
      if (error instanceof TramaError) {
        this.#log.warn({ by, reason: error.message }, 'operations not reloaded: the old ones stay in force');
      } else this.#log.error({ by, err: error }, 'operations not reloaded: the old ones stay in force');
      throw error;
    }
  }
}
