import type { Socket } from 'node:net';
import type { Attack } from '../attack.js';
import { countOpen, dialMany } from '../sockets.js';

export type HttpHolder = 'silent' | 'half a request' | 'garbage' | 'kept alive' | 'half open';

const firstBytes: Readonly<Record<HttpHolder, string>> = {
  silent: '',
  'half a request': 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n',
  garbage: 'GARBAGE\r\n\r\n',
  'kept alive': 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'half open': 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n',
};

const renewMs = 2_000;

/** Connections to the HTTP side that are held open: none of them closes its own side. */
export function holdHttp(connections: number, holder: HttpHolder): Attack {
  return async ({ httpPort }) => {
    const sockets = await dialMany(httpPort, connections);
    const send = (socket: Socket) => {
      if (socket.writable) socket.write(firstBytes[holder]);
    };
    for (const socket of sockets) send(socket);
    // Its own side is over, in the middle of a request; the other side is not read.
    if (holder === 'half open') for (const socket of sockets) socket.pause().end();
    if (holder === 'kept alive') setInterval(() => sockets.forEach(send), renewMs);
    return () => ({ connections: sockets.length, open: countOpen(sockets) });
  };
}
