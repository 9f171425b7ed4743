import { once } from 'node:events';
import type { Attack } from '../attack.js';
import { dial } from '../sockets.js';

const startBytes = 64 * 1024;

/** So many loops that connect, announce a body of 2³²−1 bytes, send the start of it, and wait until they are cut off. */
export function announceTooLarge(atOnce: number): Attack {
  return async ({ port }) => {
    const bytes = Buffer.alloc(4 + startBytes, '{"id":"a","data":[1,');
    bytes.writeUInt32BE(2 ** 32 - 1);
    let refused = 0;
    const goOn = async () => {
      while (true) {
        const socket = await dial(port);
        if (socket === undefined) continue;
        socket.write(bytes);
        await once(socket, 'end').catch(() => {});
        socket.destroy();
        refused++;
      }
    };
    for (let count = 0; count < atOnce; count++) void goOn();
    return () => ({ refused });
  };
}
