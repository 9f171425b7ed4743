/**
 * What a user writes to add an operation. A module given with `--ops` exports operations by name:
 *
 *     export const wordCount = defineOperation({ description: '…', run: (text) => … });
 *
 * The export's name is the operation's name. Operations run in the pool's threads only.
 */

/** JSON Schema (draft 2020-12 or draft-07), as ajv takes it. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** The smallest part of pino's logger that an operation may rely on. Lines reach the server's own log. */
export interface OperationLog {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

export interface OperationContext {
  /** Aborted on cancel and when the time is up. Code that never looks at it is ended with its thread. */
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

/**
 * Declares an operation.
 * @throws TypeError where a member is missing or of another type; the message names it.
 */
export function defineOperation<Input = unknown, Output = unknown>(
  definition: OperationDefinition<Input, Output>,
): OperationDefinition<Input, Output> {
  return Object.freeze({ ...definition, [mark]: true });
}

/** True for what {@link defineOperation} returned, in this or another copy of the package. */
export function isOperation(value: unknown): value is Operation {
  return typeof value === 'object' && value !== null && (value as { [mark]?: unknown })[mark] === true;
}
