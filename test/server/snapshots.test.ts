import * as assert from 'uvu/assert';
import { Counters } from '../../src/server/counters.js';
import type { IoSnapshot } from '../../src/server/server-view.js';
import { mergeSnapshots } from '../../src/server/snapshots.js';
import { suite } from '../support/suite.js';

const test = suite('figures of several I/O threads');

/** Every figure of it is `n`, or counted `n` times. */
function snapshotOf(n: number): IoSnapshot {
  const counters = new Counters();
  counters.answeredInline(n, 1000);
  const ended = { answered: n, cancelled: n, expired: n, failed: n, overloaded: n, stalled: n, gone: n };
  return {
    frames: [
      { op: 'echo', outcome: 'ok', lane: 'inline', count: n },
      { op: `only-${n}`, outcome: 'BAD_DATA', lane: 'pool', count: n },
    ],
    bytesReceived: n,
    bytesSent: n,
    connectionsOpen: n,
    connectionsAccepted: n,
    connectionsTurningAway: n,
    connectionsEnded: { drain: n, [`only-${n}`]: n },
    requestsInFlight: n,
    requestsRefused: { max_requests: n },
    access: {
      identities: 5,
      authentications: { ok: n, wrong: n, cut: n },
      refused: [{ identity: 'billing', limit: 'requests', count: n }],
    },
    overloadStage: 0,
    handshakes: undefined,
    bytesKept: n,
    bulk: { open: n, waiting: n, bytes: n, loans: n, ended },
    latency: [{ lane: 'inline', histogram: counters.latency.inline.snapshot() }],
  };
}

test('each figure is the sum, by name where it has names', () => {
  const { frames, connectionsEnded, latency, ...rest } = mergeSnapshots([snapshotOf(1), snapshotOf(2)]);
  const { frames: _1, connectionsEnded: _2, latency: _3, ...three } = snapshotOf(3);
  assert.equal(rest, three);
  assert.equal(connectionsEnded, { drain: 3, 'only-1': 1, 'only-2': 2 });
  assert.equal(
    frames.map(({ op, count }) => [op, count]),
    [
      ['echo', 3],
      ['only-1', 1],
      ['only-2', 2],
    ],
  );
  assert.equal(latency, snapshotOf(3).latency);
});

test('those of one thread stay as they are', () => {
  const only = snapshotOf(7);
  assert.is(mergeSnapshots([only]), only);
});

test.run();
