/**
 * Who may come in, and as whom. Knows the file of tokens, takes its changes up while the server runs, and tells who loses
 * their rights.
 *
 *     a token ──SHA-256──▶ look-up ──▶ Identity          a certificate's name ──▶ Identity
 *                             └──wrong──▶ a delay that grows, for the address
 *
 * Timing: what is looked up is the SHA-256 of what was sent. Who does not know a token cannot choose the digest that is
 * compared, so how long the look-up takes tells nothing about those that are there; the digest that is found is compared
 * once more, in constant time.
 *
 * Invariants: the entries in force are those of one whole file that was right. An identity that is not in it any more, or
 * has another token there, or has expired, is revoked, and all who have it are told within a second of the change.
 */
import { allOperations } from '../../engine/layout.js';
import { ConfigError } from '../../errors.js';
import type { OperationLog } from '../../ops/define-operation.js';
import { toCommonMs } from '../io-threads/common-clock.js';
import { FailureDelays } from './failure-delays.js';
import { SharedFailures } from './failure-records.js';
import { type ClaimCounts, type Denial, Identity } from './identity.js';
import { SharedIdentities } from './shared-identities.js';
import { digestOf, isSameDigest, tokenLengthMax } from './token.js';
import { anonymousName, type IdentityEntry, type TokenFileError } from './token-file.js';
import { fingerprint, readTokenFile } from './token-store.js';

export type AuthMode = 'required' | 'optional' | 'off';

export interface AccessOptions {
  readonly mode: AuthMode;
  /** Absolute path. It need not be there. */
  readonly tokensFile: string;
  /** Threads of users' operations. */
  readonly workers: number;
  readonly log: OperationLog;
  /** Where there are several I/O threads, what they count together. See `newSharedAccess`. */
  readonly shared?: SharedAccess | undefined;
}

/** Memory that is the same in all I/O threads. */
export interface SharedAccess {
  readonly identities: SharedArrayBuffer;
  readonly failures: SharedArrayBuffer;
}

export function newSharedAccess(): SharedAccess {
  const memory = (bytes: number) => new SharedArrayBuffer(bytes);
  return { identities: memory(SharedIdentities.bytes), failures: memory(SharedFailures.bytes) };
}

export type Authentication =
  | { readonly identity: Identity }
  /** Without `delayMs`: the peer is to be cut without an answer. With it `answered` is to be called after the delay. */
  | { readonly identity: undefined; readonly message: string; readonly delayMs: number | undefined };

export interface AccessFigures {
  readonly identities: number;
  readonly authentications: Readonly<Record<'ok' | 'wrong' | 'cut', number>>;
  /** Requests that were refused, by identity and by what it is held to. */
  readonly refused: readonly { readonly identity: string; readonly limit: string; readonly count: number }[];
}

/** How often the file is looked at, and who has expired. */
const lookMs = 1000;

const wrongToken = 'the token is not one that this server knows';
const noCredentials = 'say who you are first: {"op":"$auth","data":{"token":…}}, or over HTTP Authorization: Bearer';

