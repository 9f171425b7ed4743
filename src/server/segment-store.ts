/** Bytes of a segment: what a worker gets at once. Large enough that a hand-over to it does not show. */
export const segmentBytes = 256 * 1024;

/**
 * Segments of shared memory, used again and again: V8 does not count them, so one that was dropped would stay until a
 * collection that nothing asks for.
 */
export class SegmentStore {
  readonly #free: Uint8Array[] = [];

  get keptBytes(): number {
    return this.#free.length * segmentBytes;
  }

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(segmentBytes));
  }

  /** Takes back a segment that no thread reads. */
  putBack(segment: Uint8Array): void {
    this.#free.push(segment);
  }
}
