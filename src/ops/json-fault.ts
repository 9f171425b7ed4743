import { types } from 'node:util';

/**
 * Finds the first part of a value that JSON cannot say, in the order in which it would be written, and names its place:
 * `result.items[3].tags is a Map; Object.fromEntries(it) is an object that can be sent`.
 *
 * It goes the way of `JSON.stringify`: a `toJSON` is called, members that are `undefined` or symbols are left out. It needs
 * no stack for the depth of a value. Users' code may have replaced built-ins, so those that are needed are taken here.
 */

const { apply } = Reflect;
const { getPrototypeOf, keys } = Object;
const { isArray } = Array;
const objectPrototype = Object.prototype;
const arrayPrototype = Array.prototype;
const { isFinite: isFiniteNumber } = Number;
const { stringify } = JSON;
const { getTime } = Date.prototype;
const { isInteger } = Number;
const OpenValues = Set;
const { add, has, delete: remove } = Set.prototype;
const AnyError = Error;
const { slice } = String.prototype;
// Not `test`, which calls what `exec` is by then.
const { exec } = RegExp.prototype;
const { valueOf: numberOf } = Number.prototype;
const bufferFrom: (bytes: ArrayBufferLike) => Uint8Array = Buffer.from;
const nameOfTypedArray = Object.getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!
  .get as () => string;
const {
  isAnyArrayBuffer,
  isBoxedPrimitive,
  isDataView,
  isDate,
  isMap,
  isNativeError,
  isNumberObject,
  isPromise,
  isProxy,
  isRegExp,
  isSet,
  isTypedArray,
  isUint8Array,
  isUint8ClampedArray,
  isWeakMap,
  isWeakSet,
} = types;

/** The bytes of a value that is nothing but bytes; `undefined` for all others. */
export function bytesOf(value: unknown): Uint8Array | Uint8ClampedArray | undefined {
  if (isUint8Array(value) || isUint8ClampedArray(value)) return value;
  return isAnyArrayBuffer(value) ? bufferFrom(value) : undefined;
}

/** Deeper values are left to {@link findFault}. */
const sureDepthMax = 100;

/**
 * A quick look at values that `JSON.stringify` has written. True where they are made of plain objects, arrays, texts, finite
 * numbers, booleans and null alone, as nearly all are; false means nothing.
 */
export function isSurelyFine(value: unknown, depth = 0): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return isFiniteNumber(value);
  if (typeof value !== 'object' || depth > sureDepthMax) return false;
  const prototype: unknown = getPrototypeOf(value);
  if (prototype === arrayPrototype) {
    const items = value as unknown[];
    for (let at = 0; at < items.length; at += 1) if (!isSurelyFine(items[at], depth + 1)) return false;
    return true;
  }
  if (prototype !== objectPrototype || 'toJSON' in (value as object)) return false;
  for (const name in value as object) {
    const member = (value as Record<string, unknown>)[name];
    if (member !== undefined && !isSurelyFine(member, depth + 1)) return false;
  }
  return true;
}

/** An array or object on the way to the part that is looked at. */
interface Step {
  readonly value: object;
  /** `undefined` for an array. */
  readonly names: readonly string[] | undefined;
  readonly size: number;
  /** Of the member that comes next. */
  index: number;
}

/**
 * @param root any value
 * @param rootName what the place begins with, as `result`
 * @param isOwnJson is this `toJSON` one that counts? Hidden ones of the server do not.
 * @returns the place and the words, or `undefined` where JSON can say all of it
 * @throws what a getter or `toJSON` of the value throws
 */
export function findFault(root: unknown, rootName: string, isOwnJson: IsOwnJson): string | undefined {
  return new FaultSearch(rootName, isOwnJson).run(root);
}

type IsOwnJson = (toJson: unknown) => boolean;

class FaultSearch {
  readonly #rootName: string;
  readonly #isOwnJson: IsOwnJson;
  readonly #steps: Step[] = [];
  #depth = 0;
  /** The values of the steps. */
  readonly #open = new OpenValues<unknown>();

  constructor(rootName: string, isOwnJson: IsOwnJson) {
    this.#rootName = rootName;
    this.#isOwnJson = isOwnJson;
  }

