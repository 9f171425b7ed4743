import type { OperationLog } from '../ops/define-operation.js';
import { type LogLevel, type LogLine, logLevels } from './messages.js';

/**
 * A worker's side of the log: lines of operations, and what their code writes to stdout and stderr, go to the server's
 * own log as messages.
 *
 * An operation that logs in a loop must not drown the I/O thread: a thread may send `linesBurst` lines at once and
 * `linesPerSecond` in the long run, each of some `lineCharactersMax`. What is over that is dropped and counted, and the
 * count stands on the next line that is sent.
 */

const linesBurst = 100;
const linesPerSecond = 20;
const lineCharactersMax = 8192;

export class LogChannel {
  readonly #send: (line: LogLine) => void;
  readonly #levels: readonly LogLevel[];
  readonly #nowMs: () => number;
  #tokens = linesBurst;
  #refilledAtMs: number;
  #dropped = 0;
  /** The operation that runs: what the thread writes to its streams is put down to it. */
  op: string | undefined;

  /**
   * @param levels those that are sent; lines of others cost nothing
   * @param nowMs a clock that does not go back
   */
  constructor(
    send: (line: LogLine) => void,
    levels: readonly LogLevel[] = logLevels,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#send = send;
    this.#levels = levels;
    this.#nowMs = nowMs;
    this.#refilledAtMs = nowMs();
  }

  /** What an operation gets as `context.log`. Its lines bear its name even where it logs after it has returned. */
  forOperation(op: string): OperationLog {
    const at = (level: LogLevel) => (fields: object, message?: string) => this.write(level, fields, message, op);
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  /** Sends a line, or counts it as dropped. `fields` may be anything that a user's code passes, a plain text too. */
  write(level: LogLevel, fields: unknown, message?: string, op: string | undefined = this.op): void {
    if (!this.#levels.includes(level)) return;
    if (!this.#take()) {
      this.#dropped += 1;
      return;
    }
    this.#post(level, fields, message, op);
  }

  /** Says how many lines were dropped, where some were and a line may be sent: an operation has just finished. */
  mentionDropped(): void {
    if (this.#dropped > 0 && this.#take())
      this.#post('warn', {}, 'lines of the log were dropped: too many at once', this.op);
  }

  #post(level: LogLevel, fields: unknown, message: string | undefined, op: string | undefined): void {
    const [plain, text] = typeof fields === 'string' ? [{}, fields] : [plainFields(fields), message];
    const about: Record<string, unknown> = { ...plain };
    if (op !== undefined) about.op = op;
    if (this.#dropped > 0) about.linesDropped = this.#dropped;
    this.#dropped = 0;
    this.#send({ type: 'log', level, fields: about, message: text === undefined ? undefined : cut(String(text)) });
  }

  #take(): boolean {
    const nowMs = this.#nowMs();
    this.#tokens = Math.min(linesBurst, this.#tokens + ((nowMs - this.#refilledAtMs) / 1000) * linesPerSecond);
    this.#refilledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/**
 * Sends what is written to the thread's stdout and stderr through the log: `console.log` of a user's code must not
 * stand between the lines of JSON that the server's stdout is.
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

/** What of a line's fields can cross threads and be written as JSON, not larger than a line may be. */
function plainFields(fields: unknown): object {
  let json: string | undefined;
  try {
    json = JSON.stringify(fields, (_name, value) => plainValue(value));
  } catch (error) {
    return { unreadableFields: cut(String(error)) };
  }
  if (json === undefined) return {};
  if (json.length > lineCharactersMax) return { fieldsCut: cut(json) };
  const plain: unknown = JSON.parse(json);
  return typeof plain === 'object' && plain !== null && !Array.isArray(plain) ? plain : { value: plain };
}

/** Errors and big integers, which JSON would lose or refuse. The shape of an error is the one that pino writes. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  return Object.assign({ type: value.name, message: value.message, stack: value.stack }, value);
}

function cut(text: string): string {
  return text.length <= lineCharactersMax ? text : `${text.slice(0, lineCharactersMax)}… (${text.length} characters)`;
}
