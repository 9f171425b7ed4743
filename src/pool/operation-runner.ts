import { constants } from 'node:buffer';
import type { WireErrorCode } from '../errors.js';
import type { LoadedOperation } from '../ops/load-operations.js';
import { isRangeError, JsonFaultError, stringifyStrictly } from '../ops/strict-json.js';
import { cutText } from '../protocol/cut-text.js';
import { decodeText, encodeText, parseJson } from './intrinsics.js';
import type { LogChannel } from './log-channel.js';
import { errorOutcome } from './messages.js';
import type { Outcome } from './task.js';

/**
 * Runs one of a user's operations on one JSON text, inside a worker thread. Whatever the operation does short of
 * killing the thread ends in one outcome; what is not the caller's business goes to the log.
 *
 * What an operation returns or throws may be anything: getters that throw, revoked proxies, errors of another realm. It is
 * only looked at where a failure of the look has an outcome, too.
 */

/** Codes by which an operation may tell its caller what is wrong. Everything else that it throws is its own defect. */
const codesThatTravel = ['BAD_DATA', 'OUT_OF_RANGE'] as const satisfies readonly WireErrorCode[];
const messageUnitsMax = 1000;
const { MAX_STRING_LENGTH } = constants;

export interface RunContext {
  readonly log: LogChannel;
  /** Called when, and only when, the operation asks for its signal. */
  signal(): AbortSignal;
  /** True once that signal has told the operation to stop: the caller has its answer, and this run's is for nobody. */
  isAborted(): boolean;
}

export type RunOutcome = Extract<Outcome, { kind: 'result' | 'error' }>;

/** @param payload JSON text, known to be well formed; empty means `null` */
export async function runOperation(
  operation: LoadedOperation,
  payload: Uint8Array,
  resultBytesMax: number,
  context: RunContext,
): Promise<RunOutcome> {
  const { name } = operation.info;
  // Kept, since an operation may log when its thread has gone on to the next.
  const { run } = context.log;
  let result: unknown;
  try {
    const data: unknown = payload.byteLength === 0 ? null : parseJson(decodeText(payload));
    const fault = operation.check?.(data);
    if (fault !== undefined) return errorOutcome('BAD_DATA', cutText(fault, messageUnitsMax));
    result = await operation.definition.run(data, {
      get signal() {
        return context.signal();
      },
      get log() {
        return context.log.forRun(run);
      },
      state: operation.state,
    });
  } catch (error) {
    return thrown(error, name, context);
  }
  return encode(result, name, resultBytesMax, context.log);
}

function thrown(error: unknown, name: string, { log, isAborted }: RunContext): RunOutcome {
  const told = forCaller(error);
  if (told !== undefined) return told;
  if (isAborted() && !isMistake(error)) {
    log.write('debug', { err: error }, `operation \`${name}\` stopped, as its signal told it`);
    return errorOutcome('CANCELLED', 'the operation stopped, as its signal told it');
  }
  return defect(`operation \`${name}\` failed`, { err: error }, log);
}

/** What the caller is told of an error that is its business; `undefined` for any other, and for what cannot be read. */
function forCaller(error: unknown): RunOutcome | undefined {
  try {
    const { code, message } = Object(error) as { code?: unknown; message?: unknown };
    const known = codesThatTravel.find((each) => each === code);
    if (known === undefined) return undefined;
    const text = typeof message === 'string' ? message : 'the operation gave no reason as text';
    return errorOutcome(known, cutText(text, messageUnitsMax));
  } catch {
    return undefined;
  }
}

const mistakes: readonly unknown[] = ['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError'];

/**
 * Operations stop with the signal's reason, with an `AbortError` of what they waited for, or with an error of their own:
 * that is what they were asked to do. Only what JavaScript itself throws at faulty code is still worth a look.
 */
function isMistake(error: unknown): boolean {
  try {
    return mistakes.includes((Object(error) as { name?: unknown }).name);
  } catch {
    return true;
  }
}

function encode(result: unknown, name: string, resultBytesMax: number, log: LogChannel): RunOutcome {
  let json: Uint8Array;
  try {
    json = encodeText(stringifyStrictly(result, 'result') ?? 'null');
  } catch (error) {
    return unsayable(error, name, resultBytesMax, log);
  }
  if (json.byteLength <= resultBytesMax) return { kind: 'result', json };
  return tooLarge(`${json.byteLength} bytes`, name, resultBytesMax, log);
}

/** The place of what JSON cannot say is the caller's business: it may be the one who can do something about it. */
function unsayable(error: unknown, name: string, resultBytesMax: number, log: LogChannel): RunOutcome {
  if (JsonFaultError.isOne(error)) {
    const sentence = cutText(`operation \`${name}\` returned what JSON cannot say: ${error.message}`, messageUnitsMax);
    log.write('error', {}, sentence);
    return errorOutcome('INTERNAL', sentence);
  }
  if (isRangeError(error, 'Invalid string length'))
    return tooLarge(`more than ${MAX_STRING_LENGTH} bytes`, name, resultBytesMax, log);
  return defect(`operation \`${name}\` returned what cannot be written as JSON`, { err: error }, log);
}

function tooLarge(size: string, name: string, resultBytesMax: number, log: LogChannel): RunOutcome {
  const sentence = `operation \`${name}\` returned ${size}, and ${resultBytesMax} are allowed (--max-frame-bytes)`;
  log.write('error', { resultBytesMax }, sentence);
  return errorOutcome('INTERNAL', sentence);
}

/** The caller learns which operation failed and how, in general; the cause is for whoever reads the server's log. */
function defect(sentence: string, cause: object, log: LogChannel): RunOutcome {
  log.write('error', cause, sentence);
  return errorOutcome('INTERNAL', `${sentence}; the server's log has the cause`);
}
