/**
 * The share of the event loop that one connection may take before the others have their turn. libuv reads a socket that
 * is always readable up to 32 times in a row, and what one read brings may be thousands of requests: without a bound, a
 * peer that floods holds all others up for seconds.
 *
 * What counts is time without a break: reads of one connection that follow each other closely are of one turn. Those that
 * have used up their share go on one after the other, as many in each turn of the loop as fit into a few milliseconds. So
 * a crowd that floods shares what one peer alone would have.
 *
 * The connections of one identity have a share together as well, in each turn of the loop, as long as somebody else works
 * too: fifty that flood take no more from him than one. It is short, since who waits for each
 * reply before he sends the next request gets one done in each turn, however little of it he needs.
 */
import type { Identity } from '../access/identity.js';

/** Several reads of large frames fit in, and so does what any ordinary client sends at once. */
const shareMsDefault = 1;
/** What an identity has in a turn of the loop in which it is not alone. */
const identityShareMs = 0.05;
/** It counts as alone when nobody else has worked for so many turns: a round trip to a client takes some. */
const mixedTurns = 8;
/** A longer gap between two reads of a connection: the loop has turned meanwhile, or waited. */
const gapMs = 0.5;
/** What those that have used up their shares have together in a turn of the loop. */
const turnMs = 5;

/** What an identity has had in the turn of the loop that it was in last. */
interface Account {
  turn: number;
  usedMs: number;
}

export class LoopShare {
  #reader: object | undefined;
  /** Whoever worked last: an identity, or a connection without one. */
  #owner: object | undefined;
  /** Of the owner that works, if it is an identity. */
  #account: Account | undefined;
  readonly #accounts = new WeakMap<Identity, Account>();
  /** Turns of the loop, counted while identities work and are not alone. */
  #turn = 0;
  #isCounting = false;
  /** The last turn in which the owner changed. */
  #mixedTurn = Number.NEGATIVE_INFINITY;
  #enteredMs = 0;
  #startedMs = 0;
  #leftMs = 0;
  /** What goes on in the next turns, by its owner. */
  readonly #waiting = new Map<object, Set<() => void>>();
  readonly #shareMs: number;
  readonly #identityShareMs: number;
  #isScheduled = false;

  constructor(shareMs = shareMsDefault) {
    this.#shareMs = shareMs;
    this.#identityShareMs = Math.max(identityShareMs, shareMs / 20);
  }

  /** A reader begins to work. @param identity whose it is */
  enter(reader: object, nowMs: number, identity?: Identity): void {
    const owner = identity ?? reader;
    if (owner !== this.#owner) {
      this.#owner = owner;
      this.#mixedTurn = this.#turn;
    }
    this.#account = identity !== undefined && this.#isMixed ? this.#accountOf(identity) : undefined;
    this.#enteredMs = nowMs;
    if (reader === this.#reader && nowMs - this.#leftMs < gapMs) return;
    this.#reader = reader;
    this.#startedMs = nowMs;
  }

  /** Has the reader that entered last used up its share, or that of its identity? */
  get isUsedUp(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#startedMs > this.#shareMs) return true;
    if (this.#account === undefined) return false;
    return this.#account.usedMs + nowMs - this.#enteredMs > this.#identityShareMs;
  }

  get #isMixed(): boolean {
    return this.#turn - this.#mixedTurn <= mixedTurns;
  }

  leave(): void {
    this.#leftMs = performance.now();
    if (this.#account !== undefined) this.#account.usedMs += this.#leftMs - this.#enteredMs;
  }

  /** The turn of a reader is over; `goOn` is called in a later turn of the loop. @param owner as `enter` has him */
  yield(owner: object, goOn: () => void): void {
    this.#reader = undefined;
    const own = this.#waiting.get(owner);
    if (own !== undefined) own.add(goOn);
    else this.#waiting.set(owner, new Set([goOn]));
    this.#schedule();
  }

  #accountOf(identity: Identity): Account {
    if (!this.#isCounting) {
      this.#isCounting = true;
      setImmediate(() => {
        this.#isCounting = false;
        this.#turn++;
      });
    }
    let account = this.#accounts.get(identity);
    if (account === undefined) {
      account = { turn: this.#turn, usedMs: 0 };
      this.#accounts.set(identity, account);
    } else if (account.turn !== this.#turn) {
      account.turn = this.#turn;
      account.usedMs = 0;
    }
    return account;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#runWaiting();
      this.#schedule();
    });
  }

  #runWaiting(): void {
    const startMs = performance.now();
    // Those that yield again are added at the end, for another turn.
    let left = this.#waiting.size;
    for (const [owner, own] of this.#waiting) {
      if (left-- === 0 || performance.now() - startMs > turnMs) return;
      this.#waiting.delete(owner);
      this.#runOwner(owner, own);
    }
  }

  /** Lets an owner's connections go on until his share is used up; the others come first in his next turn. */
  #runOwner(owner: object, own: Set<() => void>): void {
    const startMs = performance.now();
    const shareMs = this.#isMixed ? this.#identityShareMs : turnMs;
    let left = own.size;
    for (const goOn of own) {
      own.delete(goOn);
      goOn();
      if (--left === 0 || performance.now() - startMs > shareMs) break;
    }
    if (own.size === 0) return;
    const again = this.#waiting.get(owner);
    for (const goOn of again ?? []) own.add(goOn);
    this.#waiting.set(owner, own);
  }
}
