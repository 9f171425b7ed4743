/**
 * The bytes that the whole server may hold for requests that are not done: unfinished frames, waiting tasks, and replies
 * that peers have not read. Each owner, such as a connection, takes through a share of its own.
 *
 * Invariants: `held` is the sum of what the shares hold, and whoever took gives back exactly what it took. A share gets
 * more only while it holds no more than `shareFactor` times what is left for all (the dynamic thresholds of Choudhury and
 * Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998): one owner can have most of the budget
 * while it is alone. The same holds for all shares of one address together: a crowd from there leaves room to others.
 * The last part of the budget is for owners that hold little, so that a crowd that takes much does not
 * shut small requests out. Beside that, a bound of its own may be set for each share (`--max-connection-bytes`).
 */
import { LocalTally, type Tally } from './tally.js';

const shareFactor = 8;
const reserve = 1 / 16;
/** A small request, with the objects that it needs. */
const littleBytes = 4 * 1024;

export class ByteBudget {
  readonly max: number;
  /** Bytes that one share may hold, whatever is left. */
  readonly shareMax: number;
  /** Called after more is held: whoever keeps memory to use it again lets go of what has no room beside it. */
  onGrowth: () => void = () => {};
  readonly #held: Tally;
  readonly #leftOut: Tally;
  readonly #groups = new Map<string, Group>();

  /**
   * @param max bytes
   * @param shareMax bytes for each share
   * @param held counts for all I/O threads
   * @param leftOut the same, of what is left out
   */
  constructor(
    max: number,
    shareMax = Number.POSITIVE_INFINITY,
    held: Tally = new LocalTally(),
    leftOut: Tally = new LocalTally(),
  ) {
    this.max = max;
    this.shareMax = shareMax;
    this.#held = held;
    this.#leftOut = leftOut;
  }

  get held(): number {
    return this.#held.value;
  }

  /** Is so little left that whoever stalls should give back what it holds? */
  get isTight(): boolean {
    return this.left < this.max / shareFactor;
  }

  /** The part of it that is left, 0 to 1. */
  get leftRatio(): number {
    return Math.max(0, this.left / this.max);
  }

  /** What is neither held nor left out; below 0 where more had to be taken. */
  get left(): number {
    return this.max - this.#held.value - this.#leftOut.value;
  }

  /** @param address whose other shares count with it, until `leave` */
  share(address?: string): BudgetShare {
    return new BudgetShare(this, address === undefined ? undefined : this.#join(address));
  }

  /** Memory that nobody holds, and that cannot be given up for now: so many bytes more are not there to be taken. */
  leaveOut(bytes: number): void {
    this.#leftOut.add(bytes);
  }

  #join(address: string): Group {
    let group = this.#groups.get(address);
    if (group === undefined) {
      group = { address, held: 0, members: 0 };
      this.#groups.set(address, group);
    }
    group.members++;
    return group;
  }

  /** For shares only. */
  leaveGroup(group: Group): void {
    group.members--;
    if (group.members === 0) this.#groups.delete(group.address);
  }

  /** For shares only. */
  add(bytes: number): void {
    this.#held.add(bytes);
    if (bytes > 0) this.onGrowth();
  }

  /** For shares only: adds where `held` is still what was `seen`. */
  addTo(seen: number, bytes: number): boolean {
    if (!this.#held.addTo(seen, bytes)) return false;
    this.onGrowth();
    return true;
  }
}

/** The shares of one address. */
interface Group {
  readonly address: string;
  held: number;
  members: number;
}

export class BudgetShare {
  readonly #budget: ByteBudget;
  readonly #group: Group | undefined;
  #held = 0;
  #isOverOwn = false;

  constructor(budget: ByteBudget, group: Group | undefined) {
    this.#budget = budget;
    this.#group = group;
  }

  /** Its owner is gone. What it holds still is given back later. */
  leave(): void {
    if (this.#group !== undefined) this.#budget.leaveGroup(this.#group);
  }

  get held(): number {
    return this.#held;
  }

  /** The part of the whole budget that is left, 0 to 1. */
  get leftRatio(): number {
    return this.#budget.leftRatio;
  }

  /** Why there was no room, the last time that `take` or `mayTake` answered so. */
  get refusal(): Full {
    return this.#isOverOwn ? connectionIsFull : serverIsFull;
  }

  /** Takes `bytes` if they are left for this owner; false, and nothing taken, where they are not. */
  take(bytes: number): boolean {
    if (bytes <= 0) {
      this.force(bytes);
      return true;
    }
    let seen = this.#budget.held;
    while (this.mayTake(bytes)) {
      if (this.#budget.addTo(seen, bytes)) {
        this.#count(bytes);
        return true;
      }
      seen = this.#budget.held;
    }
    return false;
  }

  /** Are `bytes` left for this owner? */
  mayTake(bytes: number): boolean {
    const may = bytes <= 0 || this.#mayHold(this.#held + bytes, bytes);
    if (!may) this.#isOverOwn = this.#held + bytes > this.#budget.shareMax;
    return may;
  }

  /** Takes `bytes` that are there already and cannot be refused: the owner must then stop making more. */
  force(bytes: number): void {
    this.#count(bytes);
    this.#budget.add(bytes);
  }

  give(bytes: number): void {
    this.force(-bytes);
  }

  #mayHold(bytes: number, taken: number): boolean {
    const { max, shareMax } = this.#budget;
    const left = this.#budget.left - taken;
    if (bytes > shareMax || bytes > shareFactor * left) return false;
    if (bytes <= littleBytes) return true;
    return left >= reserve * max && (this.#group?.held ?? 0) + taken <= shareFactor * left;
  }

  #count(bytes: number): void {
    this.#held += bytes;
    if (this.#group !== undefined) this.#group.held += bytes;
  }
}

/** What whoever finds nothing left is told, and the name of the limit in the metrics. */
interface Full {
  readonly limit: 'held_bytes' | 'connection_bytes';
  readonly message: string;
}

const serverIsFull: Full = {
  limit: 'held_bytes',
  message: 'the server holds as many bytes of unfinished requests as it may (--max-held-bytes); try again later',
};

const connectionIsFull: Full = {
  limit: 'connection_bytes',
  message: 'this connection holds as many bytes as it may (--max-connection-bytes): read replies, or send less at once',
};
