/**
 * TLS handshakes, by a budget of loop time: they cost a thousand times what a small request costs, and anybody may ask
 * for one.
 *
 *     greeting ──ClientHello is whole──▶ waiting ──its turn──▶ running ──▶ secure
 *
 * What a peer has to send first is read before its turn: a peer that sends nothing has none. Turns are given in the order
 * of the greetings, as long as the budget has something left, and others are read between two of them. When all places
 * are taken, the peer gives way that has cost least and waited longest; one that has begun a handshake and left it may cost
 * others nothing more.
 *
 * Invariant: each socket is in one of the states, and leaves it by becoming secure, by failing, by its end or at its
 * deadline; it is then held by nothing here.
 */
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { TLSSocket } from 'node:tls';
import type { AcceptStep, Arrival } from '../acceptor.js';
import { nameOf } from './certificate-name.js';
import type { Certificates } from './certificates.js';
import { readHello } from './client-hello.js';
import { HandshakeBudget } from './handshake-budget.js';

/** How each handshake ended. `left`: the peer went away. `refused`: it gave way, since all places were taken. */
export type HandshakeOutcome = 'full' | 'resumed' | 'failed' | 'bad_certificate' | 'left' | 'late' | 'refused';

export interface HandshakeFigures {
  readonly waiting: number;
  readonly outcomes: Readonly<Record<HandshakeOutcome, number>>;
}

/** Sockets on their way at once: as many as have their turn before the deadline, or nearly. */
const placesMaxDefault = 1024;
/** How often the budget is looked at again while it is overdrawn. */
const lookMs = 1;

type State = 'greeting' | 'waiting' | 'running';

interface Place {
  state: State;
  /** Begins the handshake; there is one from `waiting` on. */
  turn?: () => void;
  readonly end: (outcome: HandshakeOutcome) => void;
}

/** Node's own check of the peer's certificate; `tls.Server` asks it in the same way. */
interface TlsHandle {
  verifyError?(): NodeJS.ErrnoException | null | undefined;
}

