/**
 * The share of the event loop that one connection may take before the others have their turn. libuv reads a socket that
 * is always readable up to 32 times in a row, and what one read brings may be thousands of requests: without a bound, a
 * peer that floods holds all others up for seconds.
 *
 * What counts is time without a break: reads of one connection that follow each other closely are of one turn. Those that
 * have used up their share go on in turns, those of each address or identity together, for a millisecond in each
 * turn of the loop. So a crowd that floods shares what one peer alone would have, and a crowd from one address has no more
 * than one client from another.
 *
 * The connections of one identity have a share together as well, in each turn of the loop, as long as somebody else works
 * too: fifty that flood take no more from him than one. It is short, since who waits for each
 * reply before he sends the next request gets one done in each turn, however little of it he needs.
 *
 * A crowd that sends much: a turn of the loop reads every socket that has something, so a thousand uploads that come at
 * once would be one turn of a second. After a few long reads in a turn the others are short, and whoever made one waits
 * for his next: a few go on in each turn.
 */
import type { Identity } from '../access/identity.js';
import type { ReadTarget } from '../channel/channel.js';

/** Several reads of large frames fit in, and so does what any ordinary client sends at once. */
const shareMsDefault = 1;
/** What an identity has in a turn of the loop in which it is not alone. */
const identityShareMs = 0.05;
/** It counts as alone when nobody else has worked for so many turns: a round trip to a client takes some. */
const mixedTurns = 8;
/** A longer gap between two reads of a connection: the loop has turned meanwhile, or waited. */
const gapMs = 0.5;
/** What those that have used up their shares have together in a turn of the loop. */
const turnMs = 1;
/** A read that brings so many bytes is a long one. */
export const longReadBytes = 16 * 1024;
/** Readers with a long read in a turn of the loop, after which there is a crowd. */
const crowdReaders = 16;
/** So many of a crowd go on to read in each turn. */
const readersOfTurn = 4;
/** What each of a crowd has before the others have their turn. */
const crowdShareMs = 0.05;

/** Goes on with what waits. Answers whether the next turn of the loop may bring a read for it. */
export type GoOn = () => boolean;

/** Whose turn it is: an identity's, or that of the address of those who have none. */
export type Owner = Identity | string;

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
  readonly #waiting = new Map<Owner, Set<GoOn>>();
  readonly #shareMs: number;
  readonly #identityShareMs: number;
  #isScheduled = false;
  /** Who made a long read in this turn of the loop. */
  #longReaders = 0;
  /** Whose was the last. */
  #longReader: object | undefined;
  /** Is what the reader works on that entered last of a long one? */
  #isLong = false;

  constructor(shareMs = shareMsDefault) {
    this.#shareMs = shareMs;
    this.#identityShareMs = Math.max(identityShareMs, shareMs / 20);
  }

  /** Has this turn of the loop brought so much that the next reads are to be short? */
  get isCrowded(): boolean {
    return this.#longReaders > crowdReaders;
  }

  /** A place for a read, of which a crowd is given only the start. */
  shorten(target: ReadTarget | undefined): ReadTarget | undefined {
    if (target === undefined || target.bytes.length <= longReadBytes || !this.isCrowded) return target;
    return { bytes: target.bytes.subarray(0, longReadBytes), release: target.release };
  }

  /** Is the reader that entered last one of many that send much? */
  get isInCrowd(): boolean {
    return this.#isLong && this.isCrowded;
  }

  /** A reader begins to work on so many bytes. @param identity whose it is */
  enter(reader: object, nowMs: number, bytes: number, identity?: Identity): void {
    this.#isLong = bytes >= longReadBytes;
    if (this.#isLong) this.#countLongRead(reader);
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
    if (nowMs - this.#startedMs > (this.isInCrowd ? crowdShareMs : this.#shareMs)) return true;
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

  /** The turn of a reader is over; `goOn` is called in a later turn of the loop. */
  yield(owner: Owner, goOn: GoOn): void {
    this.#reader = undefined;
    const own = this.#waiting.get(owner);
    if (own !== undefined) own.add(goOn);
    else this.#waiting.set(owner, new Set([goOn]));
    this.#schedule();
  }

  /** Several reads in a row are one: the records of TLS come one by one. */
  #countLongRead(reader: object): void {
    if (reader === this.#longReader) return;
    this.#longReader = reader;
    if (this.#longReaders++ > 0) return;
    setImmediate(() => {
      this.#longReaders = 0;
      this.#longReader = undefined;
    });
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
    let readers = 0;
    // Those that yield again are added at the end, for another turn.
    for (let left = this.#waiting.size; left > 0; left--) {
      const leftMs = turnMs - (performance.now() - startMs);
      const [first] = this.#waiting;
      if (first === undefined || leftMs <= 0 || readers >= readersOfTurn) return;
      const [owner, own] = first;
      this.#waiting.delete(owner);
      const isShort = typeof owner !== 'string' && this.#isMixed;
      const shareMs = isShort ? this.#identityShareMs : leftMs / left;
      readers += this.#runOwner(owner, own, shareMs, Math.ceil((readersOfTurn - readers) / left));
    }
  }

  /**
   * Lets an owner's connections go on until his share is used up; the others come first in his next turn.
   * @returns how many of them may read in the next turn, `readersMax` at the most
   */
  #runOwner(owner: Owner, own: Set<GoOn>, shareMs: number, readersMax: number): number {
    const startMs = performance.now();
    let left = own.size;
    let readers = 0;
    for (const goOn of own) {
      own.delete(goOn);
      if (goOn()) readers++;
      if (--left === 0 || readers === readersMax || performance.now() - startMs > shareMs) break;
    }
    if (own.size === 0) return readers;
    const again = this.#waiting.get(owner);
    for (const goOn of again ?? []) own.add(goOn);
    this.#waiting.set(owner, own);
    return readers;
  }
}
