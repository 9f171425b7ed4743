import type { Attack } from '../attack.js';
import { frameOf, repeated, requestFrame } from '../frames.js';
import { dial, writeForEver } from '../sockets.js';

export const floodFrames = {
  'unknown names': requestFrame('a', 'no-such-name', '1'),
  $cancel: requestFrame('a', '$cancel', '{"id":"none"}'),
  $ops: requestFrame('a', '$ops'),
  'a user’s operation': requestFrame('a', 'quick', '1'),
  'length 0': frameOf(''),
  'bad JSON': frameOf('{"id":"a","op":"echo","data":[1,]}'),
  'plain echo': requestFrame('a', 'echo', '"hola"'),
} as const;

export type FloodKind = keyof typeof floodFrames;

const writeBytes = 64 * 1024;

/** One connection that sends small frames of a kind as fast as the server takes them, and reads every reply. */
export function flood(kind: FloodKind): Attack {
  return async ({ port }) => {
    const socket = await dial(port);
    const bytes = repeated(floodFrames[kind], writeBytes);
    let writes = 0;
    if (socket) writeForEver(socket, bytes, () => writes++);
    return () => ({
      frames: (writes * bytes.length) / floodFrames[kind].length,
      open: socket?.closed === false ? 1 : 0,
    });
  };
}
