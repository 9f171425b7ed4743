/**
 * An I/O thread's way to the pool, which is in the main thread: it takes tasks as the pool does, and sends them there.
 *
 * Invariant: each task gets exactly one outcome, and is freed once after it. A task that is ended here has its outcome at
 * once; what still comes of it is dropped, but for the word that it is free.
 */
import { errorOutcome, sendable } from '../../pool/messages.js';
import type { Outcome, Task, TaskHandle, TaskRunner } from '../../pool/task.js';
import { toCommonMs } from './common-clock.js';
import type { TaskNews, TaskOrder } from './messages.js';
import { Outbox } from './outbox.js';

interface Sent {
  readonly onOutcome: (outcome: Outcome) => void;
  readonly onFreed: (() => void) | undefined;
  isSettled: boolean;
}

export class RemotePool implements TaskRunner {
  readonly #outbox: Outbox<TaskOrder>;
  readonly #sent = new Map<number, Sent>();
  #serial = 0;
  readonly #owners = new WeakMap<object, number>();
  #ownersNamed = 0;

  constructor(send: (orders: TaskOrder[]) => void) {
    this.#outbox = new Outbox(send);
  }

  submit(task: Task, onOutcome: (outcome: Outcome) => void, onFreed?: () => void): TaskHandle {
    const serial = ++this.#serial;
    const sent: Sent = { onOutcome, onFreed, isSettled: false };
    this.#sent.set(serial, sent);
    const { owner, quota, sinceMs = performance.now(), ...rest } = task;
    this.#outbox.add({
      kind: 'submit',
      serial,
      owner: owner === undefined ? undefined : this.#numberOf(owner),
      identity: quota?.name,
      sinceCommonMs: toCommonMs(sinceMs),
      task: { ...rest, payload: sendable(task.payload) },
    });
    return {
      end: (code, message) => {
        if (sent.isSettled) return;
        sent.isSettled = true;
        this.#outbox.add({ kind: 'end', serial, code, message });
        onOutcome(errorOutcome(code, message));
      },
    };
  }

  receive(news: readonly TaskNews[]): void {
    for (const each of news) {
      const sent = this.#sent.get(each.serial)!;
      if (each.kind === 'freed') {
        this.#sent.delete(each.serial);
        sent.onFreed?.();
      } else if (!sent.isSettled) {
        sent.isSettled = true;
        sent.onOutcome(each.outcome);
      }
    }
  }

  #numberOf(owner: object): number {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    this.#owners.set(owner, ++this.#ownersNamed);
    return this.#ownersNamed;
  }
}
