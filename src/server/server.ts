/** The server as a whole: puts the parts together, listens, and winds down. */
import net from 'node:net';
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { compileEngine, Engine } from '../engine/index.js';
import { ConfigError, PoolError } from '../errors.js';
import { Pool } from '../pool/pool.js';
import { BulkLane } from './bulk-lane.js';
import { ByteBudget } from './byte-budget.js';
import { Connection } from './connection.js';
import type { ConnectionParts } from './connection-parts.js';
import { Counters } from './counters.js';
import { Dispatcher } from './dispatcher.js';
import { EndLog } from './end-log.js';
import { FrameBuffers } from './frame-buffers.js';
import { callLocally } from './local-call.js';
import { errorFrame } from './replies.js';
import { ReplyBuffer } from './reply-buffer.js';
import type { FrameCount, ServerView } from './server-view.js';
import { SharedReads } from './shared-reads.js';

/** What the server runs with: see `Config`. */
export type ServerConfig = Omit<Config, 'httpPort' | 'httpHost' | 'dataDir' | 'logLevel' | 'drainMs'>;

export interface RunningServer {
  /** The TCP port in fact, where 0 was asked for. */
  readonly port: number;
  readonly view: ServerView;
  /** Settles when the pool is warm; rejects with PoolError where it cannot start. */
  readonly ready: Promise<void>;
  /**
   * Takes nothing new, answers what was received whole, and closes connections as they fall idle. After `drainMs` the
   * rest is cut; `cut` counts the connections that were cut while they waited for something. Call it once, then `close`.
   */
  drain(drainMs: number): Promise<{ cut: number }>;
  /** Ends everything on the spot. False where a thread could not be ended: `process.exit` would wait for it. */
  close(): Promise<boolean>;
}

/** How often deadlines of unfinished frames are looked at: they are about that much late at the most. */
const sweepMs = 500;
/** How often a draining connection is looked at; one from which nothing came since the last look takes nothing new. */
const drainLookMs = 20;
/** A peer that goes on sending is answered for this long after the drain began. */
const drainPatienceMs = 1000;
/** How long a connection that is turned away may stay silent. */
const turnAwayMs = 1000;
/** Connections that the kernel may hold for us before they are accepted. */
const backlog = 1024;

/**
 * Starts the server and resolves once it takes connections. The pool warms up behind it.
 * @throws ConfigError where an operation module cannot be loaded; the error of `listen` where the port cannot be had
 */
export async function startServer(config: ServerConfig, log: Logger): Promise<RunningServer> {
  const engineModule = await compileEngine();
  const server = new Server(config, log, engineModule);
  await server.listen();
  return server;
}

class Server implements RunningServer {
  ready!: Promise<void>;
  readonly view: ServerView;
  readonly #config: ServerConfig;
  readonly #log: Logger;
  readonly #engine: Engine;
  readonly #pool: Pool;
  readonly #counters = new Counters();
  readonly #ends: EndLog;
  readonly #budget: ByteBudget;
  readonly #buffers: FrameBuffers;
  readonly #lane: BulkLane;
  readonly #dispatcher: Dispatcher;
  readonly #connectionParts: ConnectionParts;
  readonly #listener: net.Server;
  readonly #connections = new Set<Connection>();
  readonly #sweep: NodeJS.Timeout;
  #state: ReturnType<ServerView['state']> = 'starting';
  /** Requests of `view.call` in flight: a drain waits for them too; their caller counts those that are cut. */
  #localCalls = 0;

