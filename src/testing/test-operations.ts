/**
 * Runs operations for a test, without a server and without threads: in the process of the test, so that its debugger and its
 * coverage see them.
 *
 * What a caller sees is what it would see over the wire: data goes through JSON, `input` is checked, the result is what comes
 * back, and errors have the server's codes and sentences. Calls take turns, as in a server of one worker.
 *
 * What differs, since nobody can end the test's own thread: code that never gives the event loop a turn runs to its end, and
 * its call fails only then; an operation that ends its thread ends the test. And: what it prints is printed, built-ins can be
 * replaced, and an INTERNAL error has what was thrown as its `cause`.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cancelled } from '../client/call.js';
import { encodeData } from '../client/json.js';
import { onAbort } from '../client/on-abort.js';
import { RequestError } from '../errors.js';
import { type LoadedOperation, loadOperations, takeOperations } from '../ops/load-operations.js';
import type { OperationInfo } from '../ops/operation-info.js';
import { ThreadStates } from '../ops/thread-states.js';
import { LogChannel } from '../pool/log-channel.js';
import { type LogLevel, type LogLine, logLevels } from '../pool/messages.js';
import { type RunOutcome, runOperation } from '../pool/operation-runner.js';
import { noOperation, shutsDown, timeLimit } from '../pool/sentences.js';
import { frameBytesMaxDefault } from '../protocol/limits.js';
import { RunLimits } from './run-limits.js';
import type { CallsOf } from './types.js';

export interface TestOptions {
  /** As `--max-frame-bytes`: bytes that the JSON of a result may have. Default 16 MiB. */
  readonly maxFrameBytes?: number;
  /** As `--op-timeout-ms`. Default 300,000; 0 for none. */
  readonly opTimeoutMs?: number;
}

export interface TestCallOptions {
  /** Milliseconds; without, those of the operation, or `opTimeoutMs`. */
  readonly timeoutMs?: number;
  /** When aborted, the call rejects with `CANCELLED` at once, and `context.signal` is aborted. */
  readonly signal?: AbortSignal;
  /** The request's id, as the lines of the log have it. Default: a random one. */
  readonly id?: string;
}

/** A line of `context.log`, with the fields that it would have in the server's log. */
export interface LoggedLine {
  readonly level: LogLevel;
  readonly message: string | undefined;
  readonly op?: string;
  readonly id?: string;
  readonly [field: string]: unknown;
}

interface AnyCall {
  readonly args: [data?: unknown, options?: TestCallOptions];
  readonly result: unknown;
}
type Calls = { readonly [name: string]: AnyCall };

export interface TestedOperations<Operations = Calls> {
  /** As `$ops` shows them. */
  readonly operations: readonly OperationInfo[];
  /** All lines since the start, oldest first. */
  readonly logs: readonly LoggedLine[];
  /**
   * Calls an operation.
   * @returns the result, after its way through JSON
   * @throws RequestError with the code and the sentence that a client would get
   */
  call<Name extends keyof Operations & string>(
    name: Name,
    ...args: Operations[Name] extends { readonly args: infer Args extends unknown[] } ? Args : never
  ): Promise<Operations[Name] extends { readonly result: infer Result } ? Result : never>;
  /** Waits for the call that runs, and calls each `teardown`. Calls that come later fail with `SHUTTING_DOWN`. */
  close(): Promise<void>;
}

/**
 * Loads operations and calls each `setup`.
 *
 *     import * as myOperations from './my-ops.mjs';
 *     const t = await testOperations(myOperations);   // or testOperations('./my-ops.mjs')
 *     assert.equal(await t.call('primes', 100), 25);
 *     await t.close();
 *
 * @param source the exports of a module, whose types the calls have then; or a path, from the current folder; or a file URL
 * @throws PoolError with one sentence, as the server would say it, where the module cannot be loaded or a `setup` fails
 */
export function testOperations(source: string | URL, options?: TestOptions): Promise<TestedOperations>;
export function testOperations<const Exports extends object>(
  source: Exports,
  options?: TestOptions,
): Promise<TestedOperations<CallsOf<Exports, TestCallOptions>>>;
export async function testOperations(source: string | URL | object, options: TestOptions = {}): Promise<object> {
  const operations = await load(source);
  const bench = new TestBench(operations, options);
  await bench.setUp();
  return bench;
}

