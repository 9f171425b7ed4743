/**
 * The yardstick: the same protocol as a good engineer writes it in Node without WebAssembly, in one sitting. No checks
 * beyond what JSON.parse makes. Prints `listening PORT`.
 *
 *     plain-json-server [CERTIFICATE KEY]     over TLS, where it is given the files
 */
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { plainAnswer } from './plain-answer.js';

function serve(socket: Socket): void {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = 4;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    if (held < wanted) return;
    const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    const replies: Buffer[] = [];
    let offset = 0;
    wanted = 4;
    while (bytes.length - offset >= 4) {
      const end = offset + 4 + bytes.readUInt32BE(offset);
      if (bytes.length < end) {
        wanted = end - offset;
        break;
      }
      replies.push(plainAnswer(bytes.toString('utf8', offset + 4, end)));
      offset = end;
    }
    chunks = offset < bytes.length ? [bytes.subarray(offset)] : [];
    held = bytes.length - offset;
    if (replies.length > 0) socket.write(replies.length === 1 ? replies[0]! : Buffer.concat(replies));
  });
}

const [certificate, key] = process.argv.slice(2);
const server =
  certificate === undefined || key === undefined
    ? createServer(serve)
    : createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, serve);
server.listen({ port: 0, host: '127.0.0.1', backlog: 512 }, () => {
  process.stdout.write(`listening ${(server.address() as { port: number }).port}\n`);
});
