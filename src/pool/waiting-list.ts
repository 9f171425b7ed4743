/**
 * Tasks that wait, first come first served: a doubly linked list whose links are in the items themselves.
 *
 *          ┌────────────────────────────────────────────────┐
 *          ▼                                                │
 *     ┌─ anchor ─┐ next  ┌─ item ──┐ next  ┌─ item ──┐ next │
 *     │          │ ────▶ │ oldest  │ ────▶ │ newest  │ ─────┘
 *     └──────────┘ ◀──── └─────────┘ ◀──── └─────────┘
 *          previous
 *
 * `push`, `unshift`, `shift` and `remove` each touch two neighbours, whatever the length: a cancelled task leaves from the
 * middle of ten thousand as quickly as the oldest leaves from the front, and nothing is allocated.
 *
 * Invariant: an item is in at most one list, and its links are set exactly while it does. Following `next` from the
 * anchor passes `size` items and comes back to it.
 */

export interface ListLinks {
  previous: ListLinks | undefined;
  next: ListLinks | undefined;
}

export class WaitingList<Item extends ListLinks> {
  readonly #anchor: ListLinks = { previous: undefined, next: undefined };
  #size = 0;

  constructor() {
    this.#anchor.previous = this.#anchor;
    this.#anchor.next = this.#anchor;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds at the end. The item must not be in any list. */
  push(item: Item): void {
    this.#link(item, this.#anchor.previous!, this.#anchor);
  }

  /** Adds at the front: for a task that had its turn already and lost it through no fault of its own. */
  unshift(item: Item): void {
    this.#link(item, this.#anchor, this.#anchor.next!);
  }

  /** The oldest, which stays; `undefined` in an empty list. */
  get first(): Item | undefined {
    const first = this.#anchor.next!;
    return first === this.#anchor ? undefined : (first as Item);
  }

  /** From the oldest to the newest. The list must not change meanwhile. */
  *[Symbol.iterator](): Generator<Item> {
    for (let item = this.#anchor.next!; item !== this.#anchor; item = item.next!) yield item as Item;
  }

  /** Takes the oldest, or `undefined` from an empty list. */
  shift(): Item | undefined {
    const first = this.#anchor.next!;
    if (first === this.#anchor) return undefined;
    this.remove(first as Item);
    return first as Item;
  }

  /** Takes an item out, wherever it is. It must be in this list. */
  remove(item: Item): void {
    item.previous!.next = item.next;
    item.next!.previous = item.previous;
    item.previous = undefined;
    item.next = undefined;
    this.#size -= 1;
  }

  #link(item: Item, previous: ListLinks, next: ListLinks): void {
    if (item.next !== undefined) throw new Error('a task that waits already was queued again');
    item.previous = previous;
    item.next = next;
    previous.next = item;
    next.previous = item;
    this.#size += 1;
  }
}
