/** Adding up the figures of several I/O threads. */
import type { AccessFigures } from './access/access.js';
import type { FrameCount, HistogramSnapshot, IoSnapshot } from './server-view.js';

type Counts = Readonly<Record<string, number>>;

/** @param snapshots at least one */
export function mergeSnapshots(snapshots: readonly IoSnapshot[]): IoSnapshot {
  const [first] = snapshots;
  if (snapshots.length === 1) return first!;
  const sum = (read: (snapshot: IoSnapshot) => number) => snapshots.reduce((all, each) => all + read(each), 0);
  return {
    frames: mergeFrames(snapshots.flatMap(({ frames }) => frames)),
    bytesReceived: sum(({ bytesReceived }) => bytesReceived),
    bytesSent: sum(({ bytesSent }) => bytesSent),
    connectionsOpen: sum(({ connectionsOpen }) => connectionsOpen),
    connectionsAccepted: sum(({ connectionsAccepted }) => connectionsAccepted),
    connectionsTurningAway: sum(({ connectionsTurningAway }) => connectionsTurningAway),
    connectionsEnded: addCounts(snapshots.map(({ connectionsEnded }) => connectionsEnded)),
    requestsInFlight: sum(({ requestsInFlight }) => requestsInFlight),
    requestsRefused: addCounts(snapshots.map(({ requestsRefused }) => requestsRefused)),
    access: mergeAccess(snapshots.map(({ access }) => access)),
    // The worst of them.
    overloadStage: Math.max(...snapshots.map(({ overloadStage }) => overloadStage)),
    handshakes: first!.handshakes && {
      waiting: sum(({ handshakes }) => handshakes?.waiting ?? 0),
      outcomes: addCounts(snapshots.flatMap(({ handshakes }) => (handshakes ? [handshakes.outcomes] : []))),
    },
    bytesKept: sum(({ bytesKept }) => bytesKept),
    bulk: {
      open: sum(({ bulk }) => bulk.open),
      waiting: sum(({ bulk }) => bulk.waiting),
      bytes: sum(({ bulk }) => bulk.bytes),
      loans: sum(({ bulk }) => bulk.loans),
      ended: addCounts(snapshots.map(({ bulk }) => bulk.ended)),
    },
    latency: first!.latency.map(({ lane }) => ({
      lane,
      histogram: addHistograms(
        snapshots.flatMap(({ latency }) => latency.filter((each) => each.lane === lane).map((each) => each.histogram)),
      ),
    })),
  };
}

/** Adds the counts of the same operation, outcome and lane. */
export function mergeFrames(counts: readonly FrameCount[]): FrameCount[] {
  const merged = new Map<string, FrameCount & { count: number }>();
  for (const each of counts) {
    const key = `${each.op} ${each.outcome} ${each.lane}`;
    const cell = merged.get(key);
    if (cell) cell.count += each.count;
    else merged.set(key, { ...each });
  }
  return [...merged.values()];
}

function mergeAccess(all: readonly AccessFigures[]): AccessFigures {
  const refused = new Map<string, { identity: string; limit: string; count: number }>();
  for (const each of all.flatMap(({ refused }) => refused)) {
    const key = `${each.limit} ${each.identity}`;
    const cell = refused.get(key);
    if (cell) cell.count += each.count;
    else refused.set(key, { ...each });
  }
  return {
    identities: all[0]!.identities,
    authentications: addCounts(all.map(({ authentications }) => authentications)),
    refused: [...refused.values()],
  };
}

function addCounts<Each extends Counts>(all: readonly Each[]): Each {
  const sums: Record<string, number> = {};
  for (const counts of all) {
    for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums as Each;
}

function addHistograms(all: readonly HistogramSnapshot[]): HistogramSnapshot {
  const { boundsSeconds, counts } = all[0]!;
  return {
    boundsSeconds,
    counts: counts.map((_, bucket) => all.reduce((sum, each) => sum + each.counts[bucket]!, 0)),
    sumSeconds: all.reduce((sum, each) => sum + each.sumSeconds, 0),
  };
}