export class Handshakes {
  readonly #certificates: Certificates;
  readonly #placesMax: number;
  /** Each in the order in which its sockets came into the state. */
  readonly #places: Readonly<Record<State, Set<Place>>> = {
    greeting: new Set(),
    waiting: new Set(),
    running: new Set(),
  };
  readonly #outcomes: Record<HandshakeOutcome, number> = {
    full: 0,
    resumed: 0,
    failed: 0,
    bad_certificate: 0,
    left: 0,
    late: 0,
    refused: 0,
  };
  readonly #budget = new HandshakeBudget();
  /** Is a turn under way, or a look at who waits scheduled? */
  #isSettled = true;

  /** @param placesMax sockets on their way at once */
  constructor(certificates: Certificates, placesMax = placesMaxDefault) {
    this.#certificates = certificates;
    this.#placesMax = placesMax;
  }

  figures(): HandshakeFigures {
    return { waiting: this.#places.waiting.size, outcomes: { ...this.#outcomes } };
  }

  /** Ends those from which nothing has come: they have asked for nothing. */
  endSilent(): void {
    for (const place of this.#places.greeting) place.end('left');
  }

  /** The step of an acceptor: makes a TLS socket of a plain one, of which nothing was read but what it gave back. */
  readonly step: AcceptStep = (arrival, deadlineMs) => {
    return new Promise((resolve, reject) => {
      if (this.#count >= this.#placesMax) this.#makeRoom();
      this.#begin(arrival, deadlineMs, resolve, reject);
    });
  };

  get #count(): number {
    const { greeting, waiting, running } = this.#places;
    return greeting.size + waiting.size + running.size;
  }

  #makeRoom(): void {
    const { greeting, waiting, running } = this.#places;
    const [first] = [greeting, waiting, running].find(({ size }) => size > 0)!;
    first!.end('refused');
  }

  #begin(
    arrival: Arrival,
    deadlineMs: number,
    resolve: (arrival: Arrival | undefined) => void,
    reject: (error: unknown) => void,
  ): void {
    const { socket } = arrival;
    let secure: TLSSocket | undefined;
    let isOver = false;
    const end = (outcome: HandshakeOutcome, through?: Arrival) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.#places[place.state].delete(place);
      this.#outcomes[outcome]++;
      if (secure === undefined) stopReading();
      if (through === undefined) {
        // Whatever it still has to say.
        secure?.on('error', ignore).destroy();
        socket.destroy();
      }
      resolve(through);
    };
    /** A defect costs this connection, and no other its turn. */
    const contain = (action: () => void) => {
      try {
        action();
      } catch (error) {
        reject(error);
        end('failed');
      }
    };
    const place: Place = { state: 'greeting', end };
    const left = () => end('left');
    const timer = setTimeout(() => end('late'), Math.max(0, deadlineMs - performance.now()));
    // An error is followed by the close.
    socket.on('end', left).on('close', left).on('error', ignore);
    this.#places.greeting.add(place);
    const stopReading = readHello(socket, (hello) => {
      if (hello === undefined) return end('failed');
      place.turn = () => {
        stopReading();
        // From here on the TLS socket tells of both.
        socket.off('end', left).off('close', left);
        contain(() => {
          const made = this.#secure(socket, hello);
          secure = made;
          this.#watch(made, end, () => contain(() => this.#finish(made, arrival, end)));
        });
      };
      this.#move(place, 'waiting');
      this.#proceed();
    });
  }

  #move(place: Place, to: State): void {
    this.#places[place.state].delete(place);
    place.state = to;
    this.#places[to].add(place);
  }

  #proceed(): void {
    if (!this.#isSettled) return;
    const [place] = this.#places.waiting;
    if (place === undefined) return;
    this.#isSettled = false;
    if (!this.#budget.hasSome(this.#places.waiting.size)) {
      setTimeout(() => this.#goOn(), lookMs);
      return;
    }
    this.#move(place, 'running');
    const startMs = performance.now();
    place.turn!();
    // The socket works on what it was given in a tick of its own, which comes before this one.
    process.nextTick(() => {
      this.#budget.pay(performance.now() - startMs);
      if (this.#places.waiting.size === 0) this.#isSettled = true;
      else setImmediate(() => this.#goOn());
    });
  }

  #goOn(): void {
    this.#isSettled = true;
    this.#proceed();
  }

  #secure(socket: Socket, hello: Buffer): TLSSocket {
    const { context, clients } = this.#certificates;
    // A TLS socket takes what a plain one has read before it reads on.
    socket.unshift(hello);
    return new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      requestCert: clients !== 'none',
      rejectUnauthorized: clients === 'required',
    });
  }

  #watch(secure: TLSSocket, end: (outcome: HandshakeOutcome) => void, finish: () => void): void {
    const failed = () => end('failed');
    const left = () => end('left');
    // With half-open sockets, a peer that leaves before the end of the handshake would leave its socket standing.
    secure.on('error', failed).on('close', failed).on('end', left);
    secure.once('secure', () => {
      secure.off('error', failed).off('close', failed).off('end', left);
      finish();
    });
  }

  #finish(secure: TLSSocket, arrival: Arrival, end: (outcome: HandshakeOutcome, through?: Arrival) => void): void {
    const identity = this.#identityOf(secure);
    if (identity === false) {
      end('bad_certificate');
      return;
    }
    end(secure.isSessionReused() ? 'resumed' : 'full', {
      socket: secure,
      address: arrival.address,
      // What a trusted proxy has told is the client's; a certificate on such a connection is the proxy's own.
      identity: arrival.identity ?? identity,
    });
  }

  /** The name in the client's certificate; `undefined` where it has none and needs none, false where it is refused. */
  #identityOf(secure: TLSSocket): string | undefined | false {
    const { clients } = this.#certificates;
    if (clients === 'none') return undefined;
    const certificate = secure.getPeerCertificate();
    const hasCertificate = certificate && Object.keys(certificate).length > 0;
    if (!hasCertificate) return clients === 'optional' ? undefined : false;
    const handle = (secure as unknown as { _handle?: TlsHandle | null })._handle;
    // Where a Node does not have it any more, nobody gets in.
    if (typeof handle?.verifyError !== 'function' || handle.verifyError()) return false;
    return nameOf(certificate);
  }
}

function ignore(): void {}
