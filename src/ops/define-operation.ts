import type { DataOf } from './data-of.js';

/**
 * What a user writes to add an operation. A module given with `--ops` exports operations by name:
 *
 *     import { defineOperation } from 'trama';
 *     export const wordCount = defineOperation({ description: '…', run: (text) => … });
 *
 * The export's name is the operation's name. Operations run in the pool's threads only, one task at a time in each
 * thread. Each thread imports the module by itself: what it keeps in variables is not shared between threads.
 *
 * What ends a run, and what the caller is told:
 *
 * | the operation | reply |
 * | --- | --- |
 * | returns, or its promise resolves | the value as JSON |
 * | throws something whose `code` is `'BAD_DATA'` or `'OUT_OF_RANGE'` (`new RequestError(code, message)` is one) | that code, and the error's message, cut to 1,000 characters |
 * | throws anything else | `INTERNAL`; the cause is in the server's log only |
 * | returns what JSON cannot say, or would spoil without a word (see below) | `INTERNAL`, with the place and what it is |
 * | returns more than `--max-frame-bytes` | `INTERNAL`, with both sizes |
 * | kills its thread (`process.exit`, an error outside the promise, out of memory) | it runs once more if `idempotent`, otherwise `WORKER_LOST` |
 * | kills its thread again and again | `WORKER_LOST` at once, with `retryAfterMs`: it is not tried for a while |
 * | leaves something behind that keeps its thread from answering | its value; the thread is ended a second later, which the log tells |
 * | is cancelled, or its time is up | `CANCELLED` or `DEADLINE_EXCEEDED`, at once. If it has asked for `context.signal` it has a moment to stop; then, or otherwise right away, its thread is ended, which the log tells. What it throws after its signal told it to stop is a `debug` line, unless it is a `TypeError` or another of JavaScript's own |
 *
 * Results are written as `JSON.stringify` writes them: dates as text, members that are `undefined` not at all, whatever has a
 * `toJSON` by that. Bytes (a `Uint8Array`, a `Buffer`, an `ArrayBuffer`) are their base64 text; `output` says it with
 * `{ type: 'string', contentEncoding: 'base64' }`. Where something would be lost, the caller gets an error and not half a
 * result: a Map or Set, another typed array, a function, a BigInt, NaN or an infinity, `undefined` or a symbol as an item of an
 * array, a promise that nobody awaited, an invalid date, an error, a regular expression, an object of a class that has no
 * members, a cycle. Convert these, or give their class a `toJSON`.
 *
 * In a worker thread a few built-ins cannot be replaced, such as `Uint8Array.prototype.set`: an assignment to one throws.
 */

/**
 * JSON Schema, draft 2020-12, or draft-07 where `$schema` says so, as ajv takes it. A keyword that it does not know is
 * an error at the start. `format` is a note to the reader and is not checked.
 */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/**
 * The smallest part of pino's logger that an operation may rely on. Lines reach the server's own log. A member that the
 * server writes by itself, such as `level`, `time` or `id`, gets an underscore after its name.
 */
export interface OperationLog {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

export interface OperationContext<State = unknown> {
  /**
   * Aborted on cancel (`AbortError`) and when the time is up (`TimeoutError`). Only code that gives the event loop a
   * turn can see it change. Code that never asks for it is ended with its thread at once.
   */
  readonly signal: AbortSignal;
  readonly log: OperationLog;
  /** What `setup` has returned in this thread. */
  readonly state: State;
}

export interface OperationDefinition<Input = unknown, Output = unknown, State = unknown> {
  /** One sentence; `$ops` and the console show it. */
  readonly description: string;
  /** JSON Schema of `data`. What does not fit is answered with `BAD_DATA` and never reaches `run`. */
  readonly input?: JsonSchema;
  /** JSON Schema of the result, for readers and generated clients; it is not checked. */
  readonly output?: JsonSchema;
  /** May the operation run again when the thread that ran it died? Default `false`. */
  readonly idempotent?: boolean;
  /** At most this many run at once in the server. Default: as many as there are workers. */
  readonly concurrency?: number;
  /** Milliseconds a run may take, where the request does not name its own `timeoutMs`. Default: `--op-timeout-ms`. */
  readonly timeoutMs?: number;
  /**
   * Called once in each thread, before the thread takes work; what it returns is `context.state`. For what is slow to make and
   * serves many runs: a model, a pool of connections. Operations with the very same function share what it returns. The
   * thread has 30 seconds to load the modules and do this; where it throws, the thread cannot start.
   */
  setup?(context: SetupContext): State | Promise<State>;
  /**
   * Called once for what `setup` has made, when a thread ends in order: at a shutdown, a reload, or because it is not needed any
   * more. It has five seconds. A thread that is ended for its task, or dies, has no time for it.
   */
  teardown?(state: State, context: SetupContext): unknown;
  /** Does the work. What it returns is sent as JSON; `undefined` is sent as `null`. May return a promise. */
  run(data: Input, context: OperationContext<State>): Output | Promise<Output>;
}

/** What `setup` and `teardown` get. */
export interface SetupContext {
  readonly log: OperationLog;
}

const mark: unique symbol = Symbol.for('trama.operation') as never;

export type Operation = OperationDefinition<never> & { readonly [mark]: true };

/** What no `run` takes: without named types, the type of `data` is that of the schema and no other. */
interface TypesAreNotNamed {
  readonly [mark]: never;
}

/** A definition whose `input` says what the type of `data` is. */
type DefinitionBySchema<Schema extends JsonSchema, State, Output> = Omit<
  OperationDefinition<DataOf<Schema>, Output, State>,
  'input'
> & { readonly input?: Schema };

/** How a member is checked, and what to say of one that is not so. */
interface MemberRule {
  readonly required?: true;
  readonly expected: string;
  accepts(value: unknown): boolean;
}

const schemaRule: MemberRule = {
  expected: 'a JSON Schema: an object or a boolean',
  accepts: (value) =>
    typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value)),
};

