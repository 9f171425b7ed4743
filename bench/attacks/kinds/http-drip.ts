import type { Attack } from '../attack.js';
import { countOpen, dialMany } from '../sockets.js';

/** A slowloris drips the head of a request; the other drips the body of a call. */
export type HttpDrip = 'head' | 'body';

const starts: Readonly<Record<HttpDrip, string>> = {
  head: 'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ',
  body: 'POST /v1/call/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"',
};

/** HTTP connections that send a byte of a request every so many milliseconds. Those that are closed are dialled again. */
export function dripHttp(connections: number, part: HttpDrip, everyMs: number): Attack {
  return async ({ httpPort }) => {
    let sockets = await dialMany(httpPort, connections);
    let redialled = 0;
    for (const socket of sockets) socket.write(starts[part]);
    setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('x');
    }, everyMs);
    setInterval(async () => {
      const open = sockets.filter((socket) => !socket.closed);
      const fresh = await dialMany(httpPort, Math.min(200, connections - open.length));
      for (const socket of fresh) socket.write(starts[part]);
      redialled += fresh.length;
      sockets = [...open, ...fresh];
    }, 1000);
    return () => ({ connections: sockets.length, open: countOpen(sockets), redialled });
  };
}
