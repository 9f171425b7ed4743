/** Large sums for tests: their frames, and waiting for what the server makes of them. */
import * as assert from 'uvu/assert';
import { segmentsPerBody } from '../../../src/server/bulk/bulk-body.js';
import { segmentBytes } from '../../../src/server/bulk/segment.js';
import { readBytes } from '../../../src/server/channel/tcp-channel.js';
import type { RunningServer } from '../../../src/server/server.js';
import { holdThreads } from '../../support/hold-threads.js';
import { until } from '../../support/until.js';
import { frame, openWire, type Reply, request, type Wire } from '../../support/wire.js';
import { untilRunning } from '../support.js';

/** Bodies that may have memory at once, with few workers. */
export const places = 16;
/** What a place holds at the most, one more read and what was gathered before: no more is read for a body. */
export const heldMax = segmentsPerBody * segmentBytes + readBytes;
export const largeBytes = 1_000_000;

export interface LargeSum {
  readonly frame: Buffer;
  readonly result: number;
}

/** A sum whose body has just so many bytes, all of them ones. `members` stand before the data. */
export function largeSum(id: string, bodyBytes = largeBytes, members = ''): LargeSum {
  const head = `{"id":${JSON.stringify(id)},"op":"sum",${members}"data":[`;
  const ones = Math.floor((bodyBytes - head.length - 3) / 2);
  const body = `${head}${'1,'.repeat(ones)}1${' '.repeat((bodyBytes - head.length - 3) % 2)}]}`;
  return { frame: frame(body), result: ones + 1 };
}

/** The first bytes of a large frame, enough to know what it is for, and the rest of it. */
export function halves({ frame: bytes }: LargeSum, at = 100_000): [Buffer, Buffer] {
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

export const bulk = ({ view }: RunningServer) => view.snapshot().bulk;

export async function untilBulk(server: RunningServer, open: number, waiting: number): Promise<void> {
  await until(`${open} bodies are open and ${waiting} wait`, () => {
    const now = bulk(server);
    return now.open === open && now.waiting === waiting;
  });
}

/** The connection is at a frame's border, and answers. */
export async function ping(wire: Wire): Promise<void> {
  await wire.send(request('ping', '$ping'));
  assert.equal(await wire.reply(), { id: 'ping', ok: true, result: { pong: true } });
}

export const parse = (body: Buffer) => JSON.parse(String(body)) as Reply;
export const endings = (server: RunningServer) =>
  Object.fromEntries(Object.entries(bulk(server).ended).filter(([, count]) => count > 0));

/** Waits until the server has stopped reading, and gives how many bytes it has read. */
export async function untilUnread({ view }: RunningServer): Promise<number> {
  let before = -1;
  let looks = 0;
  await until(
    'the server stops reading',
    () => {
      const now = view.snapshot().bytesReceived;
      looks = now === before ? looks + 1 : 0;
      before = now;
      return looks >= 5;
    },
    { everyMs: 10 },
  );
  return before;
}

/** Keeps the only thread that does the engine's work busy until it is called. */
export async function occupy(t: Parameters<typeof openWire>[0], server: RunningServer): Promise<() => void> {
  await server.ready;
  const free = await holdThreads(t, 'trama-engine-');
  const wire = await openWire(t, server.port);
  await wire.send(request('busy', 'upper', `"${'x'.repeat(300_000)}"`));
  await untilRunning(server, 'upper');
  return free;
}
