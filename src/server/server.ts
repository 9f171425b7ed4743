/** The server as a whole: what the process owns once, and the I/O stack that serves its connections. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { compileEngine, Engine } from '../engine/index.js';
import { ConfigError, PoolError } from '../errors.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { levelsOf } from '../pool/messages.js';
import { Pool } from '../pool/pool.js';
import { Access, newSharedAccess } from './access/access.js';
import { BulkLane } from './bulk/bulk-lane.js';
import { ByteBudget } from './byte-budget.js';
import { type AcceptStep, canSharePort } from './channel/acceptor.js';
import type { Tls } from './channel/tls/tls.js';
import { IoStack, type Ports } from './io-stack.js';
import { IoThread } from './io-threads/io-thread.js';
import type { Caller, Readiness, ServerView } from './server-view.js';
import { mergeSnapshots } from './snapshots.js';
import { localTallies, sharedTallies, sharedTalliesBytes } from './tally.js';

/** What the server runs with: see `Config`. */
export type ServerConfig = Omit<
  Config,
  | 'configFile'
  | 'httpPort'
  | 'httpsPort'
  | 'httpHost'
  | 'httpMaxConnections'
  | 'dataDir'
  | 'logLevel'
  | 'drainMs'
  | 'watch'
>;

export interface RunningServer {
  /** The TCP port in fact, where 0 was asked for; 0 where it is off. */
  readonly port: number;
  /** The same of the port with TLS. */
  readonly tlsPort: number;
  /** Those that are on. */
  readonly ports: Ports;
  /** The TLS of the process, where a certificate is configured. */
  readonly tls: Tls | undefined;
  /** What a connection to an HTTP port goes through before its handshake. */
  readonly httpSteps: readonly AcceptStep[];
  readonly view: ServerView;
  /** Settles when the pool is warm; rejects with PoolError where it cannot start. */
  readonly ready: Promise<void>;
  /**
   * Is not ready any more, and after `drainDelayMs` takes nothing new, answers what was received whole, and closes
   * connections as they fall idle. After `drainMs` more the rest is cut; `cut` counts the connections that were cut while they waited for something. Call it once, then `close`.
   */
  drain(drainMs: number): Promise<{ cut: number }>;
  /** Ends everything on the spot. False where a thread could not be ended: `process.exit` would wait for it. */
  close(): Promise<boolean>;
}

/**
 * Starts the server and resolves once it takes connections. The pool warms up after that.
 * @throws ConfigError where an operation module cannot be loaded; the error of `listen` where the port cannot be had
 */
export async function startServer(config: ServerConfig, log: Logger): Promise<RunningServer> {
  const engineModule = await compileEngine();
  // Few want TLS, and it takes a while to load.
  const tls = config.tlsCert === undefined ? undefined : (await import('./channel/tls/tls.js')).openTls(config, log);
  const server = new Server(config, log, engineModule, tls);
  await server.listen();
  return server;
}

const notReadyReasons = {
  starting: 'the worker threads are not warm yet',
  leaving: 'the server is shutting down',
  draining: 'the server is shutting down',
} as const;

class Server implements RunningServer {
  ready!: Promise<void>;
  readonly view: ServerView;
  readonly tls: Tls | undefined;
  readonly #config: ServerConfig;
  readonly #pool: Pool;
  readonly #budget: ByteBudget;
  readonly #access: Access;
  /** The main thread's. */
  readonly #io: IoStack;
  /** Those beside it. */
  readonly #ioThreads: readonly IoThread[];
  #state: ReturnType<ServerView['state']> = 'starting';
  #endDelay = () => {};

