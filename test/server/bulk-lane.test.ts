/** Sums that are answered in parts as their bytes come: places, backpressure, endings, and what is freed with each. */
import * as assert from 'uvu/assert';
import type { RunningServer } from '../../src/server/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame, openWire, type Reply, request, type Wire } from '../support/wire.js';
import { fixtures, openServer, untilIdle, untilRunning } from './support.js';

const test = suite('the bulk lane');

/** Bodies that may have memory at once, with few workers. */
const places = 16;
/** What a place holds at the most, one more read and what was gathered before: no more is read for a body. */
const heldMax = 3 * 256 * 1024 + 3 * 64 * 1024;
const largeBytes = 2_000_000;

interface LargeSum {
  readonly frame: Buffer;
  readonly result: number;
}

/** A sum whose body has just so many bytes, all of them ones. `members` stand before the data. */
function largeSum(id: string, bodyBytes = largeBytes, members = ''): LargeSum {
  const head = `{"id":${JSON.stringify(id)},"op":"sum",${members}"data":[`;
  const ones = Math.floor((bodyBytes - head.length - 3) / 2);
  const body = `${head}${'1,'.repeat(ones)}1${' '.repeat((bodyBytes - head.length - 3) % 2)}]}`;
  return { frame: frame(body), result: ones + 1 };
}

/** The first bytes of a large frame, enough to know what it is for, and the rest of it. */
function halves({ frame: bytes }: LargeSum, at = 100_000): [Buffer, Buffer] {
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

const bulk = ({ view }: RunningServer) => view.snapshot().bulk;

async function untilBulk(server: RunningServer, open: number, waiting: number): Promise<void> {
  await until(`${open} bodies are open and ${waiting} wait`, () => {
    const now = bulk(server);
    return now.open === open && now.waiting === waiting;
  });
}

/** The connection is at a frame's border, and answers. */
async function ping(wire: Wire): Promise<void> {
  await wire.send(request('ping', '$ping'));
  assert.equal(await wire.reply(), { id: 'ping', ok: true, result: { pong: true } });
}

const parse = (body: Buffer) => JSON.parse(String(body)) as Reply;
const endings = (server: RunningServer) =>
  Object.fromEntries(Object.entries(bulk(server).ended).filter(([, count]) => count > 0));

/** Waits until the server has stopped reading, and gives how many bytes it has read. */
async function untilUnread({ view }: RunningServer): Promise<number> {
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

/** Keeps the only worker busy until it is called. */
async function occupy(t: Parameters<typeof openWire>[0], server: RunningServer): Promise<() => void> {
  await server.ready;
  const wire = await openWire(t, server.port);
  await wire.send(request('busy', 'spin', '{}'));
  await untilRunning(server, 'spin');
  return () => void wire.socket.resetAndDestroy();
}

test('a body that is read faster than it is added is not held in memory', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const free = await occupy(t, server);
  const { frame: bytes, result } = largeSum('1', 8_000_000);
  const before = server.view.snapshot().bytesReceived;
  const wire = await openWire(t, server.port);
  wire.socket.write(bytes);
  const read = (await untilUnread(server)) - before;
  assert.ok(read > heldMax / 2 && read <= heldMax, `${read} bytes were read`);
  free();
  assert.is((await wire.reply()).result, result);
  await untilIdle(server);
});

test('nor where its reads end just where segments of memory do', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const free = await occupy(t, server);
  const { frame: bytes, result } = largeSum('1', 2_000_000);
  const before = server.view.snapshot().bytesReceived;
  const wire = await openWire(t, server.port);
  let sent = 4;
  await wire.send(bytes.subarray(0, sent));
  for (let piece = 0; piece < 24; piece++) {
    wire.socket.write(bytes.subarray(sent, sent + 65_536));
    sent += 65_536;
    await untilUnread(server);
  }
  const read = server.view.snapshot().bytesReceived - before;
  assert.ok(read <= heldMax, `${read} bytes were read`);
  free();
  wire.socket.write(bytes.subarray(sent));
  assert.is((await wire.reply()).result, result);
  await untilIdle(server);
});

test('a body that ends while its part still waits for a worker gives its place back once', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures] });
  const free = await occupy(t, server);
  for (let round = 0; round < 3; round++) {
    const wire = await openWire(t, server.port);
    await wire.send(halves(largeSum('1'), 400_000)[0]);
    await untilBulk(server, 1, 0);
    await until('its part waits', () => server.view.snapshot().pool.queues.some((queue) => queue.waiting > 0));
    wire.socket.destroy();
    await until('it is over', () => bulk(server).ended.gone === round + 1);
    assert.is(bulk(server).open, 0);
  }
  free();
  await untilIdle(server);
});

test('a sum over the limit that finds no memory is told that the server is full, and its connection stays', async (t) => {
  const server = await openServer(t, { maxHeldBytes: 100_000, maxFrameBytes: 90_000 });
  const wire = await openWire(t, server.port);
  await wire.send(largeSum('1').frame);
  const reply = await wire.reply();
  assert.equal([reply.id, reply.code], [null, 'OVERLOADED']);
  await ping(wire);
  await untilIdle(server);
});

test.run();
