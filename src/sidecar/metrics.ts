/**
 * What the server's figures are called in Prometheus.
 *
 * Invariant: a scrape takes one snapshot of plain integers and formats it; nothing is counted twice, and between
 * scrapes nothing is done at all. `prom-client` formats and adds the process's own figures; its Counter and Histogram
 * cannot be set to a figure counted elsewhere, so the families here are small objects with the `get()` that its
 * registry asks for.
 */

import { readdir } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import type { HistogramSnapshot, ServerSnapshot } from '../server/server-view.js';

interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Where it is not the family's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly read: (snapshot: ServerSnapshot) => readonly Sample[];
}

const one = (value: number): readonly Sample[] => [{ value }];

const requestDuration = 'trama_request_duration_seconds';

export const families: readonly Family[] = [
  {
    name: 'trama_frames_total',
    type: 'counter',
    help: 'Requests answered, over TCP and HTTP, by operation, outcome (ok or the error code) and lane.',
    read: ({ frames }) =>
      frames.map(({ op, outcome, lane, count }) => ({ value: count, labels: { op, outcome, lane } })),
  },
  {
    name: requestDuration,
    type: 'histogram',
    help: 'Seconds from the moment a request was whole to the moment its reply was handed to the socket, by lane.',
    read: ({ latency }) => latency.flatMap(({ lane, histogram }) => histogramSamples(requestDuration, lane, histogram)),
  },
  {
    name: 'trama_received_bytes_total',
    type: 'counter',
    help: 'Bytes received from clients of the framed protocol.',
    read: ({ bytesReceived }) => one(bytesReceived),
  },
  {
    name: 'trama_sent_bytes_total',
    type: 'counter',
    help: 'Bytes sent to clients of the framed protocol.',
    read: ({ bytesSent }) => one(bytesSent),
  },
  {
    name: 'trama_open_connections',
    type: 'gauge',
    help: 'Connections of the framed protocol that are open.',
    read: ({ connectionsOpen }) => one(connectionsOpen),
  },
  {
    name: 'trama_accepted_connections_total',
    type: 'counter',
    help: 'Connections accepted.',
    read: ({ connectionsAccepted }) => one(connectionsAccepted),
  },
  {
    name: 'trama_ended_connections_total',
    type: 'counter',
    help: 'Connections that the server ended, by reason.',
    read: ({ connectionsEnded }) =>
      Object.entries(connectionsEnded).map(([reason, value]) => ({ value, labels: { reason } })),
  },
  {
    name: 'trama_held_bytes',
    type: 'gauge',
    help: 'Bytes of unfinished frames, waiting tasks and unread replies.',
    read: ({ bytesHeld }) => one(bytesHeld),
  },
  {
    name: 'trama_kept_bytes',
    type: 'gauge',
    help: 'Bytes of buffers that are kept for the next large frame.',
    read: ({ bytesKept }) => one(bytesKept),
  },
  {
    name: 'trama_bulk_bodies',
    type: 'gauge',
    help: 'Bodies that are answered in parts: with memory to do so, or waiting for it.',
    read: ({ bulk }) => [
      { value: bulk.open, labels: { state: 'open' } },
      { value: bulk.waiting, labels: { state: 'waiting' } },
    ],
  },
  {
    name: 'trama_bulk_bytes',
    type: 'gauge',
    help: 'Bytes of shared memory for bodies that are answered in parts.',
    read: ({ bulk }) => one(bulk.bytes),
  },
  {
    name: 'trama_ended_bulk_bodies_total',
    type: 'counter',
    help: 'Bodies that were answered in parts, by how they ended.',
    read: ({ bulk }) => Object.entries(bulk.ended).map(([end, value]) => ({ value, labels: { end } })),
  },
  {
    name: 'trama_held_limit_bytes',
    type: 'gauge',
    help: 'Bytes that may be held before requests are refused as OVERLOADED.',
    read: ({ bytesHeldMax }) => one(bytesHeldMax),
  },
  {
    name: 'trama_waiting_tasks',
    type: 'gauge',
    help: 'Tasks that wait in the queue of an operation.',
    read: ({ pool }) => pool.queues.map(({ op, waiting }) => ({ value: waiting, labels: { op } })),
  },
  {
    name: 'trama_running_tasks',
    type: 'gauge',
    help: 'Tasks of an operation that run on a worker thread.',
    read: ({ pool }) => pool.queues.map(({ op, running }) => ({ value: running, labels: { op } })),
  },
  {
    name: 'trama_workers',
    type: 'gauge',
    help: 'Worker threads by state.',
    read: ({ pool }) => Object.entries(pool.workers).map(([state, value]) => ({ value, labels: { state } })),
  },
  {
    name: 'trama_started_threads_total',
    type: 'counter',
    help: 'Worker threads started.',
    read: ({ pool }) => one(pool.threads.started),
  },
  {
    name: 'trama_lost_threads_total',
    type: 'counter',
    help: 'Worker threads that died by themselves.',
    read: ({ pool }) => one(pool.threads.lost),
  },
  {
    name: 'trama_stopped_threads_total',
    type: 'counter',
    help: 'Worker threads ended by the server for a cancel or a deadline.',
    read: ({ pool }) => one(pool.threads.stopped),
  },
  {
    name: 'trama_rerun_tasks_total',
    type: 'counter',
    help: 'Tasks of idempotent operations that ran again because their thread died.',
    read: ({ pool }) => one(pool.rerun),
  },
];

/** Prometheus wants each bucket to count all that is at or below its bound; the snapshot counts each by itself. */
function histogramSamples(
  name: string,
  lane: string,
  { boundsSeconds, counts, sumSeconds }: HistogramSnapshot,
): Sample[] {
  let cumulated = 0;
  const buckets = counts.map((count, index) => {
    cumulated += count;
    const bound = boundsSeconds[index];
    return {
      metricName: `${name}_bucket`,
      labels: { lane, le: bound === undefined ? '+Inf' : String(bound) },
      value: cumulated,
    };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { lane }, value: sumSeconds },
    { metricName: `${name}_count`, labels: { lane }, value: cumulated },
  ];
}

export interface Metrics {
  readonly contentType: string;
  /** The text of one scrape. */
  scrape(): Promise<string>;
}

export function createMetrics(snapshot: () => ServerSnapshot): Metrics {
  const registry = new Registry();
  let current = snapshot();
  for (const family of families) registry.registerMetric(asMetric(family, () => current));
  addProcessMetrics(registry);
  return {
    contentType: registry.contentType,
    scrape: () => {
      current = snapshot();
      return registry.metrics();
    },
  };
}

/** What prom-client's registry needs of a metric is smaller than what its types ask for. */
function asMetric({ name, type, help, read }: Family, current: () => ServerSnapshot): Metric {
  const metric = { name, help, get: () => ({ name, help, type, values: read(current()) }), reset: () => {} };
  return metric as unknown as Metric;
}

/** These walk every open handle at each scrape, and promtool objects to their names. */
const unwantedDefaults = ['handles', 'requests', 'resources'].flatMap((what) => [
  `nodejs_active_${what}`,
  `nodejs_active_${what}_total`,
]);

function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of unwantedDefaults) registry.removeSingleMetric(name);
  if (process.platform === 'linux') countFilesWithoutBlocking(registry);
}

/** prom-client lists `/proc/self/fd` synchronously, which thousands of connections make slow. */
function countFilesWithoutBlocking(registry: Registry): void {
  const name = 'process_open_fds';
  registry.removeSingleMetric(name);
  new Gauge({
    name,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      // One of them is the listing's own.
      this.set((await readdir('/proc/self/fd')).length - 1);
    },
  });
}
