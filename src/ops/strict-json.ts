import { bytesOf, findFault, isSurelyFine } from './json-fault.js';

/**
 * JSON text of what an operation returns, where nothing is lost without a word. `JSON.stringify` writes a Map as `{}`, NaN
 * as `null`, a typed array as `{"0":…}` and a promise that nobody awaited as `{}`. Here bytes (a Uint8Array, a Buffer, an
 * ArrayBuffer) are their base64 text, and all else that JSON cannot say is an error that names its place.
 *
 * A result that is plain JSON must cost no more than `JSON.stringify`. So the types that JSON cannot say are given a hidden
 * `toJSON`, which does its work while this module writes and else does what was done before. What has none, such as NaN,
 * leaves a `null` or a `{}` in the text, and bytes that a `toJSON` returned a `{"0":`: only where there is one, the value is
 * looked at once more. A `toJSON` of a class's own goes before all of this.
 */

const { stringify } = JSON;
const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { apply } = Reflect;
const { exec } = RegExp.prototype;
const TooLargeError = RangeError;
const { toString: bufferText } = Buffer.prototype;
const bufferOf = Buffer.from as (buffer: ArrayBufferLike, offset: number, length: number) => Buffer;

/** The value has a part that JSON cannot say. `message` begins with its place and its words. */
export class JsonFaultError extends Error {
  override readonly name = 'JsonFaultError';
  readonly #isOne = true;

  /** What was thrown may be anything, also what `instanceof` cannot look at. */
  static isOne(thrown: unknown): thrown is JsonFaultError {
    return typeof thrown === 'object' && thrown !== null && #isOne in thrown && thrown.#isOne;
  }
}

/** Prototypes of what is bytes, or what JSON cannot say. */
const guarded: readonly object[] = [
  Buffer.prototype,
  getPrototypeOf(Uint8Array.prototype),
  ArrayBuffer.prototype,
  SharedArrayBuffer.prototype,
  DataView.prototype,
  Map.prototype,
  Set.prototype,
  WeakMap.prototype,
  WeakSet.prototype,
  Promise.prototype,
  RegExp.prototype,
  Error.prototype,
  Function.prototype,
];

/** Thrown by the hidden ones to stop `JSON.stringify`: a search then finds the place. */
const refusal = new TypeError('the value has a part that JSON cannot say');

let isGuarding = false;
let isWriting = false;
/** The hidden ones. */
const own: unknown[] = [];

/** Gives the types their `toJSON`. To be called before any code of users is loaded; a second call does nothing. */
export function guardJson(): void {
  if (isGuarding) return;
  isGuarding = true;
  for (const prototype of guarded) guard(prototype);
}

function guard(prototype: object): void {
  const before: unknown = getOwnPropertyDescriptor(prototype, 'toJSON')?.value;
  function toJSON(this: unknown, key: string): unknown {
    if (!isWriting) return typeof before === 'function' ? apply(before, this, [key]) : this;
    const bytes = bytesOf(this);
    if (bytes === undefined) throw refusal;
    return base64(bytes);
  }
  own[own.length] = toJSON;
  defineProperty(prototype, 'toJSON', { value: toJSON, writable: true, configurable: true, enumerable: false });
}

function base64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return apply(bufferText, bufferOf(buffer, byteOffset, byteLength), ['base64']);
}

/**
 * Without {@link guardJson} each part is looked at, which is slower. With it, one part goes unseen: what is of another realm, or
 * what a `toJSON` returned, where JSON cannot say it and its text has neither a `null` nor looks empty or like bytes, as that
 * of an error with a `code`.
 * @param name what places begin with, as `result`
 * @returns `undefined` where the value itself is `undefined`
 * @throws JsonFaultError that names the place: `result.items[3] is a Map; …`; whatever JSON.stringify, or a `toJSON` or
 *   getter of the value, throws
 */
export function stringifyStrictly(value: unknown, name: string): string | undefined {
  const json = written(value, name, isGuarding ? stringifyGuarded : stringifyWithBytes);
  if (isGuarding && json !== undefined && apply(exec, trace, [json]) === null) return json;
  if (isSurelyFine(value)) return json;
  refuseFaults(value, name);
  const mayLackBytes = isGuarding && json !== undefined && apply(exec, traceOfBytes, [json]) !== null;
  return mayLackBytes ? written(value, name, stringifyWithBytes) : json;
}

function written(value: unknown, name: string, write: (value: unknown) => string | undefined): string | undefined {
  try {
    return write(value);
  } catch (error) {
    throw causeOf(error, value, name);
  }
}

/** What a part that JSON cannot say, or that is bytes, leaves in the text where no hidden `toJSON` was called for it. */
const trace = /null|\{\}|\{"0":/;
const traceOfBytes = /\{\}|\{"0":/;

function stringifyGuarded(value: unknown): string | undefined {
  isWriting = true;
  try {
    return stringify(value);
  } finally {
    isWriting = false;
  }
}

/** Slower; it also takes bytes of another realm, and those that a `toJSON` returns. */
function stringifyWithBytes(value: unknown): string | undefined {
  return stringify(value, withBytes);
}

/** For `JSON.stringify`: bytes as base64, unless their class has a `toJSON` of its own. `value` is what a `toJSON` returned. */
function withBytes(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key];
  const bytes = bytesOf(original);
  const isBytes = bytes !== undefined && !isOwnJson((original as { toJSON?: unknown }).toJSON);
  const found = isBytes ? bytes : bytesOf(value);
  return found === undefined ? value : base64(found);
}

const ofBuffers: unknown = Buffer.prototype.toJSON;

/** Is it a user's, and not Node's or one of the hidden ones? */
function isOwnJson(toJson: unknown): boolean {
  if (typeof toJson !== 'function' || toJson === ofBuffers) return false;
  for (let at = 0; at < own.length; at += 1) if (own[at] === toJson) return false;
  return true;
}

function refuseFaults(value: unknown, name: string): void {
  const fault = findFault(value, name, isOwnJson);
  if (fault !== undefined) throw new JsonFaultError(fault);
}

/**
 * What to throw for what came out of `JSON.stringify`: cycles and BigInts are errors of its own, without a place.
 *
 * A value that has no end, since its `toJSON` makes ever more of it, fills the stack. A search through it would have no end
 * either, so there is none then.
 */
function causeOf(error: unknown, value: unknown, name: string): unknown {
  if (isRangeError(error, 'Maximum call stack size exceeded'))
    return new JsonFaultError(`${name} is nested too deeply`);
  try {
    refuseFaults(value, name);
  } catch (fault) {
    return fault;
  }
  return error;
}

/** Is it the error that V8 throws with this message? It may be anything. */
export function isRangeError(error: unknown, message: string): boolean {
  try {
    return error instanceof TooLargeError && error.message === message;
  } catch {
    return false;
  }
}
