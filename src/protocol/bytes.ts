/** The check of bytes that a caller hands to a public method. */

const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get as (
  this: unknown,
) => string | undefined;

/**
 * Returns a Uint8Array, also one of another realm (a frame, a `vm` context) or over shared memory.
 * @param what the bytes and who takes them, as the subject of a sentence: `sum takes … `
 * @throws TypeError for anything else, and for bytes whose memory was transferred away: they are not an empty array
 */
export function checkBytes(value: unknown, what: string): Uint8Array {
  if (tagOf.call(value) !== 'Uint8Array') throw new TypeError(`${what} as a Uint8Array; it was given ${kindOf(value)}`);
  const bytes = value as Uint8Array;
  if (bytes.length === 0 && isDetached(bytes.buffer)) {
    throw new TypeError(`${what} as a Uint8Array; the memory of the one it was given was transferred away`);
  }
  return bytes;
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`;
}
