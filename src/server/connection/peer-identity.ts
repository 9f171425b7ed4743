import type { Access } from '../access/access.js';
import type { Identity } from '../access/identity.js';

/** How long a new connection has to say who it is, where it must. */
export const authMs = 5000;

/** Whose a connection is. Invariant: the access counts the connection for exactly the identity that it has. */
export class PeerIdentity {
  readonly #access: Access;
  #current: Identity | undefined;

  /** @param name in the peer's certificate, or what a trusted balancer has told */
  constructor(access: Access, name: string | undefined) {
    this.#access = access;
    this.become(access.arrives(name));
  }

  get current(): Identity | undefined {
    return this.#current;
  }

  become(identity: Identity | undefined): void {
    if (this.#current !== undefined) this.#access.connected(this.#current, -1);
    if (identity !== undefined) this.#access.connected(identity, 1);
    this.#current = identity;
  }

  /** Has the peer not said who it is, and had its time to? */
  isLateStranger(openedAtMs: number, nowMs: number): boolean {
    return this.#access.isStranger(this.#current) && nowMs - openedAtMs > authMs;
  }
}
