import type { Attack } from '../attack.js';
import { requestFrame } from '../frames.js';
import { dial } from '../sockets.js';

/** So many loops that connect, send one request and reset the connection, one after the other, as fast as it goes. */
export function resets(atOnce: number): Attack {
  return async ({ port }) => {
    const frame = requestFrame('a', 'echo', '"hola"');
    let connections = 0;
    const goOn = async () => {
      while (true) {
        const socket = await dial(port);
        connections++;
        socket?.write(frame);
        socket?.resetAndDestroy();
      }
    };
    for (let count = 0; count < atOnce; count++) void goOn();
    return () => ({ connections });
  };
}
