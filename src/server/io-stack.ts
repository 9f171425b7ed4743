/**
 * All that one I/O thread owns: an engine, a listener, connections, and what they share. What the process owns once (the
 * pool, the budget) is given to it.
 */
import { Engine } from '../engine/index.js';
import type { OperationLog } from '../ops/define-operation.js';
import type { OperationInfo } from '../ops/operation-info.js';
import type { TaskRunner } from '../pool/task.js';
import type { Access } from './access/access.js';
import type { Identity } from './access/identity.js';
import { BulkLane } from './bulk/bulk-lane.js';
import type { BulkMemory } from './bulk/bulk-memory.js';
import type { ByteBudget } from './byte-budget.js';
import { Acceptor, type AcceptStep, type Arrival } from './channel/acceptor.js';
import { ConnectionPlaces, type TurnedAway } from './channel/connection-places.js';
import { connectionsAllowed, turnedAwayAllowed } from './channel/descriptors.js';
import { makeProxyStep } from './channel/proxy/proxy-step.js';
import { TrustedProxies } from './channel/proxy/trusted-proxies.js';
import { hiddenBytesMax } from './channel/send-buffers.js';
import { openTcpChannel, ReadBuffer } from './channel/tcp-channel.js';
import type { Handshakes } from './channel/tls/handshakes.js';
import { Connection } from './connection/connection.js';
import type { ConnectionParts } from './connection/connection-parts.js';
import { BodyStates } from './connection/echo-body.js';
import { FrameBuffers } from './connection/frame-buffers.js';
import { LoopShare } from './connection/loop-share.js';
import { ReplyStage } from './connection/reply-stage.js';
import { Counters } from './counters.js';
import { EndLog } from './end-log.js';
import { LoadWatch, Overload } from './overload.js';
import { Admission } from './requests/admission.js';
import { Dispatcher } from './requests/dispatcher.js';
import { Executor } from './requests/executor.js';
import { callLocally, type LocalCallParts } from './requests/local-call.js';
import type { ServerConfig } from './server.js';
import type { FrameCount, IoSnapshot, ServerView } from './server-view.js';
import { mergeFrames } from './snapshots.js';
import type { Tallies } from './tally.js';

/** Which of the process's I/O threads it is. The first is the main thread. */
export interface Seat {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

export interface IoStackParts {
  readonly config: ServerConfig;
  /** The thread's own. */
  readonly engine: Engine;
  /** Makes another one, where it fails. */
  readonly engineModule: WebAssembly.Module;
  readonly pool: TaskRunner;
  readonly budget: ByteBudget;
  readonly access: Access;
  readonly tallies: Tallies;
  /** Of the large sums; the pool's threads have it too. */
  readonly memory: BulkMemory;
  /** The TLS handshakes of the thread, where there is a port with TLS. */
  readonly handshakes: Handshakes | undefined;
  readonly log: OperationLog;
  readonly seat: Seat;
}

/** The doors in fact: a listener's port, absent where there is none. */
export interface Ports {
  readonly port?: number;
  readonly tlsPort?: number;
}

/** How often deadlines of unfinished frames are looked at: they are about that much late at the most. */
const sweepMs = 500;
/** Connections that are looked at in one turn of the loop: ten thousand of them would hold all others up for 20 ms. */
const sweptAtOnce = 250;
/** How often a draining connection is looked at; one from which nothing came since the last look takes nothing new. */
const drainLookMs = 20;
/** With 4 of them, connects beside a load of small frames come no faster than with one. */
const listenersMax = 16;
/** Those of all I/O threads, as long as each has one. */
const allListenersMax = 128;
/** Where fewer connections are allowed, by `ulimit -n`, there is one listener: each is an open file. */
const fewFiles = 1024;
/** A peer that goes on sending is answered for this long after the drain began. */
const drainPatienceMs = 1000;

const noBytes = new Uint8Array(0);

export class IoStack {
  readonly executor: Executor;
  readonly #parts: IoStackParts;
  #engine: Engine;
  /** What engines have counted that were replaced. */
  #countsBefore: FrameCount[] = [];
  readonly #counters = new Counters();
  readonly #ends: EndLog;
  readonly #buffers: FrameBuffers;
  readonly #lane: BulkLane;
  readonly #overload: Overload;
  readonly #admission: Admission;
  readonly #loadWatch: LoadWatch;
  readonly #places: ConnectionPlaces;
  /** One for each port. */
  readonly #doors: ReadonlyMap<'port' | 'tlsPort', Acceptor>;
  readonly #readBuffer = new ReadBuffer();
  readonly #connectionParts: ConnectionParts;
  readonly #localCallParts: LocalCallParts;
  readonly #connections = new Set<Connection>();
  readonly #sweepTimer: NodeJS.Timeout;
  #sweptAtMs = performance.now();
  #isSweeping = false;
  /** Calls from inside the process in flight: a drain waits for them too; their caller counts those that are cut. */
  #localCalls = 0;
  #isDraining = false;