const functionRule: MemberRule = { expected: 'a function', accepts: (value) => typeof value === 'function' };

const memberRules: { readonly [Name in keyof Required<OperationDefinition>]: MemberRule } = {
  description: {
    required: true,
    expected: 'a sentence',
    accepts: (value) => typeof value === 'string' && value.trim() !== '',
  },
  run: { required: true, ...functionRule },
  setup: functionRule,
  teardown: functionRule,
  input: schemaRule,
  output: schemaRule,
  idempotent: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
  concurrency: {
    expected: 'a whole number from 1',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  },
  timeoutMs: {
    expected: 'milliseconds, a number from 1',
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value >= 1,
  },
};

/**
 * Declares an operation.
 *
 *     import { defineOperation } from 'trama';
 *     export const double = defineOperation({
 *       description: 'Doubles a number.',
 *       input: { type: 'number' },
 *       run: (n) => n * 2,
 *     });
 *
 * In TypeScript the type of `data` follows from `input`, see {@link DataOf}; without one it is `unknown`. The type of
 * `context.state` follows from `setup`, which has to stand before `run` where it takes its context.
 *
 * @throws TypeError where a member is missing, of another type, or one that operations do not have; the message names it.
 */
export function defineOperation<const Schema extends JsonSchema, State, Output>(
  definition: DefinitionBySchema<Schema, State, Output>,
): OperationDefinition<DataOf<Schema>, Output, State>;
/**
 * With types that are named, `defineOperation<Input, Output>`: they are what you say they are. Only `input` is checked when a
 * request comes, so the first type should say no more than `input` does.
 */
export function defineOperation<Input = TypesAreNotNamed, Output = unknown, State = unknown>(
  definition: OperationDefinition<NoInfer<Input>, Output, State>,
): OperationDefinition<Input, Output, State>;
export function defineOperation(definition: OperationDefinition): OperationDefinition {
  if (typeof definition !== 'object' || definition === null) {
    throw new TypeError('defineOperation takes an object with at least `description` and `run`');
  }
  for (const name of Object.keys(definition)) {
    if (!Object.hasOwn(memberRules, name))
      throw new TypeError(`an operation has no member \`${name}\`${didYouMean(name)}`);
  }
  checkMembers(definition);
  return Object.freeze({ ...definition, [mark]: true });
}

/**
 * Checks the members of what calls itself an operation: another copy of the package, or nobody, may have checked it.
 * @throws TypeError that names the first member that is wrong
 */
export function checkMembers(definition: object): void {
  for (const [name, rule] of Object.entries(memberRules)) {
    const value = (definition as Record<string, unknown>)[name];
    if (value === undefined && rule.required !== true) continue;
    if (!rule.accepts(value)) throw new TypeError(`\`${name}\` of an operation must be ${rule.expected}`);
  }
  const { setup, teardown } = definition as Partial<OperationDefinition>;
  if (teardown !== undefined && setup === undefined) {
    throw new TypeError('`teardown` of an operation needs a `setup`: it takes what that returns');
  }
}

function didYouMean(name: string): string {
  const folded = name.toLowerCase();
  const near = Object.keys(memberRules).find((known) => {
    const other = known.toLowerCase();
    return other.startsWith(folded) || folded.startsWith(other);
  });
  return near === undefined ? `; it may have ${Object.keys(memberRules).join(', ')}` : `; did you mean \`${near}\`?`;
}

/** True for what {@link defineOperation} returned, in this or another copy of the package. */
export function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && (value as { [mark]?: unknown })[mark] === true;
}
