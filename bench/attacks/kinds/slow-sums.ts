import type { Attack } from '../attack.js';
import { beginning } from '../frames.js';
import { countOpen, dialMany } from '../sockets.js';

const bodyBytes = 1024 ** 3;
const numbers = '1.5,'.repeat(1000);
const piecesPerSecond = 10;

/** Connections that send a large sum each, slowly and steadily. */
export function slowSums(connections: number, bytesPerSecond: number): Attack {
  return async ({ port }) => {
    const sockets = await dialMany(port, connections);
    for (const socket of sockets) socket.write(beginning(bodyBytes, '{"id":"a","op":"sum","data":['));
    const piece = numbers.slice(0, 4 * Math.ceil(bytesPerSecond / piecesPerSecond / 4));
    setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(piece);
    }, 1000 / piecesPerSecond);
    return () => ({ connections: sockets.length, open: countOpen(sockets) });
  };
}
