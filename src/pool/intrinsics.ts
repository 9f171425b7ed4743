import { StringDecoder } from 'node:string_decoder';
import type { MessagePort } from 'node:worker_threads';

/**
 * The built-in functions that our own code needs in a thread that has loaded users' code, as they were before. An
 * operation that replaces one of them, by mistake or not, must not change what becomes of other clients' bytes.
 *
 * What our own code calls by name is taken here. What the engine and its kin call as methods is locked in place: an
 * assignment to such a built-in fails in the code that tries it. A class that inherits from it may still have its own.
 */

export const { parse: parseJson } = JSON;
export const { load: loadWord, store: storeWord } = Atomics;
export const inLaterTurn = setImmediate;

const textEncoder = new TextEncoder();
/** The UTF-8 of a text. */
export const encodeText: (text: string) => Uint8Array<ArrayBuffer> = textEncoder.encode.bind(textEncoder);

const textDecoder = new StringDecoder('utf8');
/** The text of bytes that are known to be whole characters of UTF-8; they may be shared with other threads. */
export const decodeText: (bytes: Uint8Array) => string = textDecoder.write.bind(textDecoder) as never;

/** A way to send over a port that holds when the port's prototype has changed. */
export function senderOf(port: MessagePort): (message: unknown, transfer: ArrayBuffer[]) => void {
  return port.postMessage.bind(port);
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;

const lockedMethods: readonly (readonly [owner: object, names: readonly string[]])[] = [
  [typedArray, ['set', 'subarray', 'slice', 'fill']],
  [TextEncoder.prototype, ['encode', 'encodeInto']],
  [TextDecoder.prototype, ['decode']],
];
const lockedAccessors = ['buffer', 'byteLength', 'byteOffset', 'length'];
const lockedGlobals = ['Uint8Array', 'Int32Array', 'Uint32Array', 'Number'];

/** To be called before any code of users is loaded. */
export function lockIntrinsics(): void {
  for (const [owner, names] of lockedMethods) for (const name of names) lockMethod(owner, name);
  for (const name of lockedAccessors) Object.defineProperty(typedArray, name, { configurable: false });
  for (const name of lockedGlobals) {
    Object.defineProperty(globalThis, name, { writable: false, configurable: false });
  }
}

/**
 * Not just made read-only: an assignment of the same name to an object that inherits from it would fail as well then, and
 * packages with array types of their own do that.
 */
function lockMethod(owner: object, name: string): void {
  const { value, enumerable = false } = Object.getOwnPropertyDescriptor(owner, name)!;
  const { defineProperty } = Object;
  defineProperty(owner, name, {
    enumerable,
    configurable: false,
    get: () => value,
    set(this: object, own: unknown) {
      if (this === owner) throw new TypeError(`the built-in \`${name}\` cannot be replaced in a worker thread`);
      defineProperty(this, name, { value: own, writable: true, configurable: true, enumerable: true });
    },
  });
}
