import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';
import { repeated } from '../frames.js';
import { dial } from '../sockets.js';
import { type FloodKind, floodFrames } from './flood.js';

const pauseMs = 2_000;

/** One connection that sends a burst of small frames of a kind in one write, reads the replies, and does it again. */
export function burst(kind: FloodKind, bytes: number): Attack {
  return async ({ port }) => {
    const frames = repeated(floodFrames[kind], bytes);
    let bursts = 0;
    const sendAll = async () => {
      while (true) {
        const socket = await dial(port);
        socket?.write(frames, () => bursts++);
        await sleep(pauseMs);
        socket?.end();
      }
    };
    void sendAll();
    return () => ({ bursts });
  };
}
