import type { Attack } from '../attack.js';
import { repeated, requestFrame } from '../frames.js';
import { countOpen, dialMany, writeForEver } from '../sockets.js';

const writeBytes = 64 * 1024;

/** Connections that ask for many small replies, as fast as the server takes the requests, and read none of them. */
export function neverRead(connections: number): Attack {
  return async ({ port }) => {
    const bytes = repeated(requestFrame('a', 'echo', '"hola"'), writeBytes);
    const sockets = await dialMany(port, connections);
    for (const socket of sockets) {
      socket.pause();
      writeForEver(socket, bytes);
    }
    return () => ({ connections: sockets.length, open: countOpen(sockets) });
  };
}
