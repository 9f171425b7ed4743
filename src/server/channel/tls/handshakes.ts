/**
 * TLS handshakes, by a budget of loop time: they cost a thousand times what a small request costs, and anybody may ask
 * for one.
 *
 *     greeting ──ClientHello is whole──▶ waiting ──its turn──▶ running ──▶ secure
 *
 * The next handshake begins no earlier than a few times what the last one took after that one began, so connections that
 * are open have the greater part of the loop; or when the loop has stood idle for as long as that one took. What a peer
 * has to send first is read before its turn: a peer that sends nothing has none. When all places are taken, the peer
 * gives way that has cost least and waited longest; one that has begun a handshake and left it may cost others nothing more.
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

/** How each handshake ended. `left`: the peer went away. `refused`: it gave way, since all places were taken. */
export type HandshakeOutcome = 'full' | 'resumed' | 'failed' | 'bad_certificate' | 'left' | 'late' | 'refused';

export interface HandshakeFigures {
  readonly waiting: number;
  readonly outcomes: Readonly<Record<HandshakeOutcome, number>>;
}

/** Sockets on their way at once. Of those that wait the last one has its turn within about a second. */
const placesMaxDefault = 1024;
/** From the begin of a handshake to that of the next, in times of what it took. */
const pauseFactor = 4;
/** What a handshake counts at least: not all that it costs is seen from here. */
const leastMs = 0.25;
/** One that took longer than this was held up by something else. */
const mostMs = 5;
/** How often a loop that is to be left to others is asked whether they want it. */
const lookMs = 1;

const recordHeaderBytes = 5;
const recordBytesMax = 16 * 1024 + 256;
const handshakeRecord = 22;

type State = 'greeting' | 'waiting' | 'running';

interface Place {
  readonly socket: Socket;
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
  /** What each waiting one goes on with. */
  readonly #turns = new Map<Place, () => void>();
  readonly #outcomes: Record<HandshakeOutcome, number> = {
    full: 0,
    resumed: 0,
    failed: 0,
    bad_certificate: 0,
    left: 0,
    late: 0,
    refused: 0,
  };
  #nextAtMs = 0;
  /** With so much idle time of the loop in all, nobody else wants it. */
  #idleEnoughMs = 0;
  #timer: NodeJS.Timeout | undefined;

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
    const settle = (outcome: HandshakeOutcome, through?: Arrival) => {
      clearTimeout(timer);
      for (const places of Object.values(this.#places)) places.delete(place);
      this.#turns.delete(place);
      stopReading();
      socket.off('end', left).off('close', left).off('error', ignore);
      this.#outcomes[outcome]++;
      if (through === undefined) {
        // Whatever it still has to say.
        socket.on('error', ignore);
        secure?.on('error', ignore).destroy();
        socket.destroy();
      }
      resolve(through);
    };
    let isOver = false;
    const end = (outcome: HandshakeOutcome, through?: Arrival) => {
      if (isOver) return;
      isOver = true;
      settle(outcome, through);
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
    const place: Place = { socket, end };
    const left = () => end('left');
    const timer = setTimeout(() => end('late'), Math.max(0, deadlineMs - performance.now()));
    socket.on('end', left).on('close', left).on('error', ignore);
    this.#places.greeting.add(place);
    const stopReading = readHello(socket, (hello) => {
      if (hello === undefined) return end('failed');
      this.#await(place, () => {
        stopReading();
        // From here on the TLS socket tells of both.
        socket.off('end', left).off('close', left);
        contain(() => {
          const made = this.#secure(socket, hello);
          secure = made;
          this.#watch(made, end, () => contain(() => this.#finish(made, arrival, end)));
        });
      });
    });
  }

  #await(place: Place, turn: () => void): void {
    this.#places.greeting.delete(place);
    this.#places.waiting.add(place);
    this.#turns.set(place, turn);
    this.#proceed();
  }

  #proceed(): void {
    if (this.#timer !== undefined) return;
    const [place] = this.#places.waiting;
    if (place === undefined) return;
    const waitMs = this.#nextAtMs - performance.now();
    if (waitMs > 0 && performance.eventLoopUtilization().idle < this.#idleEnoughMs) {
      this.#timer = setTimeout(
        () => {
          this.#timer = undefined;
          this.#proceed();
        },
        Math.min(lookMs, waitMs),
      );
      return;
    }
    const turn = this.#turns.get(place)!;
    this.#places.waiting.delete(place);
    this.#turns.delete(place);
    this.#places.running.add(place);
    const startMs = performance.now();
    // Nobody else begins before this one's time is known.
    this.#nextAtMs = Number.POSITIVE_INFINITY;
    this.#idleEnoughMs = Number.POSITIVE_INFINITY;
    turn();
    // The socket works on what it was given in a tick of its own, which comes before this one.
    process.nextTick(() => {
      const tookMs = Math.min(mostMs, Math.max(leastMs, performance.now() - startMs));
      this.#nextAtMs = startMs + tookMs * pauseFactor;
      this.#idleEnoughMs = performance.eventLoopUtilization().idle + tookMs;
      this.#proceed();
    });
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

/**
 * Reads until the first record is whole. `take` is given its bytes, or nothing where this is no TLS.
 * @returns stops to read
 */
function readHello(socket: Socket, take: (hello: Buffer | undefined) => void): () => void {
  let hello: Buffer | undefined;
  let isTaken = false;
  const look = () => {
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    // Nobody sends more before there is an answer.
    if (isTaken) return void socket.destroy();
    hello = hello === undefined ? bytes : Buffer.concat([hello, bytes]);
    if (hello[0] !== handshakeRecord || (hello.length > 1 && hello[1] !== 3) || hello.length > recordBytesMax) {
      isTaken = true;
      take(undefined);
      return;
    }
    if (hello.length < recordHeaderBytes || hello.length < recordHeaderBytes + hello.readUInt16BE(3)) return;
    isTaken = true;
    take(hello);
  };
  socket.on('readable', look);
  return () => void socket.off('readable', look);
}
