/**
 * Somebody who may send requests, and what he is held to: operations, requests in flight, rates, threads. All connections
 * and calls of one identity share it, so it is also who takes turns with others. Where there are several I/O threads, each has
 * an object for it, and what it is held to is counted over all of them.
 *
 * Invariant: `inFlight` has each request of it that waits or runs outside the I/O thread, from whatever connection of the
 * thread. `#shared` counts those of all threads, as long as the identity has its rights.
 */
import { allOperations, operationMask } from '../../engine/layout.js';
import type { ThreadQuota } from '../../pool/task.js';
import type { InFlight } from '../requests/peer.js';
import { quote } from '../requests/sentences.js';
import type { SharedCounts } from './shared-identities.js';
import { type Bucket, TokenBucket } from './token-bucket.js';
import { type IdentityEntry, threadsOf } from './token-file.js';

/** Where what an identity takes is counted over all I/O threads; `undefined` where there is no such place. */
export type ClaimCounts = (name: string) => SharedCounts | undefined;

/** What a request was refused for. */
export type HeldTo = 'operations' | 'requests' | 'request_rate' | 'byte_rate';

export interface Denial {
  readonly code: 'UNAUTHENTICATED' | 'FORBIDDEN' | 'OVERLOADED';
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** What every client needs to get along; it is never withheld from an identity. */
const alwaysAllowed: ReadonlySet<string> = new Set(['$ping', '$ops', '$cancel', '$auth', '$draining']);

/** When a request that found all places in flight taken may be tried again. */
const placeRetryMs = 50;

export class Identity {
  readonly name: string;
  readonly #inFlight = new Set<InFlight>();
  /** Its threads among those of users' operations. */
  readonly quota: ThreadQuota;
  readonly refused: Record<HeldTo, number> = { operations: 0, requests: 0, request_rate: 0, byte_rate: 0 };
  /** Connections that have it. */
  connections = 0;
  #entry: IdentityEntry;
  #allowed: ReadonlySet<string> | undefined;
  #mask = allOperations;
  #requests: Bucket | undefined;
  #bytes: Bucket | undefined;
  #isRevoked = false;
  readonly #claim: ClaimCounts;
  #shared: SharedCounts | undefined;

  /**
   * @param workers threads of users' operations that there are
   * @param claim asked once it has limits; gives nothing where there is one I/O thread
   */
  constructor(entry: IdentityEntry, workers: number, claim: ClaimCounts = () => undefined) {
    this.name = entry.name;
    this.quota = { name: entry.name, threadsMax: Number.POSITIVE_INFINITY, threadsBusy: 0 };
    this.#entry = entry;
    this.#claim = claim;
    this.apply(entry, workers);
  }

  get entry(): IdentityEntry {
    return this.#entry;
  }

  /** Takes new limits; a rate that stays as it was keeps its debts. */
  apply(entry: IdentityEntry, workers: number): void {
    const { allow, maxRequests, requestsPerSecond, bytesPerSecond, workerShare } = entry;
    this.#entry = entry;
    this.#allowed = allow === undefined ? undefined : new Set(allow);
    this.#mask = allow === undefined ? allOperations : operationMask([...allow, '$ping']);
    if (maxRequests ?? requestsPerSecond ?? bytesPerSecond) this.#share();
    this.#requests = this.#bucketOf('requests', requestsPerSecond, this.#requests);
    this.#bytes = this.#bucketOf('bytes', bytesPerSecond, this.#bytes);
    this.quota.threadsMax = threadsOf(workerShare, workers) ?? Number.POSITIVE_INFINITY;
  }

  /** Each request of it that waits or runs outside the I/O thread. */
  get inFlight(): ReadonlySet<InFlight> {
    return this.#inFlight;
  }

  began(request: InFlight): void {
    this.#inFlight.add(request);
    this.#shared?.inFlight.add(1);
  }

