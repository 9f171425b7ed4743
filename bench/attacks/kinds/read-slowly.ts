import { connect, type Socket } from 'node:net';
import type { Attack } from '../attack.js';
import { requestFrame } from '../frames.js';
import { countOpen } from '../sockets.js';

const readsPerSecond = 2;

/** Connections that ask for one long reply each and read it slowly and steadily: no attack, but it looks like one. */
export function readSlowly(connections: number, replyBytes: number, bytesPerSecond: number): Attack {
  return async ({ port }) => {
    const request = requestFrame('a', 'echo', `"${'x'.repeat(replyBytes)}"`);
    const sockets = Array.from({ length: connections }, () => slowReader(port, bytesPerSecond / readsPerSecond));
    for (const socket of sockets) socket.write(request);
    return () => ({ connections, open: countOpen(sockets) });
  };
}

function slowReader(port: number, bytesPerRead: number): Socket {
  const readOn = () => {
    setTimeout(() => socket.resume(), 1000 / readsPerSecond);
    return false;
  };
  const onread = { buffer: new Uint8Array(bytesPerRead), callback: readOn };
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, onread });
  socket.on('error', () => {});
  return socket;
}
