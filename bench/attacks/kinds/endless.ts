import type { Attack } from '../attack.js';
import { requestFrame } from '../frames.js';
import { dial } from '../sockets.js';

/** So many calls of a user's operation that never ends and has no time limit, over one connection. */
export function endless(calls: number): Attack {
  return async ({ port }) => {
    const socket = await dial(port);
    for (let call = 0; call < calls; call++) socket?.write(requestFrame(`spin-${call}`, 'spin'));
    return () => ({ calls });
  };
}
