import type { Attack } from '../attack.js';
import { requestFrame } from '../frames.js';
import { dial } from '../sockets.js';

const ticksPerSecond = 20;
/** After which a call is cancelled, or its time is up. */
const callMs = 40;

/** Ways in which a call that never ends comes to its end. */
export type Ending = 'cancel' | 'deadline' | 'reset';

/**
 * So many calls a second of an operation that never ends: some are cancelled, some have a short time limit, and where
 * `ways` has `reset`, some have their connection reset.
 */
export function endings(callsPerSecond: number, ways: readonly Ending[]): Attack {
  return async ({ port }) => {
    let call = 0;
    let socket = await dial(port);
    const begin = async (way: Ending, id: string) => {
      if (way === 'reset') {
        const own = await dial(port);
        own?.write(requestFrame(id, 'spin'));
        setTimeout(() => own?.resetAndDestroy(), callMs);
        return;
      }
      if (socket === undefined || !socket.writable) socket = await dial(port);
      socket?.write(requestFrame(id, 'spin', undefined, way === 'deadline' ? callMs : undefined));
      if (way === 'cancel') {
        setTimeout(() => socket?.write(requestFrame(`c-${id}`, '$cancel', `{"id":"${id}"}`)), callMs);
      }
    };
    setInterval(() => {
      for (let count = 0; count < callsPerSecond / ticksPerSecond; count++) {
        void begin(ways[call % ways.length]!, `spin-${call++}`);
      }
    }, 1000 / ticksPerSecond);
    return () => ({ calls: call });
  };
}
