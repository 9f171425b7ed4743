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
 * | throws an `Error` whose `code` is `'BAD_DATA'` or `'OUT_OF_RANGE'` (`new RequestError(code, message)` is one) | that code, and the error's message |
 * | throws anything else | `INTERNAL`; the cause stands in the server's log only |
 * | returns what is not JSON (a cycle, a BigInt), or more than fits into a frame | `INTERNAL`; the cause stands in the log |
 * | kills its thread (`process.exit`, an error outside the promise, out of memory) | it runs once more if `idempotent`, otherwise `WORKER_LOST` |
 * | is cancelled, or its time is up | `CANCELLED` or `DEADLINE_EXCEEDED`, at once. If it has asked for `context.signal` it has a moment to stop; then, or otherwise right away, its thread is ended, which the log tells. What it throws after its signal told it to stop is a `debug` line, unless it is a `TypeError` or another of JavaScript's own |
 */

/**
 * JSON Schema, draft 2020-12, or draft-07 where `$schema` says so, as ajv takes it. A keyword that it does not know is
 * an error at the start. `format` is a note to the reader and is not checked.
 */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** The smallest part of pino's logger that an operation may rely on. Lines reach the server's own log. */
export interface OperationLog {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

export interface OperationContext {
  /**
   * Aborted on cancel (`AbortError`) and when the time is up (`TimeoutError`). Only code that gives the event loop a
   * turn can see it change. Code that never asks for it is ended with its thread at once.
   */
  readonly signal: AbortSignal;
  readonly log: OperationLog;
}

export interface OperationDefinition<Input = unknown, Output = unknown> {
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
  /** Milliseconds a run may take, where the request does not name its own `timeoutMs`. Default: no limit. */
  readonly timeoutMs?: number;
  /** Does the work. What it returns is sent as JSON; `undefined` is sent as `null`. May return a promise. */
  run(data: Input, context: OperationContext): Output | Promise<Output>;
}

const mark: unique symbol = Symbol.for('trama.operation') as never;

export type Operation = OperationDefinition<never, unknown> & { readonly [mark]: true };

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

const memberRules: { readonly [Name in keyof Required<OperationDefinition>]: MemberRule } = {
  description: {
    required: true,
    expected: 'a sentence',
    accepts: (value) => typeof value === 'string' && value.trim() !== '',
  },
  run: { required: true, expected: 'a function', accepts: (value) => typeof value === 'function' },
  input: schemaRule,
  output: schemaRule,
  idempotent: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
  concurrency: {
    expected: 'a whole number from 1',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  },
  timeoutMs: {
    expected: 'milliseconds, a number above 0',
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
  },
};

/**
 * Declares an operation.
 *
 *     import { defineOperation } from 'trama';
 *     export const double = defineOperation<number, number>({
 *       description: 'Doubles a number.',
 *       input: { type: 'number' },
 *       run: (n) => n * 2,
 *     });
 *
 * In TypeScript the two types are those of `data` and of the result; without them `data` is `unknown`. They are what you
 * say they are: only `input` is checked when a request comes, so the first type should say no more than `input` does.
 *
 * @throws TypeError where a member is missing, of another type, or one that operations do not have; the message names it.
 */
export function defineOperation<Input = unknown, Output = unknown>(
  definition: OperationDefinition<Input, Output>,
): OperationDefinition<Input, Output> {
  if (typeof definition !== 'object' || definition === null) {
    throw new TypeError('defineOperation takes an object with at least `description` and `run`');
  }
  for (const name of Object.keys(definition)) {
    if (!Object.hasOwn(memberRules, name))
      throw new TypeError(`an operation has no member \`${name}\`${didYouMean(name)}`);
  }
  for (const [name, rule] of Object.entries(memberRules)) {
    const value = definition[name as keyof OperationDefinition];
    if (value === undefined && rule.required !== true) continue;
    if (!rule.accepts(value)) throw new TypeError(`\`${name}\` of an operation must be ${rule.expected}`);
  }
  return Object.freeze({ ...definition, [mark]: true });
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
