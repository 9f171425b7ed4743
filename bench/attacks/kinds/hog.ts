import type { Attack } from '../attack.js';
import { requestFrame } from '../frames.js';
import { dial } from '../sockets.js';

const refillMs = 100;

/** One connection that has so many slow calls of a user's operation under way all the time, as far as it may. */
export function hog(calls: number, callMs: number, op: string): Attack {
  return async ({ port }) => {
    const socket = await dial(port);
    let sent = 0;
    const send = (count: number) => {
      for (let index = 0; index < count; index++) socket?.write(requestFrame(`hog-${sent++}`, op, `${callMs}`));
    };
    send(calls);
    setInterval(() => send(Math.ceil(calls / 20)), refillMs);
    return () => ({ calls: sent });
  };
}