  constructor(config: ServerConfig, log: Logger, engineModule: WebAssembly.Module, tls: Tls | undefined) {
    this.#config = config;
    this.tls = tls && { ...tls, reload: (by) => this.#reloadTls(tls, by) };
    const count = ioThreadsFor(config.listeners, log);
    const sharedMemory = count === 1 ? undefined : new SharedArrayBuffer(sharedTalliesBytes);
    const tallies = sharedMemory === undefined ? localTallies() : sharedTallies(sharedMemory);
    const { heldBytes, keptBytes } = tallies;
    this.#budget = new ByteBudget(config.maxHeldBytes, config.maxConnectionBytes || undefined, heldBytes, keptBytes);
    const { auth: mode, tokensFile, workers } = config;
    const sharedAccess = count === 1 ? undefined : newSharedAccess();
    this.#access = new Access({ mode, tokensFile, workers, log, shared: sharedAccess });
    const engine = new Engine(engineModule);
    const bulkMemory = BulkLane.pieceFor(config.workers, engine.bodyStateBytes, count);
    this.#pool = new Pool({
      workers: config.workers,
      partMemory: bulkMemory,
      queueMax: config.maxQueue,
      workerMemoryMb: config.workerMemoryMb,
      opTimeoutMs: config.opTimeoutMs,
      resultBytesMax: config.maxFrameBytes,
      operationModules: config.operationModules,
      engineModule,
      log,
    });
    const seat = { index: 0, count };
    const memory = BulkLane.memoryIn(bulkMemory, config.workers, engine.bodyStateBytes, seat);
    const pool = this.#pool;
    this.#io = new IoStack({
      config,
      engine,
      engineModule,
      pool,
      budget: this.#budget,
      access: this.#access,
      tallies,
      memory,
      handshakes: tls?.handshakes,
      log,
      seat,
    });
    if (config.tlsPort !== 'off') tls?.usedBy('tls');
    this.#ioThreads = Array.from({ length: count - 1 }, (_, at) => {
      const setup = {
        config,
        seat: { index: at + 1, count },
        engineModule,
        tallies: sharedMemory!,
        access: sharedAccess!,
        ticketKeys: tls?.ticketKeys,
        bulkMemory,
        logLevels: levelsOf(log.level),
      };
      return new IoThread({ setup, pool, identityOf: (name) => this.#access.known(name), log, onDefect });
    });
    this.view = this.#makeView();
  }

  get port(): number {
    return this.ports.port ?? 0;
  }

  get tlsPort(): number {
    return this.ports.tlsPort ?? 0;
  }

  get ports(): Ports {
    return this.#io.ports;
  }

  get httpSteps(): readonly AcceptStep[] {
    return this.#io.httpSteps();
  }

  async listen(): Promise<void> {
    try {
      this.#access.open();
      // The engine's own operations need no thread: they are answered before the first one is there.
      const needsThreads = this.#config.operationModules.length > 0;
      const operations = needsThreads ? await this.#loadOperations() : [];
      await this.#io.listen();
      await Promise.all(this.#ioThreads.map((thread) => thread.listen(this.ports, operations)));
      if (!needsThreads) this.#startPool();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async drain(drainMs: number): Promise<{ cut: number }> {
    if (this.#config.drainDelayMs > 0) await this.#letBalancersKnow(this.#config.drainDelayMs);
    this.#state = 'draining';
    const drained = await Promise.all([this.#io, ...this.#ioThreads].map((io) => io.drain(drainMs)));
    return { cut: drained.reduce((sum, { cut }) => sum + cut, 0) };
  }

  async close(): Promise<boolean> {
    this.#access.close();
    this.#endDelay();
    this.#io.close();
    await Promise.all(this.#ioThreads.map((thread) => thread.close()));
    this.tls?.close();
    return this.#pool.close();
  }

  /** Goes on serving for a while, so that whoever asks for readiness sends nobody here any more. */
  #letBalancersKnow(delayMs: number): Promise<void> {
    this.#state = 'leaving';
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#endDelay = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #reloadTls(tls: Tls, by: string): void {
    tls.reload(by);
    for (const thread of this.#ioThreads) void thread.reloadTls(by);
  }

  #startPool(): void {
    this.ready = this.#pool.start().then(() => {
      if (this.#state === 'starting') this.#state = 'ready';
    });
    this.ready.catch(() => {});
  }

  async #loadOperations(): Promise<readonly OperationInfo[]> {
    this.#startPool();
    try {
      const operations = await this.#pool.operationsKnown();
      this.#io.learn(operations);
      return operations;
    } catch (error) {
      throw error instanceof PoolError ? new ConfigError(error.message, { cause: error }) : error;
    }
  }

  #readiness(): Readiness {
    if (this.#state !== 'ready') return { ready: false, reason: notReadyReasons[this.#state] };
    const { trouble } = this.#pool;
    return trouble === undefined ? { ready: true } : { ready: false, reason: trouble };
  }

  async #callerOf(token: string | undefined, address: string | undefined, name?: string): Promise<Caller> {
    const access = this.#access;
    if (token === undefined) {
      const identity = access.arrives(name);
      if (!access.isStranger(identity)) return { identity };
      return { refusal: 'this server wants a token: send it as Authorization: Bearer', isCut: false };
    }
    const { identity, ...refused } = access.authenticate(token, address);
    if (identity !== undefined) return { identity };
    const { message, delayMs } = refused as { message: string; delayMs: number | undefined };
    if (delayMs === undefined) return { refusal: message, isCut: true };
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    access.answered(address);
    return { refusal: message, isCut: false };
  }

  #reloadTokens(): void {
    this.#access.reload();
    // What goes wrong there is in the log.
    for (const thread of this.#ioThreads) void thread.reloadTokens();
  }

  #makeView(): ServerView {
    return {
      state: () => this.#state,
      readiness: () => this.#readiness(),
      operations: () => this.#io.executor.operations,
      call: this.#io.call,
      authMode: this.#access.mode,
      authenticate: (token, address, name) => this.#callerOf(token, address, name),
      reloadTokens: () => this.#reloadTokens(),
      reload: async () => {
        this.#reloadTokens();
        const operations = await this.#pool.reload();
        this.#io.learn(operations);
        await Promise.all(this.#ioThreads.map((thread) => thread.learn(operations)));
        return this.#io.executor.operations;
      },
      moduleFiles: () => this.#pool.moduleFiles(),
      snapshot: () => {
        const others = this.#ioThreads.map(({ snapshot }) => snapshot);
        const main = this.#io.snapshot();
        return {
          ...mergeSnapshots([main, ...others.filter((each) => each !== undefined)]),
          connectionsByThread: [main, ...others].map((each) => each?.connectionsOpen ?? 0),
          bytesHeld: this.#budget.held,
          bytesHeldMax: this.#budget.max,
          certificates: this.tls?.certificates() ?? [],
          pool: this.#pool.snapshot(),
        };
      },
      refresh: async () => {
        await Promise.all(this.#ioThreads.map((thread) => thread.refresh()));
      },
    };
  }
}

/** How many I/O threads there can be. */
function ioThreadsFor(listeners: number, log: Logger): number {
  if (listeners === 1 || canSharePort()) return listeners;
  const { platform, version } = process;
  log.warn(
    { listeners, platform, node: version },
    'one I/O thread is used: --listeners needs Linux and Node 22.12 or newer',
  );
  return 1;
}

/** Nobody is there to catch it: as in the main thread, the process ends. */
function onDefect(error: Error): never {
  throw error;
}