  run(root: unknown): string | undefined {
    let fault = this.#enter(root, '', 'root');
    while (fault === undefined && this.#depth > 0) {
      const step = this.#steps[this.#depth - 1]!;
      const { index, names } = step;
      if (index >= step.size) {
        this.#depth -= 1;
        apply(remove, this.#open, [step.value]);
        continue;
      }
      step.index = index + 1;
      const key = names === undefined ? index : names[index]!;
      const member = (step.value as Record<string | number, unknown>)[key];
      fault = this.#enter(member, key, names === undefined ? 'item' : 'member');
    }
    return fault === undefined ? undefined : `${this.#placeAt(this.#depth)} ${fault}`;
  }

  /** Looks at the next part, and opens it where it has parts itself. */
  #enter(given: unknown, key: string | number, place: Place): string | undefined {
    const value = afterToJson(given, `${key}`, this.#isOwnJson);
    if (typeof value !== 'object') return faultOfPrimitive(value, place);
    if (value === null || bytesOf(value) !== undefined) return undefined;
    const fault = faultOfType(value);
    if (fault !== undefined || isBoxedPrimitive(value)) return fault;
    if (apply(has, this.#open, [value])) return `is ${this.#placeAt(this.#depthOf(value))} again, in which it is`;
    const names = isArray(value) ? undefined : keys(value);
    if (names?.length === 0 && !isPlain(value)) {
      return `is ${nameOf(value)} without members; give its class a toJSON, or return its parts`;
    }
    const size = names === undefined ? (value as unknown[]).length : names.length;
    this.#steps[this.#depth] = { value, names, size, index: 0 };
    this.#depth += 1;
    apply(add, this.#open, [value]);
    return undefined;
  }

  #depthOf(value: object): number {
    let depth = 0;
    while (this.#steps[depth]!.value !== value) depth += 1;
    return depth;
  }

  #placeAt(depth: number): string {
    return placeOf(this.#rootName, this.#steps, depth);
  }
}

type Place = 'root' | 'item' | 'member';

function faultOfPrimitive(value: unknown, place: Place): string | undefined {
  switch (typeof value) {
    case 'number':
      return isFiniteNumber(value) ? undefined : `is ${value}; null says that there is no number`;
    case 'undefined':
      return place === 'item' ? 'is undefined; null says that there is no value' : undefined;
    case 'symbol':
      return place === 'member' ? undefined : 'is a symbol; its description is text';
    case 'bigint':
      return 'is a BigInt; String(it) or Number(it) can be sent';
    case 'function':
      return 'is a function; is a call of it missing?';
    default:
      return undefined;
  }
}

/** As JSON.stringify does: of an object, a function or a BigInt, once. */
function afterToJson(value: unknown, key: string, isOwnJson: IsOwnJson): unknown {
  const mayHaveOne =
    (typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'bigint';
  if (!mayHaveOne) return value;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON !== 'function' || !isOwnJson(toJSON)) return value;
  // An invalid date is null as JSON, and nobody means that.
  if (isDate(value) && !isInteger(apply(getTime, value, []))) return value;
  return apply(toJSON as () => unknown, value, [key]);
}

/** What JSON has no words for, by its type. */
function faultOfType(value: object): string | undefined {
  if (isMap(value)) return 'is a Map; Object.fromEntries(it) is an object that can be sent';
  if (isSet(value)) return 'is a Set; [...it] is an array that can be sent';
  if (isDate(value)) return 'is an invalid Date';
  if (isPromise(value)) return 'is a promise; is an await missing?';
  if (isTypedArray(value)) {
    return `is ${withArticle(apply(nameOfTypedArray, value, []))}; Array.from(it) is an array, and a Uint8Array of its buffer are bytes`;
  }
  if (isDataView(value)) return 'is a DataView; a Uint8Array of its buffer can be sent, as bytes';
  if (isNativeError(value) || value instanceof AnyError)
    return 'is an error; throw it, or return what is to be told of it';
  if (isRegExp(value)) return 'is a regular expression; its source is text';
  if (isWeakMap(value)) return 'is a WeakMap';
  if (isWeakSet(value)) return 'is a WeakSet';
  if (isNumberObject(value)) return isFiniteNumber(apply(numberOf, value, [])) ? undefined : 'is not a finite number';
  return undefined;
}

/** Of no class of its own; also where it comes from another realm. */
function isPlain(value: object): boolean {
  if (isProxy(value)) return true;
  const prototype: unknown = getPrototypeOf(value);
  return prototype === null || getPrototypeOf(prototype) === null;
}

const classUnitsMax = 64;
const vowel = /^[AEIO]/i;

/** `a Customer`; what a class calls itself may be anything. */
function nameOf(value: object): string {
  const own: unknown = value.constructor;
  const name: unknown = typeof own === 'function' ? own.name : undefined;
  const isName = typeof name === 'string' && name !== '' && name !== 'Object' && name.length <= classUnitsMax;
  return isName ? withArticle(name) : 'an object of a class';
}

function withArticle(name: string): string {
  return apply(exec, vowel, [name]) === null ? `a ${name}` : `an ${name}`;
}

const plainName = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
/** Longer places lose their middle. */
const placeUnitsMax = 400;

/** The place of the member that was looked at last in each of the first steps. */
function placeOf(rootName: string, steps: readonly Step[], depth: number): string {
  let place = rootName;
  for (let at = 0; at < depth; at += 1) {
    const { names, index } = steps[at]!;
    if (names === undefined) place += `[${index - 1}]`;
    else {
      const name = names[index - 1]!;
      place += apply(exec, plainName, [name]) === null ? `[${stringify(name)}]` : `.${name}`;
    }
  }
  if (place.length <= placeUnitsMax) return place;
  const half = placeUnitsMax / 2;
  return `${apply(slice, place, [0, half])}…${apply(slice, place, [-half])}`;
}
