/**
 * The connections of a client: the one that new calls go to, the next one while it is being made, and those that only
 * wait for their last replies.
 *
 *     none ──first──▶ current ──its server drains──▶ current and next ──next has answered──▶ next is current, the old retired
 *       ▲                │                                                     │
 *       │                └──lost──▶ next, after a delay ◀──lost────────────────┘
 *       └── no attempt is left
 *
 * The first one counts as soon as it is open. Each later one has to answer a `$ping` first: that a balancer has taken it
 * shows nothing. While the next one cannot be had, the current one stays in use, if it is there, for as long as it takes.
 *
 * A connection that was given up for its silence stays open for a while: a balancer that counts connections would find its
 * server the emptiest as soon as it is closed, and send the next one there again.
 *
 * A connection whose places are held by calls that nobody waits for any more is renewed, and retired at once. At most a few
 * are retired at the same time; the oldest of more is ended.
 */
import { ProtocolError } from '../errors.js';
import { backoffMs } from './backoff.js';
import type { Call } from './call.js';
import { Connection } from './connection.js';
import type { ClientSettings } from './options.js';
import { patientTimer } from './patient-timer.js';
import type { OpenTransport } from './transport.js';

export interface ConnectionsOwner {
  /** There is a connection to send over. */
  connected(): void;
  /** There is none; the next attempt comes in so many milliseconds. */
  reconnecting(error: ProtocolError, retryInMs: number): void;
  /** There is none, and none will be made. */
  gone(error: ProtocolError): void;
  /** Is another connection wanted, after this one or for it? */
  wantsAnother(): boolean;
  /** There may be room for another call. */
  available(): void;
  /** A call in flight was given up by its caller, or ran out of time. */
  abandoned(): void;
  /** See `ConnectionOwner.repeats`. */
  repeats(call: Call, why: 'refused' | 'lost'): boolean;
  /** A retired connection has ended. */
  retiredEnded(): void;
}

/** How long a first connection must be open to count as good where no reply came; longer where reconnecting takes longer. */
const provenAfterMsMin = 1000;

/** Connections at once that are no longer used for new calls and still have calls in flight. */
const retiredMax = 4;

/** Silent connections that are kept open at once, and how long each: until the clients beside this one have gone elsewhere, too. */
const silentMax = 8;
const silentKeptMs = 30_000;