function load(source: string | URL | object): Promise<Map<string, LoadedOperation>> {
  if (typeof source !== 'string' && !(source instanceof URL)) return takeOperations({ ...source }, 'the exports given');
  const isUrl = source instanceof URL || source.startsWith('file:');
  return loadOperations([isUrl ? pathToFileURL(fileURLToPath(source)).href : pathToFileURL(source).href], new Map());
}

class TestBench implements TestedOperations {
  readonly logs: LoggedLine[] = [];
  readonly operations: readonly OperationInfo[];
  readonly #loaded: ReadonlyMap<string, LoadedOperation>;
  readonly #options: TestOptions;
  readonly #log = new CauseLog((line) => this.logs.push({ ...line.fields, level: line.level, message: line.message }));
  readonly #states = new ThreadStates((op) => this.#log.forRun({ op }));
  /** Resolves when the calls so far are out of the way. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(loaded: ReadonlyMap<string, LoadedOperation>, options: TestOptions) {
    this.#loaded = loaded;
    this.#options = options;
    this.operations = [...loaded.values()].map(({ info }) => info);
  }

  setUp(): Promise<void> {
    return this.#states.setUp(this.#loaded.values(), () => {});
  }

  async call(name: string, data?: unknown, options: TestCallOptions = {}): Promise<unknown> {
    const { signal, id = randomUUID() } = options;
    if (signal?.aborted) throw cancelled(name, signal);
    const payload = new TextEncoder().encode(encodeData(data, false) ?? '');
    if (this.#isClosed) throw new RequestError('SHUTTING_DOWN', shutsDown);
    const operation = this.#loaded.get(name);
    if (operation === undefined) throw new RequestError('UNKNOWN_OP', noOperation(name));
    const { opTimeoutMs = 300_000 } = this.#options;
    const limits = new RunLimits(name, timeLimit(options.timeoutMs ?? operation.info.timeoutMs, opTimeoutMs));
    const release = signal === undefined ? () => {} : onAbort(signal, () => limits.cancel(cancelled(name, signal)));
    const before = this.#turn;
    const run = limits.guard(before.then(() => this.#run(operation, payload, limits, id)));
    this.#turn = Promise.all([before, run.catch(() => {})]);
    try {
      return await run;
    } finally {
      limits.end();
      release();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    await this.#states.tearDown();
  }

  async #run(operation: LoadedOperation, payload: Uint8Array, limits: RunLimits, id: string): Promise<unknown> {
    if (limits.isOver) return undefined;
    limits.begin();
    const run = { op: operation.info.name, id };
    this.#log.run = run;
    this.#log.cause = undefined;
    const { maxFrameBytes = frameBytesMaxDefault } = this.#options;
    const outcome = await runOperation(operation, payload, maxFrameBytes, {
      log: this.#log,
      signal: () => limits.signal,
      isAborted: () => limits.isOver,
    });
    // One that went on after its end may find another under way.
    if (this.#log.run === run) this.#log.run = {};
    return this.#resultOf(outcome);
  }

  #resultOf(outcome: RunOutcome): unknown {
    if (outcome.kind === 'result') return JSON.parse(new TextDecoder().decode(outcome.json));
    const { cause } = this.#log;
    throw new RequestError(outcome.code, outcome.message, cause === undefined ? {} : { cause });
  }
}

/** Keeps what an operation threw, which a line of the log has as text only; and each line, however many there are. */
class CauseLog extends LogChannel {
  cause: unknown;

  constructor(send: (line: LogLine) => void) {
    let seconds = 0;
    // A second for each line that is written: the budget of lines, which holds for a server, is never used up.
    super(send, logLevels, () => 1000 * seconds++);
  }

  override write(level: LogLevel, fields: unknown, message?: string, run?: { op?: string; id?: string }): void {
    if (level === 'error' && run === undefined) this.cause = (fields as { err?: unknown }).err;
    super.write(level, fields, message, run);
  }
}
