import { isWireErrorCode, type WireErrorCode } from '../errors.js';
import type { LoadedOperation } from '../ops/load-operations.js';
import type { LogChannel } from './log-channel.js';
import { errorOutcome } from './messages.js';
import type { Outcome } from './task.js';

/**
 * Runs one of a user's operations on one JSON text, inside a worker thread. Whatever the operation does short of
 * killing the thread ends in one outcome; what is not the caller's business goes to the log.
 */

/** Codes by which an operation may tell its caller what is wrong. Everything else that it throws is its own defect. */
const codesThatTravel: readonly WireErrorCode[] = ['BAD_DATA', 'OUT_OF_RANGE'];
const messageCharactersMax = 1000;
const encoder = new TextEncoder();

export interface RunContext {
  readonly log: LogChannel;
  /** Called when, and only when, the operation asks for its signal. */
  signal(): AbortSignal;
  /** True once that signal has told the operation to stop: the caller has its answer, and this run's is for nobody. */
  isAborted(): boolean;
}

/** @param payload JSON text, known to be well formed; empty stands for `null` */
export async function runOperation(
  operation: LoadedOperation,
  payload: Uint8Array,
  resultBytesMax: number,
  context: RunContext,
): Promise<Outcome> {
  // Kept, since an operation may log when its thread has gone on to the next.
  const { run } = context.log;
  const data = parse(payload);
  const fault = operation.check?.(data);
  if (fault !== undefined) return errorOutcome('BAD_DATA', cut(fault));
  let result: unknown;
  try {
    result = await operation.definition.run(data, {
      get signal() {
        return context.signal();
      },
      get log() {
        return context.log.forRun(run);
      },
    });
  } catch (error) {
    return thrown(error, operation.info.name, context);
  }
  return encode(result, operation.info.name, resultBytesMax, context.log);
}

function parse(payload: Uint8Array): unknown {
  if (payload.byteLength === 0) return null;
  return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'));
}

function thrown(error: unknown, name: string, { log, isAborted }: RunContext): Outcome {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  if (typeof code === 'string' && isWireErrorCode(code) && codesThatTravel.includes(code)) {
    return errorOutcome(code, cut((error as Error).message));
  }
  if (isAborted() && !isMistake(error)) {
    log.write('debug', { err: error }, `operation \`${name}\` stopped, as its signal told it`);
    return errorOutcome('CANCELLED', 'the operation stopped, as its signal told it');
  }
  return defect(`operation \`${name}\` failed`, { err: error }, log);
}

/**
 * Operations stop with the signal's reason, with an `AbortError` of what they waited for, or with an error of their own:
 * that is what they were asked to do. Only what JavaScript itself throws at faulty code is still worth a look.
 */
function isMistake(error: unknown): boolean {
  return [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
}

function encode(result: unknown, name: string, resultBytesMax: number, log: LogChannel): Outcome {
  let json: Uint8Array;
  try {
    json = encoder.encode(JSON.stringify(result) ?? 'null');
  } catch (error) {
    return defect(`operation \`${name}\` returned what cannot be written as JSON`, { err: error }, log);
  }
  if (json.byteLength > resultBytesMax) {
    const sizes = { resultBytes: json.byteLength, resultBytesMax };
    return defect(`operation \`${name}\` returned more than fits into a frame`, sizes, log);
  }
  return { kind: 'result', json };
}

/** The caller learns which operation failed and how, in general; the cause is for whoever reads the server's log. */
function defect(sentence: string, cause: object, log: LogChannel): Outcome {
  log.write('error', cause, sentence);
  return errorOutcome('INTERNAL', `${sentence}; the server's log has the cause`);
}

function cut(text: string): string {
  return text.length <= messageCharactersMax ? text : `${text.slice(0, messageCharactersMax)}…`;
}
