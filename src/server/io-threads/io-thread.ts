/**
 * An I/O thread beside the main thread, as the main thread sees it: it is asked, and what it wants of the pool is handed on.
 *
 * A thread that ends before it is closed is a defect, like anything that nobody caught in the main thread: its connections
 * are gone, and what broke it is unknown. `onDefect` is told then.
 */
import { Worker } from 'node:worker_threads';
import type { OperationLog } from '../../ops/define-operation.js';
import type { OperationInfo } from '../../ops/operation-info.js';
import type { TaskRunner } from '../../pool/task.js';
import type { Ports } from '../io-stack.js';
import type { IoSnapshot } from '../server-view.js';
import type { Answer, FromIoThread, IoThreadSetup, Question, ToIoThread } from './messages.js';
import { type KnownIdentity, PoolDesk } from './pool-desk.js';

/** How long figures are waited for; those of before are told then. */
const snapshotPatienceMs = 1000;

const entry = new URL('./worker.js', import.meta.url);

export interface IoThreadParts {
  readonly setup: IoThreadSetup;
  readonly pool: TaskRunner;
  /** See `PoolDesk`. */
  readonly identityOf: (name: string) => KnownIdentity | undefined;
  readonly log: OperationLog;
  onDefect(error: Error): void;
}

export class IoThread {
  readonly #parts: IoThreadParts;
  readonly #worker: Worker;
  readonly #desk: PoolDesk;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #serial = 0;
  #isClosed = false;
  #snapshot: IoSnapshot | undefined;
  #asksForSnapshot: Promise<unknown> | undefined;

  constructor(parts: IoThreadParts) {
    this.#parts = parts;
    const { setup, pool, identityOf } = parts;
    const name = `trama-io-${setup.seat.index + 1}`;
    this.#worker = new Worker(entry, { name, workerData: setup });
    this.#desk = new PoolDesk(pool, identityOf, (news, transfer) => this.#post({ type: 'news', news }, transfer));
    this.#worker.on('message', (message: FromIoThread) => this.#receive(message));
    let error: Error | undefined;
    this.#worker.on('error', (thrown) => {
      error = thrown as Error;
    });
    this.#worker.on('exit', (status) => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      const cause = error ?? `it exited with status ${status}`;
      parts.onDefect(new Error(`the I/O thread ${name} has died`, { cause }));
    });
  }

  /** @throws the error of `listen`, as Node gives it */
  async listen(ports: Ports, operations: readonly OperationInfo[]): Promise<void> {
    await this.#ask({ kind: 'listen', ports, operations });
  }

  /** Resolves once the thread knows the operations. */
  async learn(operations: readonly OperationInfo[]): Promise<void> {
    await this.#ask({ kind: 'learn', operations });
  }

  /** Has it read the certificate anew. */
  async reloadTls(by: string): Promise<void> {
    await this.#ask({ kind: 'reloadTls', by });
  }

  /** Has it read the file of tokens anew. */
  async reloadTokens(): Promise<void> {
    await this.#ask({ kind: 'reloadTokens' });
  }

  /** The figures of the last `refresh`. */
  get snapshot(): IoSnapshot | undefined {
    return this.#snapshot;
  }

  /** Asks for figures; resolves when they are there, or after a second without them. */
  async refresh(): Promise<void> {
    this.#asksForSnapshot ??= this.#ask({ kind: 'snapshot' }).then(({ snapshot }) => {
      this.#snapshot = snapshot ?? this.#snapshot;
      this.#asksForSnapshot = undefined;
    });
    let patience: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      patience = setTimeout(resolve, snapshotPatienceMs);
    });
    await Promise.race([this.#asksForSnapshot, late]);
    clearTimeout(patience);
  }

  /** See `IoStack.drain`. */
  async drain(drainMs: number): Promise<{ cut: number }> {
    const { cut = 0 } = await this.#ask({ kind: 'drain', drainMs });
    return { cut };
  }

  /** Ends everything on the spot. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const resolve of this.#asked.values()) resolve({});
    this.#asked.clear();
    await this.#worker.terminate();
  }

  async #ask(question: Question): Promise<Answer> {
    const serial = ++this.#serial;
    const answer = await new Promise<Answer>((resolve) => {
      this.#asked.set(serial, resolve);
      this.#post({ type: 'question', serial, question });
    });
    const { error } = answer;
    if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
    return answer;
  }

  #receive(message: FromIoThread): void {
    switch (message.type) {
      case 'orders':
        this.#desk.receive(message.orders);
        return;
      case 'answer':
        this.#asked.get(message.serial)?.(message.answer);
        this.#asked.delete(message.serial);
        return;
      case 'log':
        this.#parts.log[message.level](
          { ...message.fields, ioThread: this.#parts.setup.seat.index + 1 },
          message.message,
        );
        return;
    }
  }

  #post(message: ToIoThread, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
