import { unlessOutOfMemory } from './large-buffers.js';

/** Mappings that are in use at once: Linux allows a process 65,530 (`vm.max_map_count`), and others need some too. */
const mappedMax = 8192;

/**
 * Buffers of one size for what peers make wait, each a mapping of its own, so that its memory is given back to the system
 * at once: what `malloc` gave stays with the process for as long as anything that was given later is in use.
 */
export class MappedBuffers {
  readonly #bytes: number;
  readonly #idleMax: number;
  readonly #idle: Uint8Array[] = [];
  #mapped = 0;

  /**
   * @param bytes of each
   * @param idleMax so many are kept for the next that wants one
   */
  constructor(bytes: number, idleMax: number) {
    this.#bytes = bytes;
    this.#idleMax = idleMax;
  }

  /** All of a buffer; what stands in it is old. */
  take(): Uint8Array {
    return this.#idle.pop() ?? this.#map() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  /** Nobody reads the buffer of these bytes any more, the kernel neither. Others than those of `take` are left alone. */
  putBack({ buffer }: Uint8Array): void {
    if (!(buffer instanceof ArrayBuffer) || !buffer.resizable || buffer.byteLength !== this.#bytes) return;
    if (this.#idle.length < this.#idleMax) this.#idle.push(new Uint8Array(buffer));
    else {
      buffer.resize(0);
      this.#mapped--;
    }
  }

  #map(): Uint8Array | undefined {
    if (this.#mapped >= mappedMax) return undefined;
    const made = unlessOutOfMemory(() => new ArrayBuffer(this.#bytes, { maxByteLength: this.#bytes }));
    if (made === undefined) return undefined;
    this.#mapped++;
    return new Uint8Array(made);
  }
}
