import type { ThreadQuota } from './task.js';
import { type ListLinks, WaitingList } from './waiting-list.js';

/**
 * Tasks that wait for one operation. Their owners take turns: an owner with a thousand tasks delays one with a single
 * task by one task. Within an owner it is first come, first served.
 *
 *     turns ──▶ │ owner A │ ──▶ │ owner B │ ──▶ (A again, if it has more)
 *                 a1 a2 a3        b1
 *
 * An owner that has as many threads as it may is passed over, and so is one whose turn it is not yet.
 *
 * Invariant: an owner has a place among the turns exactly while tasks of it wait. All methods touch a bounded number of
 * links, however many tasks and owners there are.
 */

export interface OwnedItem extends ListLinks {
  readonly owner: object | undefined;
  /** See `ThreadQuota`; the same for all items of an owner. */
  readonly quota?: ThreadQuota | undefined;
}

/** Owners that are passed over at once, at the most. */
const looksMax = 64;

/** The owner of all tasks that name none. */
export const nobody: object = {};

class OwnerTasks<Item extends OwnedItem> implements ListLinks {
  previous: ListLinks | undefined = undefined;
  next: ListLinks | undefined = undefined;
  readonly owner: object;
  readonly quota: ThreadQuota | undefined;
  readonly tasks = new WaitingList<Item>();

  constructor({ owner, quota }: OwnedItem) {
    this.owner = owner ?? nobody;
    this.quota = quota;
  }

  /** May it have one more thread? */
  get hasRoom(): boolean {
    return this.quota === undefined || this.quota.threadsBusy < this.quota.threadsMax;
  }
}

export class FairQueue<Item extends OwnedItem> {
  readonly #turns = new WaitingList<OwnerTasks<Item>>();
  readonly #byOwner = new Map<object, OwnerTasks<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** How many tasks of this owner wait. */
  sizeOf(owner: object | undefined): number {
    return this.#byOwner.get(owner ?? nobody)?.tasks.size ?? 0;
  }

  /** Adds after the owner's other tasks. */
  push(item: Item): void {
    const known = this.#byOwner.get(item.owner ?? nobody);
    const own = known ?? this.#admit(item);
    if (known === undefined) this.#turns.push(own);
    own.tasks.push(item);
    this.#size += 1;
  }

  /** Adds as the very next: for a task that had its turn already and lost it through no fault of its own. */
  unshift(item: Item): void {
    const known = this.#byOwner.get(item.owner ?? nobody);
    if (known !== undefined) this.#turns.remove(known);
    const own = known ?? this.#admit(item);
    this.#turns.unshift(own);
    own.tasks.unshift(item);
    this.#size += 1;
  }

  /** Takes the next, whether it may run or not; `undefined` where none waits. */
  shift(): Item | undefined {
    return this.#takeFrom(this.#turns.first);
  }

  /**
   * Takes the next that may run now, or `undefined` where none is found. Those that are passed over go to the end.
   * @param isHeld is it not this owner's turn yet?
   */
  shiftNext(isHeld: (owner: object) => boolean = () => false): Item | undefined {
    for (let looks = Math.min(looksMax, this.#turns.size); looks > 0; looks -= 1) {
      const own = this.#turns.first!;
      if (own.hasRoom && !isHeld(own.owner)) return this.#takeFrom(own);
      this.#turns.remove(own);
      this.#turns.push(own);
    }
    return undefined;
  }

  #takeFrom(own: OwnerTasks<Item> | undefined): Item | undefined {
    if (own === undefined) return undefined;
    this.#turns.remove(own);
    const item = own.tasks.shift()!;
    this.#size -= 1;
    if (own.tasks.size > 0) this.#turns.push(own);
    else this.#byOwner.delete(own.owner);
    return item;
  }

  /** Takes an item out, wherever it is. It must be in this queue. */
  remove(item: Item): void {
    const own = this.#byOwner.get(item.owner ?? nobody)!;
    own.tasks.remove(item);
    this.#size -= 1;
    if (own.tasks.size > 0) return;
    this.#turns.remove(own);
    this.#byOwner.delete(own.owner);
  }

  #admit(item: Item): OwnerTasks<Item> {
    const own = new OwnerTasks<Item>(item);
    this.#byOwner.set(own.owner, own);
    return own;
  }
}
