/**
 * Takes connections from a listener: each goes through the same steps, within one absolute time, before it becomes a
 * channel.
 *
 *     listeners ──▶ limits ──▶ steps (such as PROXY and TLS), if there are any ──▶ channel
 *
 * libuv takes one connection from a listener in each turn of the loop, and under load a turn is long. So there are several
 * listeners on the port where the system and Node can share it, and the kernel gives each its part.
 *
 * The limits are looked at twice: before the steps by what the socket knows, and after them by what they have found out.
 *
 * Invariant: a socket that was accepted is a connection, or in a step until its time is over, or turned away and closed
 * within a second. No more than `turnedAwayMax` are being turned away at once: the one that was told first gives way.
 */
import net from 'node:net';
import type { PeerAddress } from './channel.js';
import type { TurnedAway } from './connection-places.js';

/** From the moment that it was accepted a socket has so long to become a connection. */
const stepsMs = 5000;
/** How long a connection that is turned away has to read why. */
const turnAwayMs = 1000;
/**
 * After so long without a byte the kernel asks whether the peer is still there. A process that has died has half-closed its
 * connections; asked a minute later, its kernel says that nobody is there, while a peer that waits for its replies is.
 */
const keepAliveAfterMs = 30_000;
/** Connections that the kernel may hold for us before they are accepted. */
const backlog = 1024;
/** However many go on connecting, the listener closes after so long. */
const stopMs = 1000;
/** Turns of the event loop without a new connection after which the kernel's queue counts as empty. */
const emptyTurns = 3;

/** A connection on its way in, as far as it is known. */
export interface Arrival {
  /** Paused. What a step has read behind its own is back in it, by `unshift`: whoever takes the handle takes that along. */
  readonly socket: net.Socket;
  /** The client's: a balancer in between may tell it. */
  readonly address: PeerAddress;
  /** Who the peer has proved to be, such as the name in its certificate. */
  readonly identity: string | undefined;
}

/** What a step makes of an arrival: the same, or another one; `undefined` where it refuses it and has told so. */
export type AcceptStep = (arrival: Arrival, deadlineMs: number) => Promise<Arrival | undefined>;

export interface AcceptorOptions {
  readonly port: number;
  readonly host: string;
  /** Listeners on the port, where it can be shared: so many connections are taken in a turn of the loop. Default: 1. */
  readonly listeners?: number;
  /** Do other I/O threads listen on the port? `first`: after this one; `later`: this one did already. */
  readonly sharing?: 'first' | 'later' | undefined;
  readonly steps?: readonly AcceptStep[];
  /** Connections that are being turned away at once. */
  readonly turnedAwayMax: number;
  /**
   * Is there no place for one more connection? Then this frame is sent to it, and it is closed. One that could not read it
   * before further steps is given no bytes, and closed on the spot.
   */
  refusal(address: PeerAddress): TurnedAway | undefined;
  /** The same after the steps, by the address that they have found out. */
  addressRefusal(address: PeerAddress): TurnedAway | undefined;
  turnedAway(address: PeerAddress, reason: TurnedAway['reason']): void;
  /**
   * A connection is through; its socket is paused. Where another I/O thread has taken the last place meanwhile, it is
   * turned away after all.
   */
  accepted(arrival: Arrival): TurnedAway | undefined;
  failed(error: Error): void;
}

