/**
 * Checks of what callers give, one clear sentence each. Values of another realm (an iframe, `node:vm`) have other
 * constructors, so they are known by their shape and never by `instanceof`.
 */

const typedArrayTag = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)!.get!;

/** What a value is, for a message. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (ArrayBuffer.isView(value)) return `a ${(typedArrayTag.call(value) as string | undefined) ?? 'DataView'}`;
  if (value === undefined) return 'undefined';
  return `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** The message of whatever was thrown. The error path trusts nothing: a getter or a proxy may throw in its turn. */
export function messageOf(thrown: unknown): string {
  try {
    const { message } = thrown as { message?: unknown };
    return typeof message === 'string' ? message : String(thrown);
  } catch {
    try {
      return String(thrown);
    } catch {
      return 'an error that cannot be read';
    }
  }
}

/** @throws TypeError */
export function checkObject(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null)
    throw new TypeError(`${name} must be an object, not ${kindOf(value)}.`);
}

/** @throws TypeError */
export function checkString(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${kindOf(value)}.`);
  return value;
}

/** @throws TypeError */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${name} must be a function, not ${kindOf(value)}.`);
}

/** @throws TypeError */
export function checkBoolean(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new TypeError(`${name} must be true or false, not ${kindOf(value)}.`);
  }
}

/** A number from `min` to `max`. @throws TypeError for another type @throws RangeError for another number */
export function checkNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number from ${min} to ${max}, not ${kindOf(value)}.`);
  }
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name} must be a number from ${min} to ${max}, not ${value}.`);
  }
  return value;
}

/** A whole number from `min` to `max`, or Infinity where `max` is. @throws TypeError @throws RangeError */
export function checkWhole(name: string, value: unknown, min: number, max: number): number {
  const number = checkNumber(name, value, min, max);
  if (!Number.isInteger(number) && number !== Number.POSITIVE_INFINITY) {
    throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${number}.`);
  }
  return number;
}

/** @throws TypeError for what has not the shape of an AbortSignal */
export function checkSignal(value: unknown): void {
  if (value === undefined) return;
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') {
    throw new TypeError(`signal must be an AbortSignal, not ${kindOf(value)}.`);
  }
}

/** Is it a Uint8Array, of whatever realm? A Buffer is one. */
export function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && typedArrayTag.call(value) === 'Uint8Array';
}

/** Was the memory of these bytes given away? Their length is 0 then, as if there were none. */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.byteLength > 0) return false;
  try {
    new Uint8Array(bytes.buffer);
    return false;
  } catch {
    return true;
  }
}

/**
 * Data as JSON text in UTF-8. Shared memory is copied: another thread may change it while it is sent.
 * @throws TypeError
 */
export function checkBytes(name: string, value: unknown): Uint8Array {
  if (!isBytes(value)) throw new TypeError(`${name} must be a Uint8Array or a Buffer, not ${kindOf(value)}.`);
  if (isDetached(value)) throw new TypeError(`${name} has lost its memory: its buffer was transferred elsewhere.`);
  return isShared(value) ? value.slice() : value;
}

export function isShared(bytes: Uint8Array): boolean {
  return Object.prototype.toString.call(bytes.buffer) === '[object SharedArrayBuffer]';
}
