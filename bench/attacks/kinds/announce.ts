import type { Attack } from '../attack.js';
import { beginning } from '../frames.js';
import { countOpen, dialMany } from '../sockets.js';

/** Connections that announce a large body, send the first bytes of it, and no more. */
export function announce(connections: number, bodyBytes: number, sentBytes: number): Attack {
  return async ({ port }) => {
    const start = '{"id":"a","op":"echo","data":"';
    const bytes = beginning(bodyBytes, start.padEnd(sentBytes, 'x').slice(0, sentBytes));
    const sockets = await dialMany(port, connections);
    for (const socket of sockets) socket.write(bytes);
    return () => ({ connections: sockets.length, open: countOpen(sockets) });
  };
}
