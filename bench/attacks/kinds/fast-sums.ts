import { FrameSender } from '../../bulk/frame-sender.js';
import { largeFrame } from '../../bulk/large-frame.js';
import { shapeNamed } from '../../number-shapes.js';
import type { Attack } from '../attack.js';

/** Connections that send one sum of so many bytes after the other, each as fast as the server reads it. */
export function fastSums(connections: number, bodyBytes: number): Attack {
  return async ({ port }) => {
    const frame = largeFrame(shapeNamed('doubles of many magnitudes'), bodyBytes);
    let answered = 0;
    let failed = 0;
    const sendAll = async () => {
      const sender = new FrameSender(port, frame);
      while (true) {
        await sender.send(() => {});
        answered++;
      }
    };
    for (let count = 0; count < connections; count++) sendAll().catch(() => failed++);
    return () => ({ answered, failed });
  };
}