  constructor(parts: IoStackParts) {
    const { config, pool, budget, access, memory, log, seat } = parts;
    this.#parts = parts;
    this.#engine = parts.engine;
    this.#ends = new EndLog(this.#counters, log);
    this.#buffers = new FrameBuffers(budget, config.maxFrameBytes);
    this.#lane = new BulkLane({ pool, memory, workers: config.workers, ioThreads: seat.count, log });
    const engine = () => this.#engine;
    const { maxFrameBytes, workers } = config;
    this.executor = new Executor({ pool, lane: this.#lane, maxFrameBytes, workers });
    const observer = this.#counters;
    this.#overload = new Overload(config.overloadDelayMs, log);
    this.#admission = new Admission(config, this.#overload, parts.tallies.requests);
    const admission = this.#admission;
    const dispatcher = new Dispatcher({ engine, executor: this.executor, observer, access, admission });
    const renewEngine = () => this.#renewEngine();
    const shared = { engine, renewEngine, dispatcher, observer, budget, buffers: this.#buffers };
    this.#localCallParts = { ...shared, maxFrameBytes: config.maxFrameBytes };
    const { frameTimeoutMs, minReadRate } = config;
    const unreadPatienceMs = frameTimeoutMs + (hiddenBytesMax() / minReadRate) * 1000;
    this.#connectionParts = {
      ...shared,
      access,
      ends: this.#ends,
      bodyStates: new BodyStates(),
      stage: new ReplyStage(),
      loop: new LoopShare(),
      limits: { ...config, unreadPatienceMs },
      log,
    };
    access.onRevoked((identity) => this.#revoke(identity));
    this.#places = this.#makePlaces();
    this.#doors = this.#makeDoors();
    this.#loadWatch = new LoadWatch(
      () => ({ heldRatio: budget.held / budget.max, requestsRatio: this.#admission.usedRatio }),
      (load) => this.#overload.note(load),
    );
    this.#sweepTimer = setInterval(() => this.#sweepSoon(), sweepMs).unref();
  }

  get ports(): Ports {
    return Object.fromEntries([...this.#doors].map(([name, door]) => [name, door.port]));
  }

  /** @throws the error of `listen`, as Node gives it */
  async listen(): Promise<void> {
    for (const door of this.#doors.values()) await door.listen();
  }

  /** What a connection to an HTTP port goes through before its handshake. */
  httpSteps(): readonly AcceptStep[] {
    return this.#parts.config.httpProxyProtocol ? [this.#proxyStep('pass')] : [];
  }

  learn(operations: readonly OperationInfo[]): void {
    this.executor.learn(operations);
  }

  /** See `ServerView.call`. */
  readonly call: ServerView['call'] = async (op, data, options) => {
    this.#localCalls++;
    try {
      return await callLocally(this.#localCallParts, op, data, options);
    } finally {
      this.#localCalls--;
    }
  };

  /**
   * Takes nothing new and answers what was received whole; after `drainMs` cuts the rest, and counts it. Peers that asked
   * are told when the listener is closed: a connection that they open then goes elsewhere. They have half of the time to go.
   */
  async drain(drainMs: number): Promise<{ cut: number }> {
    const startMs = performance.now();
    await Promise.all([...this.#doors.values()].map((door) => door.stop()));
    this.#parts.handshakes?.endSilent();
    this.#isDraining = true;
    for (const connection of this.#connections) connection.tellDraining();
    while (this.#connections.size + this.#arriving > 0 || this.#localCalls > 0) {
      const sinceMs = performance.now() - startMs;
      if (sinceMs >= drainMs) break;
      for (const connection of this.#connections) connection.drain(sinceMs < drainPatienceMs, drainMs / 2);
      await new Promise((resolve) => setTimeout(resolve, Math.min(drainLookMs, drainMs - sinceMs)));
    }
    const busy = [...this.#connections].filter((connection) => connection.isBusy);
    for (const connection of busy) connection.cut('drain_cut');
    return { cut: busy.length };
  }

  /** Ends everything on the spot. */
  close(): void {
    clearInterval(this.#sweepTimer);
    this.#loadWatch.close();
    for (const door of this.#doors.values()) door.close();
    for (const connection of this.#connections) connection.destroy();
  }

  snapshot(): IoSnapshot {
    const counters = this.#counters;
    return {
      frames: [...this.#countsBefore, ...engineFrames(this.#engine), ...counters.frames()],
      bytesReceived: counters.received,
      bytesSent: counters.sent,
      connectionsOpen: this.#connections.size,
      connectionsAccepted: counters.connectionsAccepted,
      connectionsTurningAway: [...this.#doors.values()].reduce((sum, { turningAway }) => sum + turningAway, 0),
      connectionsEnded: { ...counters.connectionsEnded },
      requestsInFlight: this.#admission.inFlight,
      requestsRefused: { ...counters.requestsRefused },
      access: this.#parts.access.figures(),
      overloadStage: this.#overload.stage,
      handshakes: this.#parts.handshakes?.figures(),
      bytesKept: this.#buffers.large.keptBytes,
      bulk: this.#lane.snapshot(),
      latency: (['inline', 'bulk', 'pool'] as const).map((lane) => ({
        lane,
        histogram: counters.latency[lane].snapshot(),
      })),
    };
  }

  #revoke(identity: Identity): void {
    for (const connection of this.#connections) if (connection.identity === identity) connection.revoke();
  }

  /** Sockets that are not connections yet. */
  get #arriving(): number {
    let count = 0;
    for (const door of this.#doors.values()) count += door.arriving;
    return count;
  }

  #makeDoors(): Map<'port' | 'tlsPort', Acceptor> {
    const { config, handshakes } = this.#parts;
    const doors = new Map<'port' | 'tlsPort', Acceptor>();
    const count = [config.port, config.tlsPort].filter((port) => port !== 'off').length;
    if (config.port !== 'off')
      doors.set(
        'port',
        this.#makeDoor(config.port, count, this.#steps(), ({ frame }) => frame),
      );
    if (config.tlsPort !== 'off' && handshakes !== undefined) {
      // To tell it would take a handshake.
      doors.set(
        'tlsPort',
        this.#makeDoor(config.tlsPort, count, [...this.#steps(), handshakes.step], () => noBytes),
      );
    }
    return doors;
  }

  /** @param firstWords what a connection is sent that is turned away before its steps */
  #makeDoor(
    port: number,
    doorCount: number,
    steps: readonly AcceptStep[],
    firstWords: (turned: TurnedAway) => Uint8Array,
  ): Acceptor {
    const { config, log, seat } = this.#parts;
    const listeners = Math.max(1, Math.min(listenersMax, Math.floor(allListenersMax / seat.count)));
    return new Acceptor({
      port,
      host: config.host,
      listeners: connectionsAllowed() < fewFiles ? 1 : listeners,
      sharing: seat.count === 1 ? undefined : seat.index === 0 ? 'first' : 'later',
      ...(steps.length === 0 ? {} : { steps }),
      turnedAwayMax: Math.max(1, Math.floor(turnedAwayAllowed() / (doorCount * seat.count))),
      refusal: (address) => {
        // A balancer's own address is not that of its clients.
        const known = config.proxyProtocol ? {} : address;
        const turned = this.#places.refusal(known, this.#arriving);
        return turned && { ...turned, frame: firstWords(turned) };
      },
      addressRefusal: (address) => this.#places.addressRefusal(address),
      turnedAway: (address, reason) => this.#ends.note(reason, address),
      accepted: (arrival) => this.#accept(arrival),
      failed: (error) => log.error({ err: error }, 'the listener failed'),
    });
  }

  #accept(arrival: Arrival): TurnedAway | undefined {
    const refusal = this.#places.take(arrival.address);
    if (refusal !== undefined) return refusal;
    this.#counters.connectionAccepted();
    openTcpChannel(arrival, this.#readBuffer, (channel) => {
      const connection = new Connection(channel, this.#connectionParts, () => {
        this.#connections.delete(connection);
        this.#places.leave(channel.address);
      });
      this.#connections.add(connection);
      if (this.#isDraining) connection.tellDraining();
      return connection;
    });
    return undefined;
  }

  /** As many places as options and open files allow. */
  #makePlaces(): ConnectionPlaces {
    const { config, seat, tallies, log } = this.#parts;
    const { maxConnections, maxConnectionsPerAddress } = config;
    // Each I/O thread counts addresses for itself, so they divide what one may have.
    const maxPerAddress =
      maxConnectionsPerAddress === 0 ? 0 : Math.max(1, Math.floor(maxConnectionsPerAddress / seat.count));
    const max = Math.min(maxConnections, connectionsAllowed());
    if (max < maxConnections && seat.index === 0) {
      const about = { maxConnections, connectionsMax: max };
      log.warn(about, 'fewer connections are taken than --max-connections: see ulimit -n');
    }
    return new ConnectionPlaces({ max, maxPerAddress }, this.#overload, tallies.connections);
  }

  /** What a connection goes through on its way in. */
  #steps(): AcceptStep[] {
    return this.#parts.config.proxyProtocol ? [this.#proxyStep('refused')] : [];
  }

  #proxyStep(strangers: 'refused' | 'pass'): AcceptStep {
    const trusted = new TrustedProxies(this.#parts.config.trustedProxies);
    return makeProxyStep({ trusted, strangers, refused: (...refusal) => this.#ends.note(...refusal) });
  }

  /** After a trap an instance may be in any state; its counts are read as they are. */
  #renewEngine(): void {
    this.#countsBefore = mergeFrames([...this.#countsBefore, ...engineFrames(this.#engine)]);
    this.#engine = new Engine(this.#parts.engineModule);
  }

  /** In a turn in which the sockets were read already: what has come is looked at before the clock. */
  #sweepSoon(): void {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const nowMs = performance.now();
    const lateMs = Math.max(0, nowMs - this.#sweptAtMs - 2 * sweepMs);
    this.#sweptAtMs = nowMs;
    setImmediate(() => this.#sweep(lateMs));
  }

  /** @param lateMs for so long the loop stood still, and nothing could be read */
  #sweep(lateMs: number): void {
    this.#ends.sweep();
    // Other I/O threads may hold more by now.
    this.#parts.budget.onGrowth();
    const nowMs = performance.now();
    this.#buffers.large.rest(nowMs);
    this.#sweepConnections(this.#connections.values(), lateMs);
    const turnedAway = this.#lane.sweep(nowMs - lateMs, this.#parts.config.frameTimeoutMs);
    if (turnedAway > 0)
      this.#parts.log.warn({ turnedAway }, 'large sums found no place for as long as a frame may take');
  }

  #sweepConnections(rest: Iterator<Connection>, lateMs: number): void {
    const nowMs = performance.now();
    for (let left = sweptAtOnce; left > 0; left--) {
      const { done, value: connection } = rest.next();
      if (done) {
        this.#isSweeping = false;
        return;
      }
      connection.sweep(nowMs, lateMs);
    }
    setImmediate(() => this.#sweepConnections(rest, lateMs));
  }
}

function engineFrames(engine: Engine): FrameCount[] {
  return engine
    .counts()
    .filter(({ count }) => count > 0)
    .map((count) => ({ ...count, lane: 'inline' }));
}
