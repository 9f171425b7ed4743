import type { Attack } from '../attack.js';
import { requestFrame } from '../frames.js';
import { countOpen, dialMany } from '../sockets.js';

/** Ticks in which all connections have their turn: a crowd that writes at once would be a burst, and no drip. */
const ticks = 10;

/** Connections that send one byte of a frame every so many milliseconds. Those that are closed are dialled again. */
export function drip(connections: number, everyMs: number): Attack {
  return async ({ port }) => {
    const frame = requestFrame('a', 'echo', `"${'x'.repeat(1000)}"`);
    const sockets = await dialMany(port, connections);
    const sent = sockets.map(() => 0);
    let redialled = 0;
    let tick = 0;
    setInterval(() => {
      for (let index = tick++ % ticks; index < sockets.length; index += ticks) {
        const socket = sockets[index]!;
        if (socket.writable)
          socket.write(frame.subarray(sent[index]! % frame.length, (sent[index]!++ % frame.length) + 1));
      }
    }, everyMs / ticks);
    setInterval(async () => {
      const closed = sockets.flatMap((socket, index) => (socket.closed ? [index] : [])).slice(0, 100);
      for (const [place, socket] of (await dialMany(port, closed.length)).entries()) {
        sockets[closed[place]!] = socket;
        sent[closed[place]!] = 0;
        redialled++;
      }
    }, 1000);
    return () => ({ connections: sockets.length, open: countOpen(sockets), redialled });
  };
}