export class Connections {
  readonly #openTransport: OpenTransport;
  readonly #settings: ClientSettings;
  readonly #owner: ConnectionsOwner;
  #current: Connection | undefined;
  #next: Connection | undefined;
  /** In the order in which they were retired. */
  readonly #retired = new Set<Connection>();
  /** Each closes a silent connection; the oldest comes first. */
  readonly #silent = new Set<() => void>();
  /** Was there ever one? The first attempt is not repeated. */
  #hadOne = false;
  #isStopped = false;
  /** Attempts since a connection last proved good, by a reply or by being open for a while. */
  #attempts = 0;
  #stopProvenTimer: (() => void) | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(openTransport: OpenTransport, settings: ClientSettings, owner: ConnectionsOwner) {
    this.#openTransport = openTransport;
    this.#settings = settings;
    this.#owner = owner;
  }

  /** The one that new calls go to, if there is one. */
  get current(): Connection | undefined {
    return this.#current;
  }

  get inFlight(): number {
    let count = this.#current?.inFlight ?? 0;
    for (const { inFlight } of this.#retired) count += inFlight;
    return count;
  }

  get hasRetired(): boolean {
    return this.#retired.size > 0;
  }

  /** Begins the first attempt. */
  open(): void {
    this.#open((connection) => this.#use(connection));
  }

  /** Asks the server to stop a call that is in flight on any of them. */
  cancel(call: Call): void {
    for (const connection of [this.#current, ...this.#retired]) connection?.cancel(call);
  }

  /** Makes no more connections, and ends the one in use at once; those that are retired go on. */
  stop(message: string): void {
    this.#isStopped = true;
    this.#clearTimers();
    this.#letSilentGo();
    this.#next?.destroy(message);
    this.#current?.destroy(message);
  }

  /** Ends all of them at once. */
  destroy(message: string): void {
    for (const connection of this.#retired) connection.destroy(message);
    this.stop(message);
  }

  #open(opened: (connection: Connection) => void): void {
    const connection = new Connection(this.#openTransport, this.#settings, {
      opened: () => {
        // Where no other connection may be made, there is nothing to be told.
        if (this.#settings.reconnect !== undefined) connection.askDraining();
        opened(connection);
      },
      proven: () => {
        this.#attempts = 0;
        this.#use(connection);
      },
      available: (answered) => {
        // That it opened does not show that a connection is good: some accept and close at once.
        if (answered) this.#attempts = 0;
        this.#owner.available();
      },
      abandoned: () => this.#owner.abandoned(),
      worn: () => this.#renew(connection),
      leaving: () => this.#leave(connection),
      silent: (letGo) => this.#keepSilent(connection, letGo),
      repeats: (call, why) => this.#owner.repeats(call, why),
      lost: (error) => this.#lost(connection, error),
    });
    this.#next = connection;
  }

  /** New calls go to this connection from now on. */
  #use(connection: Connection): void {
    if (this.#next !== connection) return;
    this.#next = undefined;
    this.#stopProvenTimer?.();
    if (!this.#hadOne) this.#expectProof();
    this.#hadOne = true;
    const old = this.#current;
    this.#current = connection;
    if (old !== undefined) {
      this.#retire(old);
      old.leave();
    }
    this.#owner.connected();
  }

  /** Forgets earlier attempts once the first connection has been open for a while, as far as the socket tells. */
  #expectProof(): void {
    const { reconnect } = this.#settings;
    if (reconnect === undefined) return;
    this.#stopProvenTimer = patientTimer(Math.max(reconnect.delayMaxMs, provenAfterMsMin), () => {
      this.#attempts = 0;
    });
  }

  /** The server of this connection drains. */
  #leave(connection: Connection): void {
    if (connection === this.#next) connection.destroy('The server that answered drains too.');
    const isUnderWay = this.#next !== undefined || this.#retryTimer !== undefined;
    if (connection !== this.#current || isUnderWay || !this.#mayOpen) return;
    this.#openNext();
  }

  #openNext(): void {
    this.#open((next) => next.prove());
  }

  /** Calls that nobody waits for hold the places of this connection, so new calls need another one. */
  #renew(connection: Connection): void {
    if (this.#current !== connection || !this.#owner.wantsAnother()) return;
    const message = 'The connection is renewed: calls that were given up and not answered hold half of its places.';
    if (this.#settings.reconnect === undefined) {
      connection.destroy(message);
      return;
    }
    this.#retire(connection);
    this.#lostCurrent(new ProtocolError('CONNECTION_LOST', message));
    connection.retire();
  }

  #retire(connection: Connection): void {
    this.#retired.add(connection);
    const [oldest] = this.#retired;
    if (this.#retired.size > retiredMax) oldest!.destroy('The connection was given up: it answers too little.');
  }

  #keepSilent(connection: Connection, letGo: () => void): void {
    if (this.#retired.has(connection) || !this.#mayOpen) {
      letGo();
      return;
    }
    const end = () => {
      if (!this.#silent.delete(end)) return;
      stopTimer();
      letGo();
    };
    const stopTimer = patientTimer(silentKeptMs, end);
    this.#silent.add(end);
    if (this.#silent.size > silentMax) for (const oldest of [...this.#silent].slice(0, -silentMax)) oldest();
  }

  #letSilentGo(): void {
    for (const end of [...this.#silent]) end();
  }

  #lost(connection: Connection, error: ProtocolError): void {
    if (this.#retired.delete(connection)) this.#owner.retiredEnded();
    else if (connection === this.#current) this.#lostCurrent(error);
    else {
      this.#next = undefined;
      this.#tryAgain(error);
    }
  }

  #lostCurrent(error: ProtocolError): void {
    this.#current = undefined;
    this.#clearTimers();
    if (this.#next === undefined) {
      this.#tryAgain(error);
      return;
    }
    // Attempts to leave a server that was still there do not count.
    this.#attempts = 0;
    if (this.#mayOpen) this.#owner.reconnecting(error, 0);
    else this.#next.destroy(error.message);
  }

  #tryAgain(error: ProtocolError): void {
    const { reconnect } = this.#settings;
    // Who is not let in is not let in a moment later either.
    const isRefused = error.code === 'UNAUTHENTICATED';
    const isLast = this.#current === undefined && this.#attempts >= (reconnect?.attemptsMax ?? 0);
    if (reconnect === undefined || isLast || isRefused || !this.#hadOne || !this.#mayOpen) {
      this.#letSilentGo();
      if (this.#current === undefined) this.#owner.gone(error);
      return;
    }
    const delayMs = backoffMs(this.#attempts, reconnect, Math.random());
    this.#attempts++;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      this.#openNext();
    }, delayMs);
    if (this.#current === undefined) this.#owner.reconnecting(error, delayMs);
  }

  get #mayOpen(): boolean {
    return !this.#isStopped && this.#settings.reconnect !== undefined && this.#owner.wantsAnother();
  }

  #clearTimers(): void {
    this.#stopProvenTimer?.();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
  }
}
