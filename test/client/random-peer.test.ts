import * as assert from 'uvu/assert';
import { Client } from '../../src/client/index.js';
import { Random } from '../support/random.js';
import { suite } from '../support/suite.js';
import { type MemoryPeer, memoryTransport } from '../support/transport-pair.js';
import { until } from '../support/until.js';
import { frame, splitFrames } from '../support/wire.js';

const test = suite('client: a peer that does anything');

/** Answers what has come: in any order, cut anywhere, partly with null ids, sometimes not at all; or breaks off. */
function act(random: Random, peer: MemoryPeer, rests: Map<MemoryPeer, Buffer>): void {
  const { bodies, rest } = splitFrames(Buffer.concat([rests.get(peer) ?? Buffer.alloc(0), peer.take()]));
  rests.set(peer, rest);
  const replies = random.shuffled(bodies).map((body) => {
    const { id } = JSON.parse(String(body)) as { id: string };
    if (random.oneIn(8)) return Buffer.alloc(0);
    if (random.oneIn(6)) return frame('{"id":null,"ok":false,"error":"unreadable","code":"BAD_JSON"}');
    return frame(JSON.stringify({ id, ok: true, result: id }));
  });
  const bytes = Buffer.concat(replies);
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + random.size(1, 400));
    peer.send(bytes.subarray(at, end));
    at = end;
    if (random.oneIn(60)) {
      peer.close(random.oneIn(2) ? new Error('reset') : undefined);
      return;
    }
  }
}

test('every call is settled exactly once, and nothing is held afterwards', { timeoutMs: 60_000 }, async () => {
  const seed = Number(process.env.TRAMA_FUZZ_SEED ?? Date.now() >>> 0);
  console.log(`  20 random runs; to repeat them: TRAMA_FUZZ_SEED=${seed}`);
  for (let run = 0; run < 20; run++) {
    const random = new Random(seed + run);
    const peers: MemoryPeer[] = [];
    const open = memoryTransport((peer) => {
      peers.push(peer);
      peer.open();
    });
    const reconnect = { delayMinMs: 1, delayMaxMs: 2, attemptsMax: 5 };
    const client = await Client.open(open, { inFlightMax: 8, replyGraceMs: 2, reconnect });
    let settled = 0;
    const calls = Array.from({ length: 60 }, (_, n) => {
      const controller = new AbortController();
      if (random.oneIn(6)) setTimeout(() => controller.abort(), random.integer(0, 10));
      const call = client.call('echo', n, { timeoutMs: 40, signal: controller.signal });
      return call.then(
        () => settled++,
        () => settled++,
      );
    });
    const rests = new Map<MemoryPeer, Buffer>();
    const acting = setInterval(() => {
      for (const peer of peers) if (!peer.closed) act(random, peer, rests);
    }, 1);
    await Promise.all(calls);
    await client.close({ drainMs: 20 });
    clearInterval(acting);
    assert.equal([settled, client.waiting, client.inFlight], [60, 0, 0], `TRAMA_FUZZ_SEED=${seed + run}`);
    await until('all connections are closed', () => peers.every(({ closed }) => closed));
  }
});

test.run();
