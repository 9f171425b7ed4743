/**
 * A process beside a server with a plain port and one with TLS: honest clients of both, or a flood of handshakes. Started by
 * `fork` with its role and the ports. It says `ready`, and answers each message with what it has met with since the
 * last one.
 */
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { FrameClient } from '../attacks/honest-client.js';
import type { HonestFigures } from '../results.js';

/** `begun`: they leave when the server has answered their hello. `finished`: they leave when they are through. */
export type FloodRole = 'begun' | 'finished';

export interface HonestFloodReport {
  readonly plain: HonestFigures;
  readonly tls: HonestFigures;
}

export interface FloodReport {
  /** Handshakes that went as far as they were to go. */
  readonly made: number;
}

/** Of the flood, at once. */
const connectionsAtOnce = 64;
const echo = { op: 'echo', data: '"hola"', everyMs: 5 };

const [role, portText, tlsPortText] = process.argv.slice(2);
const [port, tlsPort] = [Number(portText), Number(tlsPortText)];

// What is measured is the server: nobody looks at its certificate.
const dialSecurely = (to: number): Socket =>
  connectSecurely({ host: '127.0.0.1', port: to, rejectUnauthorized: false }).setNoDelay(true);

function beHonest(): () => HonestFloodReport {
  const plain = new FrameClient(port, echo);
  const tls = new FrameClient(tlsPort, echo, () => dialSecurely(tlsPort));
  return () => ({ plain: plain.cut(), tls: tls.cut() });
}

async function flood(isFinished: boolean): Promise<() => FloodReport> {
  const hello = await firstBytes();
  let made = 0;
  const goOn = () => {
    const socket = isFinished ? dialSecurely(tlsPort) : connect({ host: '127.0.0.1', port: tlsPort });
    if (!isFinished) socket.write(hello);
    socket.once(isFinished ? 'secureConnect' : 'data', () => {
      made++;
      socket.destroy();
    });
    socket.on('error', () => {}).once('close', () => setImmediate(goOn));
  };
  for (let count = 0; count < connectionsAtOnce; count++) goOn();
  return () => {
    const report = { made };
    made = 0;
    return report;
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
  dialSecurely((server.address() as { port: number }).port).on('error', () => {});
  const bytes = await coming;
  server.close();
  return bytes;
}

process.once('disconnect', () => process.exit());
const report = role === 'honest' ? beHonest() : await flood(role === 'finished');
process.on('message', () => process.send?.(report()));
process.send?.('ready');
