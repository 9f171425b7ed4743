/** Connections that are open and idle: what a server keeps for each of them. */
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RunningPeer } from '../peers/running-peer.js';
import { residentBytes } from '../process-figures.js';

const holderFile = fileURLToPath(new URL('./idle-holder.js', import.meta.url));
/** Until the threads are warm, and the collector has been over what the connects left. */
const settleMs = 4_000;

export interface Idle {
  /** Resident memory that the server gained, by the connections, in KiB. */
  readonly kibibytesEach: number;
  end(): Promise<void>;
}

/** Opens connections that send one request each, and are idle after its reply. */
export async function holdIdle(
  server: Pick<RunningPeer, 'pid'>,
  port: number,
  way: 'plain' | 'tls',
  count: number,
): Promise<Idle> {
  await sleep(settleMs);
  const before = residentBytes(server.pid) ?? Number.NaN;
  const child = fork(holderFile, [`${port}`, `${count}`, way]);
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('close', (status) => reject(new Error(`the idle clients ended with ${status}`)));
  });
  await sleep(settleMs);
  const after = residentBytes(server.pid) ?? Number.NaN;
  const end = () => {
    child.kill();
    return closed;
  };
  return { kibibytesEach: (after - before) / 1024 / count, end };
}
