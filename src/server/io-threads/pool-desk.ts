/**
 * The pool's side of an I/O thread's `RemotePool`: submits what comes, and sends back what becomes of it.
 *
 * Invariant: an owner is known here exactly while tasks of it are in the pool, so that what is kept is bounded by them.
 */
import type { Task, TaskHandle, TaskRunner, ThreadQuota } from '../../pool/task.js';
import { fromCommonMs } from './common-clock.js';
import type { TaskNews, TaskOrder } from './messages.js';
import { Outbox } from './outbox.js';

interface Owner {
  tasks: number;
}

/** An identity as the main thread knows it: whose turn it is, and how many threads it may have. */
export interface KnownIdentity {
  readonly quota: ThreadQuota;
}

export class PoolDesk {
  readonly #pool: TaskRunner;
  readonly #identityOf: (name: string) => KnownIdentity | undefined;
  readonly #outbox: Outbox<TaskNews>;
  readonly #handles = new Map<number, TaskHandle>();
  readonly #owners = new Map<number, Owner>();

  /** @param identityOf gives the identity of a name; `undefined` where the main thread has none */
  constructor(
    pool: TaskRunner,
    identityOf: (name: string) => KnownIdentity | undefined,
    send: (news: TaskNews[], transfer: ArrayBuffer[]) => void,
  ) {
    this.#pool = pool;
    this.#identityOf = identityOf;
    this.#outbox = new Outbox(send);
  }

  receive(orders: readonly TaskOrder[]): void {
    for (const order of orders) {
      if (order.kind === 'submit') this.#submit(order);
      // Where it has its outcome, that is on its way.
      else this.#handles.get(order.serial)?.end(order.code, order.message);
    }
  }

  #submit({
    serial,
    owner: number,
    identity: name,
    sinceCommonMs,
    task,
  }: Extract<TaskOrder, { kind: 'submit' }>): void {
    const connection = number === undefined ? undefined : this.#enter(number);
    const identity = name === undefined ? undefined : this.#identityOf(name);
    const whose = { owner: identity ?? connection, quota: identity?.quota };
    const handle = this.#pool.submit(
      { ...task, ...whose, sinceMs: fromCommonMs(sinceCommonMs) } as Task,
      (outcome) => {
        const bytes = outcome.kind === 'frame' ? outcome.frame : outcome.kind === 'result' ? outcome.json : undefined;
        this.#outbox.add({ kind: 'outcome', serial, outcome }, bytes);
      },
      () => {
        this.#handles.delete(serial);
        if (number !== undefined) this.#leave(number);
        this.#outbox.add({ kind: 'freed', serial });
      },
    );
    this.#handles.set(serial, handle);
  }

  #enter(number: number): Owner {
    const owner = this.#owners.get(number) ?? { tasks: 0 };
    this.#owners.set(number, owner);
    owner.tasks++;
    return owner;
  }

  #leave(number: number): void {
    const owner = this.#owners.get(number)!;
    if (--owner.tasks === 0) this.#owners.delete(number);
  }
}
