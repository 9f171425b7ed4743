import { Segment, segmentBytes } from './segment.js';

/**
 * Segments that are used again and again: V8 does not count shared memory, so one that was dropped would stay until a
 * collection that nothing asks for.
 */
export class SegmentStore {
  readonly #free: Segment[] = [];

  get keptBytes(): number {
    return this.#free.length * segmentBytes;
  }

  /** An empty one. */
  take(): Segment {
    return this.#free.pop() ?? new Segment();
  }

  /** Takes back a segment that no thread reads. */
  putBack(segment: Segment): void {
    segment.clear();
    this.#free.push(segment);
  }
}