export class Acceptor {
  readonly #options: AcceptorOptions;
  #listeners: net.Server[] = [];
  /** Sockets that are in a step. */
  readonly #inSteps = new Set<net.Socket>();
  /** In the order in which they were told. */
  readonly #turningAway = new Set<net.Socket>();
  #acceptedCount = 0;

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  /** The port in fact, where 0 was asked for. */
  get port(): number {
    return (this.#listeners[0]!.address() as net.AddressInfo).port;
  }

  /** Sockets that are told that they are one too many, and not closed yet. */
  get turningAway(): number {
    return this.#turningAway.size;
  }

  /** Sockets that are in a step. */
  get arriving(): number {
    return this.#inSteps.size;
  }

  /** @throws the error of `listen`, as Node gives it */
  async listen(): Promise<void> {
    const { listeners = 1, sharing } = this.#options;
    let { port } = this.#options;
    if (sharing !== 'later') {
      // Alone at first: where the port is another process's, even one that shares it, this fails.
      this.#listeners = [await this.#open(port, false)];
      if ((listeners === 1 && sharing === undefined) || !canSharePort()) return;
      port = this.port;
      this.#listeners[0]!.close();
      this.#listeners = [];
    }
    while (this.#listeners.length < listeners) this.#listeners.push(await this.#open(port, true));
  }

  /**
   * Takes what the kernel has accepted for us, and then no more: a listener that closes with connections in its queue
   * resets them.
   */
  async stop(): Promise<void> {
    const startMs = performance.now();
    let quietTurns = 0;
    const isListening = () => this.#listeners.some(({ listening }) => listening);
    while (isListening() && quietTurns < emptyTurns && performance.now() - startMs < stopMs) {
      const before = this.#acceptedCount;
      await new Promise((resolve) => setImmediate(resolve));
      quietTurns = this.#acceptedCount === before ? quietTurns + 1 : 0;
    }
    for (const listener of this.#listeners) listener.close();
  }

  /** Ends at once. Sockets that are no connections yet are closed. */
  close(): void {
    for (const listener of this.#listeners) listener.close();
    for (const socket of [...this.#inSteps, ...this.#turningAway]) socket.destroy();
  }

  async #open(port: number, reusePort: boolean): Promise<net.Server> {
    const options = {
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveAfterMs,
      allowHalfOpen: true,
      pauseOnConnect: true,
    };
    const listener = net.createServer(options, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      const place: net.ListenOptions & { reusePort: boolean } = { port, host: this.#options.host, backlog, reusePort };
      listener.once('error', reject).listen(place, resolve);
    });
    return listener.on('error', (error) => this.#options.failed(error));
  }

  #accept(socket: net.Socket): void {
    this.#acceptedCount++;
    const { remoteAddress, remotePort } = socket;
    const arrival = { socket, address: { remoteAddress, remotePort }, identity: undefined };
    const refusal = this.#options.refusal(arrival.address);
    if (refusal !== undefined) this.#turnAway(arrival, refusal);
    else if (this.#options.steps === undefined) this.#admit(arrival);
    else void this.#takeSteps(arrival, this.#options.steps);
  }

  #admit(arrival: Arrival): void {
    try {
      const refusal = this.#options.accepted(arrival);
      if (refusal !== undefined) this.#turnAway(arrival, refusal);
    } catch (error) {
      arrival.socket.destroy();
      this.#options.failed(error as Error);
    }
  }

  async #takeSteps(first: Arrival, steps: readonly AcceptStep[]): Promise<void> {
    let arrival = first;
    const deadlineMs = performance.now() + stepsMs;
    const timer = setTimeout(() => arrival.socket.destroy(), stepsMs);
    this.#inSteps.add(first.socket);
    try {
      for (const step of steps) {
        const next = await step(arrival, deadlineMs);
        if (next === undefined) {
          arrival.socket.destroy();
          return;
        }
        arrival = next;
      }
      if (arrival.socket.destroyed) return;
      const refusal = this.#options.addressRefusal(arrival.address);
      if (refusal === undefined) this.#admit(arrival);
      else this.#turnAway(arrival, refusal);
    } catch (error) {
      arrival.socket.destroy();
      this.#options.failed(error as Error);
    } finally {
      clearTimeout(timer);
      this.#inSteps.delete(first.socket);
    }
  }

  /** Sends a frame to a connection that is not taken, and gives it a moment to be read. */
  #turnAway({ socket, address }: Arrival, { frame, reason }: TurnedAway): void {
    this.#options.turnedAway(address, reason);
    if (frame.length === 0) {
      socket.destroy();
      return;
    }
    if (this.#turningAway.size >= this.#options.turnedAwayMax) this.#letGo(this.#turningAway.values().next().value!);
    this.#turningAway.add(socket);
    // Not the socket's own timeout: each byte that the peer sends would renew it.
    const timer = setTimeout(() => socket.destroy(), turnAwayMs);
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(timer);
      this.#letGo(socket);
    });
    // What it sends is read and dropped: a reset for unread bytes would take the frame with it.
    socket.resume();
    socket.end(frame);
  }

  #letGo(socket: net.Socket): void {
    this.#turningAway.delete(socket);
    socket.destroy();
  }
}

/** Node takes `reusePort` from 22.12 on; older versions ignore it. Of the systems, Linux spreads connections over listeners. */
export function canSharePort(): boolean {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  return process.platform === 'linux' && (major > 22 || (major === 22 && minor >= 12));
}