export class Access {
  readonly mode: AuthMode;
  readonly #isRequired: boolean;
  readonly #options: AccessOptions;
  readonly #delays: FailureDelays;
  readonly #claim: ClaimCounts | undefined;
  #byName = new Map<string, Identity>();
  #byDigest = new Map<string, Identity>();
  /** Named by a certificate, without an entry; as long as they are connected. */
  readonly #visitors = new Map<string, Identity>();
  #anonymous: Identity | undefined;
  readonly #revokedListeners: ((identity: Identity) => void)[] = [];
  readonly #authentications = { ok: 0, wrong: 0, cut: 0 };
  #seen = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AccessOptions) {
    this.mode = options.mode;
    this.#isRequired = options.mode === 'required';
    this.#options = options;
    const { shared } = options;
    this.#delays = new FailureDelays(shared && new SharedFailures(shared.failures));
    const identities = shared && new SharedIdentities(shared.identities);
    this.#claim = identities && ((name) => identities.claim(name));
  }

  /** Reads the file, and looks at it now and then from now on. @throws ConfigError where it is wrong */
  open(): void {
    const { mode, tokensFile, log } = this.#options;
    if (mode === 'off') return;
    try {
      this.#seen = fingerprint(tokensFile);
      this.#take(readTokenFile(tokensFile) ?? []);
    } catch (error) {
      throw new ConfigError((error as Error).message, { cause: error });
    }
    if (this.#byDigest.size === 0)
      log.warn({ tokensFile }, 'there is no token yet: `trama token create NAME` makes one');
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Reads the file anew. Where it is wrong, the entries before stay in force and the log says why. */
  reload(): void {
    const { mode, tokensFile, log } = this.#options;
    if (mode === 'off') return;
    this.#seen = fingerprint(tokensFile);
    try {
      const entries = readTokenFile(tokensFile);
      if (entries === undefined) {
        log.warn({ tokensFile }, 'the file of tokens is gone: the tokens that it had stay in force');
        return;
      }
      this.#take(entries);
      log.info({ identities: entries.length }, 'tokens reloaded');
    } catch (error) {
      const { message: reason } = error as TokenFileError;
      log.error({ reason }, 'tokens not reloaded: the old ones stay in force');
    }
  }

  /** Calls the listener with each identity that has lost its rights. */
  onRevoked(listener: (identity: Identity) => void): void {
    this.#revokedListeners.push(listener);
  }

  /** Whom a peer is that has sent nothing yet. @param name in its certificate, or what a trusted proxy has told */
  arrives(name?: string): Identity | undefined {
    const named = name === undefined ? undefined : this.#named(name);
    // Whose time is over is nobody: that must not be more than the anonymous may.
    return named ?? (this.mode === 'optional' ? this.#anonymous : undefined);
  }

  /** The identity of a name, as long as it is known here. */
  known(name: string): Identity | undefined {
    return this.#byName.get(name) ?? this.#visitors.get(name);
  }

  /** Must this peer say first who it is? */
  isStranger(identity: Identity | undefined): boolean {
    return identity === undefined && this.#isRequired;
  }

  /** @param address of the peer, whose failures are counted */
  authenticate(token: string, address: string | undefined): Authentication {
    if (this.mode === 'off') {
      const message = 'this server asks nobody for a token (--auth off): send none, or start it with --auth optional';
      return { identity: undefined, message, delayMs: this.#failed(address) };
    }
    const identity = token.length > tokenLengthMax ? undefined : this.#owner(token);
    if (identity !== undefined) {
      this.#authentications.ok++;
      return { identity };
    }
    return { identity: undefined, message: wrongToken, delayMs: this.#failed(address) };
  }

  /** What `authenticate` has delayed is sent, or nobody is there for it. */
  answered(address: string | undefined): void {
    this.#delays.answered(address);
  }

  /** The engine's operations that may be answered on the spot, as a mask. */
  inlineMask(identity: Identity | undefined, nowMs: number): number {
    if (identity !== undefined) return identity.isRevoked ? 0 : identity.inlineMask(nowMs);
    return this.#isRequired ? 0 : allOperations;
  }

  /** Where requests are answered without a look at who sends them. */
  isFree(identity: Identity | undefined): boolean {
    return identity === undefined ? !this.#isRequired : identity.isFree && !identity.isRevoked;
  }

  /** May this request be answered? Then it counts. See `Identity.admit`. */
  admit(identity: Identity | undefined, op: string | undefined, bytes = 0): Denial | undefined {
    if (identity?.isRevoked) return { code: 'UNAUTHENTICATED', message: 'this identity has no rights any more' };
    if (identity !== undefined) return identity.admit(op, bytes, performance.now());
    return this.#isRequired ? { code: 'UNAUTHENTICATED', message: noCredentials } : undefined;
  }

  /** A peer that `arrives` has named, or that was authenticated, has come or gone. */
  connected(identity: Identity, change: 1 | -1): void {
    const { name, isRevoked } = identity;
    identity.connections += change;
    if (identity.connections === 0 && this.#visitors.get(name) === identity) this.#visitors.delete(name);
    else if (change === 1 && !isRevoked && this.#byName.get(name) !== identity) this.#visitors.set(name, identity);
  }

  figures(): AccessFigures {
    const known = [...this.#byName.values(), ...this.#visitors.values()];
    const refused = known.flatMap(({ name, refused }) =>
      Object.entries(refused)
        .filter(([, count]) => count > 0)
        .map(([limit, count]) => ({ identity: name, limit, count })),
    );
    return { identities: this.#byName.size, authentications: { ...this.#authentications }, refused };
  }

  #failed(address: string | undefined): number | undefined {
    const delayMs = this.#delays.failed(address, toCommonMs(performance.now()));
    this.#authentications[delayMs === undefined ? 'cut' : 'wrong']++;
    return delayMs;
  }

  #owner(token: string): Identity | undefined {
    const digest = digestOf(token);
    const found = this.#byDigest.get(digest);
    const isRight = found !== undefined && isSameDigest(found.entry.sha256!, digest);
    return isRight && !found.isExpired(Date.now()) ? found : undefined;
  }

  #named(name: string): Identity | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) return known.isExpired(Date.now()) ? undefined : known;
    return this.#visitors.get(name) ?? new Identity({ name }, this.#options.workers, this.#claim);
  }

  /** Puts the entries in force. Whoever stays who he was keeps his identity, with the limits that are new. */
  #take(entries: readonly IdentityEntry[]): void {
    const { mode, workers } = this.#options;
    const before = this.#byName;
    this.#byName = new Map();
    const all = entries.some(({ name }) => name === anonymousName) ? entries : [...entries, { name: anonymousName }];
    for (const entry of all) {
      if (entry.name === anonymousName && mode !== 'optional') continue;
      const known = before.get(entry.name);
      const isSame = known !== undefined && known.entry.sha256 === entry.sha256 && !known.isRevoked;
      if (isSame) known.apply(entry, workers);
      this.#byName.set(entry.name, isSame ? known : new Identity(entry, workers, this.#claim));
    }
    const withToken = [...this.#byName.values()].filter(({ entry }) => entry.sha256 !== undefined);
    this.#byDigest = new Map(withToken.map((identity) => [identity.entry.sha256!, identity]));
    this.#anonymous = this.#byName.get(anonymousName);
    for (const identity of before.values()) if (this.#byName.get(identity.name) !== identity) this.#revoke(identity);
    // Who came by a certificate without an entry has one now.
    for (const [name, visitor] of this.#visitors) if (this.#byName.has(name)) this.#revoke(visitor);
    this.#revokeExpired();
  }

  #look(): void {
    if (fingerprint(this.#options.tokensFile) !== this.#seen) this.reload();
    else this.#revokeExpired();
  }

  #revokeExpired(): void {
    const now = Date.now();
    for (const identity of this.#byName.values()) {
      if (!identity.isRevoked && identity.isExpired(now)) this.#revoke(identity);
    }
  }

  #revoke(identity: Identity): void {
    identity.revoke();
    this.#visitors.delete(identity.name);
    const { name } = identity;
    if (identity.connections > 0) this.#options.log.info({ identity: name }, 'an identity has lost its rights');
    for (const request of identity.inFlight) request.end('CANCELLED', 'its identity has lost its rights');
    for (const listener of this.#revokedListeners) listener(identity);
  }
}