  ended(request: InFlight): void {
    if (this.#inFlight.delete(request)) this.#shared?.inFlight.add(-1);
  }

  /** It has no rights any more. */
  get isRevoked(): boolean {
    return this.#isRevoked;
  }

  /** Its requests that are in flight still do not count over the threads any more: they are being ended. */
  revoke(): void {
    this.#isRevoked = true;
    this.#shared?.inFlight.add(-this.#inFlight.size);
    this.#shared?.release();
    this.#shared = undefined;
    this.#requests = undefined;
    this.#bytes = undefined;
  }

  isExpired(now: number): boolean {
    const { expires } = this.#entry;
    return expires !== undefined && now >= Date.parse(expires);
  }

  /** May it send anything that the server has, as often as it likes? */
  get isFree(): boolean {
    return this.#mask === allOperations && !this.isMetered && this.#allowed === undefined;
  }

  get isMetered(): boolean {
    return this.#requests !== undefined || this.#bytes !== undefined;
  }

  /** The engine's operations that may be answered for it on the spot, as a mask. */
  inlineMask(nowMs: number): number {
    return this.#emptyBucket(nowMs) === undefined ? this.#mask : 0;
  }

  /** Counts requests that were answered, and bytes that came. */
  charge(requests: number, bytes: number): void {
    this.#requests?.take(requests);
    this.#bytes?.take(bytes);
  }

  /**
   * May it have this request answered? Then the request counts.
   * @param op `undefined` where the bytes that are there do not name it
   * @param bytes of it that have not been counted
   */
  admit(op: string | undefined, bytes: number, nowMs: number): Denial | undefined {
    const refusal = this.#operationRefusal(op) ?? this.#rateRefusal(nowMs);
    if (refusal === undefined) this.charge(1, bytes);
    return refusal;
  }

  /** Are as many of its requests in flight as may be? */
  placeRefusal(): Denial | undefined {
    const { maxRequests } = this.#entry;
    if (maxRequests === undefined || (this.#shared?.inFlight.value ?? this.#inFlight.size) < maxRequests)
      return undefined;
    this.refused.requests++;
    const message = `${maxRequests} requests of ${this.#quoted} are in flight, and no more may be`;
    return { code: 'OVERLOADED', message, retryAfterMs: placeRetryMs };
  }

  /** Counts over all threads from now on, what is in flight already too. */
  #share(): void {
    if (this.#shared !== undefined || this.#isRevoked) return;
    this.#shared = this.#claim(this.name);
    this.#shared?.inFlight.add(this.#inFlight.size);
  }

  #bucketOf(of: 'requests' | 'bytes', perSecond: number | undefined, before: Bucket | undefined): Bucket | undefined {
    if (perSecond === undefined) return undefined;
    if (before?.perSecond === perSecond) return before;
    return this.#shared?.bucket(of, perSecond) ?? new TokenBucket(perSecond, performance.now());
  }

  #operationRefusal(op: string | undefined): Denial | undefined {
    if (this.#allowed === undefined) return undefined;
    if (op !== undefined && (this.#allowed.has(op) || alwaysAllowed.has(op))) return undefined;
    this.refused.operations++;
    const what = op === undefined ? 'send a large body that does not begin with its "op"' : `call ${quote(op)}`;
    return { code: 'FORBIDDEN', message: `${this.#quoted} may not ${what}` };
  }

  #rateRefusal(nowMs: number): Denial | undefined {
    const empty = this.#emptyBucket(nowMs);
    if (empty === undefined) return undefined;
    const what = empty === this.#requests ? 'requests' : 'bytes';
    this.refused[what === 'requests' ? 'request_rate' : 'byte_rate']++;
    const message = `${this.#quoted} may send ${empty.perSecond} ${what} a second, and has`;
    return { code: 'OVERLOADED', message, retryAfterMs: empty.waitMs(nowMs) };
  }

  #emptyBucket(nowMs: number): Bucket | undefined {
    if (this.#requests?.hasSome(nowMs) === false) return this.#requests;
    return this.#bytes?.hasSome(nowMs) === false ? this.#bytes : undefined;
  }

  get #quoted(): string {
    return `the identity ${quote(this.name)}`;
  }
}
