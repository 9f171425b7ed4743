/**
 * A shutdown in the middle of a crowd: clients connect at once and send, and SIGTERM comes a moment later, while some
 * of them still wait to be accepted. Each of them must get its replies, or be refused before it has sent anything.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BurstResults } from '../results.js';
import { startServer } from './children.js';
import { repeated, requestFrame } from './frames.js';

export interface BurstPlan {
  readonly serverMain: string;
  readonly bursts: number;
}

const clients = 20;
const requests = 200;
const signalMs = 20;
const exitMsMax = 20_000;
/** The server's own time for a drain: more than it needs. */
const drainMs = 10_000;
const tellEvery = 50;

type Ending = 'answered' | 'refused' | 'reset';

export async function benchBursts(plan: BurstPlan, tell: (line: string) => void): Promise<BurstResults> {
  const counts: Record<Ending, number> = { answered: 0, refused: 0, reset: 0 };
  let badExits = 0;
  for (let burst = 1; burst <= plan.bursts; burst++) {
    if (burst % tellEvery === 1) tell(`shutdown in a crowd: ${burst} of ${plan.bursts}`);
    const server = await startServer(plan.serverMain, ['--workers', '1', '--drain-ms', `${drainMs}`]);
    const endings = Array.from({ length: clients }, () => client(server.port));
    await sleep(signalMs);
    const [{ status }, ...each] = await Promise.all([server.stop(exitMsMax), ...endings]);
    for (const ending of each) counts[ending]++;
    if (status !== 0) badExits++;
  }
  return { bursts: plan.bursts, clients, requests, ...counts, badExits };
}

/** Sends all its requests as soon as it is connected, and reads to the end. */
function client(port: number): Promise<Ending> {
  const frame = requestFrame('a', 'echo', '"hola"');
  const burst = repeated(frame, requests * frame.length);
  return new Promise((resolve) => {
    let isConnected = false;
    let received: Buffer = Buffer.alloc(0);
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    socket.once('connect', () => {
      isConnected = true;
      socket.write(burst);
    });
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (countFrames(received) === requests) socket.end();
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      if (!isConnected) resolve('refused');
      else resolve(countFrames(received) === requests ? 'answered' : 'reset');
    });
  });
}

function countFrames(bytes: Buffer): number {
  let count = 0;
  let offset = 0;
  while (bytes.length - offset >= 4) {
    offset += 4 + bytes.readUInt32BE(offset);
    if (offset <= bytes.length) count++;
  }
  return count;
}
