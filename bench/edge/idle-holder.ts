/**
 * Clients that are idle, as a process of its own: started by `fork` with a port, a count, and `plain` or `tls`. Each
 * connects and sends one request; when all have their replies it says how many they are, and holds them until it ends.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { requestFrame } from '../attacks/frames.js';

const [port, count, way] = process.argv.slice(2);
const atOnce = 50;
const frame = requestFrame('a', 'echo', '"hola"');

process.once('disconnect', () => process.exit());

function dial(): Socket {
  const address = { host: '127.0.0.1', port: Number(port) };
  if (way === 'tls') return connectTls({ ...address, rejectUnauthorized: false });
  return connect({ ...address, noDelay: true });
}

/** @throws Error where the connection is refused, or ends without a reply */
function hold(): Promise<Socket> {
  const socket = dial();
  return new Promise((resolve, reject) => {
    socket.write(frame);
    socket.once('data', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('an idle connection was closed without a reply')));
  });
}

const held: Socket[] = [];
while (held.length < Number(count)) {
  held.push(...(await Promise.all(Array.from({ length: Math.min(atOnce, Number(count) - held.length) }, hold))));
}
process.send?.(held.length);
