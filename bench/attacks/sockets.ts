/** Connections of attackers: many at once, and nothing that happens to one of them is an error of the attack. */
import { connect, type Socket } from 'node:net';

const connectTimeoutMs = 5_000;
/** Attackers come from another address than honest clients, as they would from elsewhere. */
export const attackerAddress = '127.0.0.2';

/** Where what an attacker reads goes: it looks at none of it. */
const discarded = new Uint8Array(256 * 1024);

/** Connects and reads on, without a look. Resolves to `undefined` where the server does not take the connection. */
export function dial(port: number): Promise<Socket | undefined> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    localAddress: attackerAddress,
    noDelay: true,
    allowHalfOpen: true,
    onread: { buffer: discarded, callback: () => true },
  });
  return new Promise((resolve) => {
    const giveUp = setTimeout(() => socket.destroy(), connectTimeoutMs);
    socket.once('connect', () => resolve(socket));
    socket.once('close', () => resolve(undefined));
    socket.on('error', () => {});
    socket.once('connect', () => clearTimeout(giveUp));
  });
}

/** Connects so many times, a hundred at once, and gives what the server took. */
export async function dialMany(port: number, count: number): Promise<Socket[]> {
  const taken: Socket[] = [];
  for (let dialled = 0; dialled < count; dialled += 100) {
    const batch = Array.from({ length: Math.min(100, count - dialled) }, () => dial(port));
    taken.push(...(await Promise.all(batch)).filter((socket) => socket !== undefined));
  }
  return taken;
}

/** Writes the bytes again and again, as fast as the peer takes them. */
export function writeForEver(socket: Socket, bytes: Uint8Array, onWritten: () => void = () => {}): void {
  const fill = () => {
    while (!socket.destroyed && socket.write(bytes, onWritten));
  };
  socket.on('drain', fill);
  fill();
}

export function countOpen(sockets: readonly Socket[]): number {
  return sockets.filter((socket) => !socket.closed && !socket.readableEnded).length;
}
