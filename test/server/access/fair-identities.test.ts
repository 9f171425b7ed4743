/**
 * One identity floods over many connections, another over one, and both do so all the time: what is counted is the work
 * that each gets done in the same time. Alone the one would get all of it; half is his due.
 */
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { request, splitFrames, type Wire } from '../../support/wire.js';
import { fixtures, numbers, openServer } from '../support.js';
import { openAs, tokenFile } from './support.js';

const test = suite('turns of identities', { timeoutMs: 60_000 });

interface Counted {
  replies: number;
}

/** Keeps `depth` requests under way on a connection, and counts the replies. */
function flood(wire: Wire, one: Buffer, depth: number, counted: Counted): void {
  const { socket } = wire;
  socket.removeAllListeners('data');
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    const { bodies, rest: left } = splitFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    rest = Buffer.from(left);
    counted.replies += bodies.length;
    if (bodies.length > 0 && socket.writable) socket.write(repeated(one, bodies.length));
  });
  socket.write(repeated(one, depth));
}

function repeated(one: Buffer, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => one));
}

async function shares(t: TestContext, one: Buffer, depth: number, crowd: number, enough: number, more: object = {}) {
  const file = tokenFile(t, { many: {}, one: {} });
  const server = await openServer(t, { auth: 'required', tokensFile: file.path, maxConnections: 1000, ...more });
  await server.ready;
  const [many, single]: [Counted, Counted] = [{ replies: 0 }, { replies: 0 }];
  const wires = await Promise.all(Array.from({ length: crowd }, () => openAs(t, server.port, 'many', file)));
  const alone = await openAs(t, server.port, 'one', file);
  for (const wire of wires) flood(wire, one, depth, many);
  await until('the crowd is at work', () => many.replies >= enough / 10);
  flood(alone, one, depth, single);
  await until('the one is at work', () => single.replies > 0, { timeoutMs: 20_000 });
  const before = { many: many.replies, one: single.replies };
  await until('enough is done', () => many.replies + single.replies - before.many - before.one >= enough, {
    timeoutMs: 40_000,
  });
  for (const wire of [...wires, alone]) wire.socket.resetAndDestroy();
  return { one: single.replies - before.one, many: many.replies - before.many };
}

test('frames that are answered on the spot: the one is not one of fifty-one', async (t) => {
  const done = await shares(t, request('1', 'sum', '[1,2,3,4]'), 500, 50, 500_000);
  console.log(`  frames: ${JSON.stringify(done)}`);
  assert.ok(done.one / (done.one + done.many) >= 0.15, JSON.stringify(done));
});

test('users’ operations: fifty connections of one get no more threads than the one of another', async (t) => {
  const more = { operationModules: [fixtures], workers: 2, maxQueue: 10_000 };
  const done = await shares(t, request('1', 'wait', '{"ms":2}'), 8, 50, 1500, more);
  assert.ok(done.one / (done.one + done.many) >= 0.4, JSON.stringify(done));
});

test('large sums: the one has its places and its threads, however many the other sends', async (t) => {
  const done = await shares(t, request('1', 'sum', numbers(1_500_000)), 1, 50, 300, { workers: 2 });
  console.log(`  large sums: ${JSON.stringify(done)}`);
  assert.ok(done.one >= 0.1 * (done.one + done.many), JSON.stringify(done));
});

test.run();
