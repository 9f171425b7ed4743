import type { Attack } from '../attack.js';
import { countOpen, dialMany } from '../sockets.js';

/** Requests that announce a body of so many bytes, or one of unknown length, and send nothing of it. */
export function announceBodies(connections: number, bodyBytes: number | 'chunked'): Attack {
  return async ({ httpPort }) => {
    const length = bodyBytes === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${bodyBytes}`;
    const head = `POST /v1/call/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${length}\r\n\r\n`;
    const sockets = await dialMany(httpPort, connections);
    for (const socket of sockets) socket.write(head);
    return () => ({ connections: sockets.length, open: countOpen(sockets) });
  };
}
