import { types } from 'node:util';
import type { OperationLog } from '../ops/define-operation.js';
import { cutText } from '../protocol/cut-text.js';
import { describeThrown } from '../protocol/describe-thrown.js';
import { LineBudget } from './line-budget.js';
import { type LogLevel, type LogLine, logLevels } from './messages.js';

/**
 * A worker's side of the log: lines of operations, and what their code writes to stdout and stderr, go to the server's
 * own log as messages.
 *
 * An operation that logs in a loop must not drown the I/O thread: each thread has a budget of lines, each of some
 * `lineUnitsMax`. What is over that is dropped and counted, and the next line that is sent has the count.
 *
 * What is logged may be anything, and nothing in it can make `write` throw.
 */

const lineUnitsMax = 8192;

// Taken now: an operation may replace what `JSON` has.
const { parse, stringify } = JSON;

/** Members that the server's log writes by itself. A line of an operation has its own under the name and an underscore. */
const reservedNames: ReadonlySet<string> = new Set([
  ...['level', 'time', 'pid', 'hostname', 'name', 'msg', 'v'],
  ...['op', 'id', 'thread', 'linesDropped'],
]);

/** What each line of a run has, so that it can be matched to the reply. */
export interface RunName {
  readonly op?: string;
  /** The request's id. */
  readonly id?: string | undefined;
}

export class LogChannel {
  readonly #send: (line: LogLine) => void;
  readonly #levels: readonly LogLevel[];
  readonly #budget: LineBudget;
  /** The run under way: what the thread writes to its streams is put down to it. */
  run: RunName = {};

  /**
   * @param levels those that are sent; lines of others cost nothing
   * @param nowMs a clock that does not go back
   */
  constructor(send: (line: LogLine) => void, levels: readonly LogLevel[] = logLevels, nowMs?: () => number) {
    this.#send = send;
    this.#levels = levels;
    this.#budget = new LineBudget(nowMs);
  }

  /** What an operation gets as `context.log`. Its lines have the run's name even where it logs after it has returned. */
  forRun(run: RunName): OperationLog {
    const at = (level: LogLevel) => (fields: object, message?: string) => this.write(level, fields, message, run);
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  /** Sends a line, or counts it as dropped. `fields` may be anything that a user's code passes, a plain text too. */
  write(level: LogLevel, fields: unknown, message?: string, run: RunName = this.run): void {
    if (this.#levels.includes(level) && this.#budget.take()) this.#post(level, fields, message, run);
  }

  /** Says how many lines were dropped, where some were and a line may be sent: an operation has just finished. */
  mentionDropped(): void {
    if (this.#budget.takeForDropped())
      this.#post('warn', {}, 'lines of the log were dropped: too many at once', this.run);
  }

  #post(level: LogLevel, fields: unknown, message: string | undefined, run: RunName): void {
    const [plain, text] = readable(fields, message);
    const about: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(plain)) about[reservedNames.has(name) ? `${name}_` : name] = value;
    if (run.op !== undefined) about.op = run.op;
    if (run.id !== undefined) about.id = run.id;
    Object.assign(about, this.#budget.dropped());
    this.#send({ type: 'log', level, fields: about, message: text });
  }
}

/**
 * Sends what is written to the thread's stdout and stderr through the log: `console.log` of a user's code must not
 * get between the lines of JSON that the server's stdout is.
 */
export function captureStandardStreams(log: LogChannel): void {
  capture(process.stdout, (text) => log.write('info', { stream: 'stdout' }, text));
  capture(process.stderr, (text) => log.write('warn', { stream: 'stderr' }, text));
}

function capture(stream: NodeJS.WriteStream, take: (text: string) => void): void {
  const write = (
    chunk: string | Uint8Array,
    encodingOrDone?: BufferEncoding | ((error?: Error) => void),
    done?: (error?: Error) => void,
  ): boolean => {
    const encoding = typeof encodingOrDone === 'string' ? encodingOrDone : undefined;
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString(encoding);
    if (text.trim() !== '') take(text.replace(/\n$/, ''));
    const written = typeof encodingOrDone === 'function' ? encodingOrDone : done;
    if (written !== undefined) process.nextTick(written);
    return true;
  };
  Object.defineProperty(stream, 'write', { value: write, writable: true, configurable: true });
}

/** As pino takes them: a text or an error may be where the fields are. */
function readable(fields: unknown, message: unknown): [fields: object, text: string | undefined] {
  try {
    const text = message === undefined ? undefined : cut(String(message));
    if (typeof fields === 'string') return [{}, cut(fields)];
    if (isError(fields)) return [plainFields({ err: fields }), text ?? cut(String(fields.message))];
    return [plainFields(fields), text];
  } catch (error) {
    return [{ unreadableFields: cut(describeThrown(error)) }, undefined];
  }
}

/** What of a line's fields can cross threads and be written as JSON, not larger than a line may be. */
function plainFields(fields: unknown): object {
  let json: string | undefined;
  try {
    json = stringify(fields, (_name, value) => plainValue(value));
  } catch (error) {
    return { unreadableFields: cut(describeThrown(error)) };
  }
  if (json === undefined) return {};
  if (json.length > lineUnitsMax) return { fieldsCut: cut(json) };
  const plain: unknown = parse(json);
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain) ? plain : { value: plain };
}

/** Errors and big integers, which JSON would lose or refuse. The shape of an error is the one that pino writes. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!isError(value)) return value;
  const { message, stack, cause } = value;
  return { ...value, type: typeOf(value), message, stack, ...(isError(cause) && { cause }) };
}

/** Also one of another realm, such as a context of `node:vm`. */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

/** Many classes of errors never set `name`, which is `Error` then. */
function typeOf(error: Error): string {
  return error.name === 'Error' ? error.constructor.name : error.name;
}

/**
 * The fields of a line that has crossed threads, so that pino tells the type of its error. pino takes the type from the
 * constructor, which is `Object` by now, and only where there is none from `name`.
 */
export function withErrorType(fields: LogLine['fields']): LogLine['fields'] {
  const { err } = fields;
  if (typeof err !== 'object' || err === null || typeof (err as { type?: unknown }).type !== 'string') return fields;
  const { type } = err as { type: string };
  const typed = Object.defineProperties(
    { ...err },
    { constructor: { value: undefined, enumerable: false }, name: { value: type, enumerable: false } },
  );
  return { ...fields, err: typed };
}

function cut(text: string): string {
  return text.length <= lineUnitsMax ? text : `${cutText(text, lineUnitsMax)} (${text.length} characters)`;
}