  constructor(config: ServerConfig, log: Logger, engineModule: WebAssembly.Module) {
    this.#config = config;
    this.#log = log;
    this.#engine = new Engine(engineModule);
    this.#ends = new EndLog(this.#counters, log);
    this.#budget = new ByteBudget(config.maxHeldBytes);
    this.#buffers = new FrameBuffers(config.maxHeldBytes);
    const memory = BulkLane.memoryFor(config.workers, this.#engine.bodyStateBytes);
    this.#pool = new Pool({
      workers: config.workers,
      partMemory: memory.buffer,
      queueMax: config.maxQueue,
      workerMemoryMb: config.workerMemoryMb,
      resultBytesMax: config.maxFrameBytes,
      operationModules: config.operationModules,
      engineModule,
      log,
    });
    this.#lane = new BulkLane(this.#pool, memory, config.workers);
    this.#dispatcher = new Dispatcher({
      engine: this.#engine,
      pool: this.#pool,
      lane: this.#lane,
      counters: this.#counters,
      budget: this.#budget,
      maxRequests: config.maxRequests,
    });
    this.#connectionParts = {
      engine: this.#engine,
      dispatcher: this.#dispatcher,
      counters: this.#counters,
      ends: this.#ends,
      budget: this.#budget,
      buffers: this.#buffers,
      reads: new SharedReads(),
      replies: new ReplyBuffer(),
      limits: config,
      log,
    };
    this.#listener = net.createServer(
      { noDelay: true, keepAlive: true, allowHalfOpen: true, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    );
    this.view = this.#makeView();
    this.#sweep = setInterval(() => this.#sweepConnections(), sweepMs).unref();
  }

  get port(): number {
    return (this.#listener.address() as net.AddressInfo).port;
  }

  async listen(): Promise<void> {
    try {
      // The engine's own operations need no thread: they are answered before the first one is there.
      const needsThreads = this.#config.operationModules.length > 0;
      if (needsThreads) await this.#learnOperations();
      await new Promise<void>((resolve, reject) => {
        this.#listener.once('error', reject);
        this.#listener.listen({ port: this.#config.port, host: this.#config.host, backlog }, resolve);
      });
      if (!needsThreads) this.#startPool();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#listener.on('error', (error) => this.#log.error({ err: error }, 'the listener failed'));
  }

  async drain(drainMs: number): Promise<{ cut: number }> {
    this.#state = 'draining';
    const startMs = performance.now();
    this.#listener.close();
    while (this.#connections.size > 0 || this.#localCalls > 0) {
      const sinceMs = performance.now() - startMs;
      if (sinceMs >= drainMs) break;
      for (const connection of this.#connections) connection.drain(sinceMs < drainPatienceMs);
      await delay(Math.min(drainLookMs, drainMs - sinceMs));
    }
    const busy = [...this.#connections].filter((connection) => connection.isBusy);
    for (const connection of busy) connection.cut('drain_cut');
    return { cut: busy.length };
  }

  async close(): Promise<boolean> {
    clearInterval(this.#sweep);
    this.#listener.close();
    for (const connection of this.#connections) connection.destroy();
    return this.#pool.close();
  }

  #startPool(): void {
    this.ready = this.#pool.start().then(() => {
      if (this.#state === 'starting') this.#state = 'ready';
    });
    this.ready.catch(() => {});
  }

  async #learnOperations(): Promise<void> {
    this.#startPool();
    try {
      this.#dispatcher.learn(await this.#pool.operationsKnown());
    } catch (error) {
      throw error instanceof PoolError ? new ConfigError(error.message, { cause: error }) : error;
    }
  }

  #accept(socket: net.Socket): void {
    const { maxConnections } = this.#config;
    if (this.#connections.size >= maxConnections) {
      this.#ends.note('connection_limit', socket);
      turnAway(socket, errorFrame(null, 'OVERLOADED', `${maxConnections} connections are open, and no more may be`));
      return;
    }
    this.#counters.connectionsAccepted++;
    const connection = new Connection(socket, this.#connectionParts, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  #sweepConnections(): void {
    this.#ends.sweep();
    const nowMs = performance.now();
    for (const connection of this.#connections) connection.sweep(nowMs);
    const turnedAway = this.#lane.sweep(nowMs, this.#config.frameTimeoutMs);
    if (turnedAway > 0) this.#log.warn({ turnedAway }, 'large sums found no place for as long as a frame may take');
  }

  #makeView(): ServerView {
    const counters = this.#counters;
    const local = {
      engine: this.#engine,
      dispatcher: this.#dispatcher,
      budget: this.#budget,
      buffers: this.#buffers,
      maxFrameBytes: this.#config.maxFrameBytes,
    };
    return {
      state: () => this.#state,
      operations: () => this.#dispatcher.operations(),
      check: (text) => this.#engine.check(text),
      call: async (op, data, options) => {
        this.#localCalls++;
        try {
          return await callLocally(local, op, data, options);
        } finally {
          this.#localCalls--;
        }
      },
      snapshot: () => ({
        frames: [...this.#engineFrames(), ...counters.frames()],
        bytesReceived: counters.bytesReceived,
        bytesSent: counters.bytesSent,
        connectionsOpen: this.#connections.size,
        connectionsAccepted: counters.connectionsAccepted,
        connectionsEnded: { ...counters.connectionsEnded },
        bytesHeld: this.#budget.held,
        bytesHeldMax: this.#budget.max,
        bytesKept: this.#buffers.keptBytes,
        bulk: this.#lane.snapshot(),
        latency: (['inline', 'bulk', 'pool'] as const).map((lane) => ({
          lane,
          histogram: counters.latency[lane].snapshot(),
        })),
        pool: this.#pool.snapshot(),
      }),
    };
  }

  #engineFrames(): FrameCount[] {
    return this.#engine
      .counts()
      .filter(({ count }) => count > 0)
      .map((count) => ({ ...count, lane: 'inline' }));
  }
}

/** Sends a frame to a connection that is not taken, and gives it a moment to be read. */
function turnAway(socket: net.Socket, frame: Buffer): void {
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.setTimeout(turnAwayMs, () => socket.destroy());
  // What it sends is read and dropped: a reset for unread bytes would take the frame with it.
  socket.resume();
  socket.end(frame);
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
