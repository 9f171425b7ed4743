/**
 * What the server's figures are called in Prometheus.
 *
 * Invariant: a scrape takes one snapshot of plain integers and formats it; nothing is counted twice, and between
 * scrapes nothing is done at all. A figure that cannot be had, such as one for which a descriptor is missing, is left out.
 *
 * `prom-client` formats and adds the process's own figures; its Counter and Histogram
 * cannot be set to a figure counted elsewhere, so the families here are small objects with the `get()` that its
 * registry asks for.
 */

import { readdir, stat } from 'node:fs/promises';
import type { Metric, Registry } from 'prom-client';
import type { HistogramSnapshot, ServerSnapshot, ServerView } from '../server/server-view.js';
import type { HttpConnections } from './connections.js';
import { loadPromClient } from './libraries.js';
import { SharedRendering } from './shared-rendering.js';

interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Where it is not the family's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

interface Described {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
}

interface Family extends Described {
  readonly read: (snapshot: ServerSnapshot) => readonly Sample[];
}

/** The sidecar's own. */
interface HttpFamily extends Described {
  readonly read: (connections: HttpConnections) => readonly Sample[];
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
    name: 'trama_io_thread_connections',
    type: 'gauge',
    help: 'Connections of the framed protocol that are open, by the I/O thread that has them.',
    read: ({ connectionsByThread }) =>
      connectionsByThread.map((value, at) => ({ value, labels: { thread: String(at + 1) } })),
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
    name: 'trama_turned_away_connections',
    type: 'gauge',
    help: 'Connections that are being told that there is no place for them.',
    read: ({ connectionsTurningAway }) => one(connectionsTurningAway),
  },
  {
    name: 'trama_requests_in_flight',
    type: 'gauge',
    help: 'Requests in flight; those answered inline do not count.',
    read: ({ requestsInFlight }) => one(requestsInFlight),
  },
  {
    name: 'trama_refused_requests_total',
    type: 'counter',
    help: 'Requests refused as OVERLOADED, by the limit that was hit.',
    read: ({ requestsRefused }) =>
      Object.entries(requestsRefused).map(([limit, value]) => ({ value, labels: { limit } })),
  },
  {
    name: 'trama_overload_stage',
    type: 'gauge',
    help: 'Stage of overload: 0 none, 1 new work is shed, 2 new connections are refused, too.',
    read: ({ overloadStage }) => one(overloadStage),
  },
  {
    name: 'trama_tls_handshakes_total',
    type: 'counter',
    help: 'TLS handshakes of all ports, by how they ended: full, resumed, failed, bad_certificate, left, late, refused.',
    read: ({ handshakes }) =>
      Object.entries(handshakes?.outcomes ?? {}).map(([outcome, value]) => ({ value, labels: { outcome } })),
  },
  {
    name: 'trama_tls_waiting_handshakes',
    type: 'gauge',
    help: 'Connections that wait for their turn to begin a TLS handshake.',
    read: ({ handshakes }) => (handshakes === undefined ? [] : one(handshakes.waiting)),
  },
  {
    name: 'trama_certificate_expiry_seconds',
    type: 'gauge',
    help: 'When the certificate of a port with TLS ends, as a Unix time in seconds, by port (tls, https).',
    read: ({ certificates }) =>
      certificates.map(({ listener, expiresAtSeconds }) => ({ value: expiresAtSeconds, labels: { listener } })),
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
    name: 'trama_identities',
    type: 'gauge',
    help: 'Identities in the file of tokens.',
    read: ({ access }) => one(access.identities),
  },
  {
    name: 'trama_authentications_total',
    type: 'counter',
    help: 'Tokens that came, over TCP and HTTP: right (ok), wrong and answered so, wrong and cut without an answer.',
    read: ({ access }) =>
      Object.entries(access.authentications).map(([outcome, value]) => ({ value, labels: { outcome } })),
  },
  {
    name: 'trama_identity_refusals_total',
    type: 'counter',
    help: 'Requests refused for what their identity is held to: operations, requests in flight, a rate.',
    read: ({ access }) =>
      access.refused.map(({ identity, limit, count }) => ({ value: count, labels: { identity, limit } })),
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
    help: "Worker threads by crew (the engine's work or users' operations) and state.",
    read: ({ pool }) =>
      Object.entries(pool.crews).flatMap(([crew, { workers }]) =>
        Object.entries(workers).map(([state, value]) => ({ value, labels: { crew, state } })),
      ),
  },
  {
    name: 'trama_stuck_threads',
    type: 'gauge',
    help: 'Worker threads that were told to end and do not, since a system call holds them.',
    read: ({ pool }) => Object.entries(pool.crews).map(([crew, { stuck }]) => ({ value: stuck, labels: { crew } })),
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

export const httpFamilies: readonly HttpFamily[] = [
  {
    name: 'trama_http_open_connections',
    type: 'gauge',
    help: 'HTTP connections that are open, by state.',
    read: (connections) => Object.entries(connections.counts()).map(([state, value]) => ({ value, labels: { state } })),
  },
  {
    name: 'trama_http_ended_connections_total',
    type: 'counter',
    help: 'HTTP connections that the server ended, by reason.',
    read: (connections) =>
      Object.entries(connections.ended()).map(([reason, value]) => ({ value, labels: { reason } })),
  },
];

/** The constant 1, with what runs as its labels: to be joined to other families, or shown by itself. */
const buildInfo: Described = {
  name: 'trama_build_info',
  type: 'gauge',
  help: 'Versions of what runs: of this package, of Node.',
};

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

/** @param version of this package */
export function createMetrics(
  view: Pick<ServerView, 'snapshot' | 'refresh'>,
  connections: HttpConnections,
  version: string,
): Metrics {
  const registry = new (loadPromClient().Registry)();
  const labels = { version, node: process.versions.node, platform: process.platform, arch: process.arch };
  registry.registerMetric(asMetric(buildInfo, () => [{ value: 1, labels }]));
  let current!: ServerSnapshot;
  for (const { read, ...family } of families) registry.registerMetric(asMetric(family, () => read(current)));
  for (const { read, ...family } of httpFamilies) registry.registerMetric(asMetric(family, () => read(connections)));
  addProcessMetrics(registry);
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  const rendering = new SharedRendering(async () => {
    await view.refresh();
    current = view.snapshot();
    const texts = await Promise.allSettled(names.map((name) => registry.getSingleMetricAsString(name)));
    const had = texts.flatMap((text) => (text.status === 'fulfilled' ? [text.value] : []));
    return `${had.join('\n\n')}\n`;
  });
  return { contentType: registry.contentType, scrape: () => rendering.get() };
}

/** What prom-client's registry needs of a metric is smaller than what its types ask for. */
function asMetric(
  { name, type, help }: Described,
  values: () => readonly Sample[] | Promise<readonly Sample[]>,
): Metric {
  const metric = { name, help, get: async () => ({ name, help, type, values: await values() }), reset: () => {} };
  return metric as unknown as Metric;
}

/** These walk every open handle at each scrape, and promtool objects to their names. */
const unwantedDefaults = ['handles', 'requests', 'resources'].flatMap((what) => [
  `nodejs_active_${what}`,
  `nodejs_active_${what}_total`,
]);

const openFiles = { name: 'process_open_fds', type: 'gauge', help: 'Number of open file descriptors.' } as const;

function addProcessMetrics(registry: Registry): void {
  loadPromClient().collectDefaultMetrics({ register: registry });
  for (const name of unwantedDefaults) registry.removeSingleMetric(name);
  if (process.platform !== 'linux') return;
  // prom-client lists `/proc/self/fd` synchronously, which thousands of connections make slow.
  registry.removeSingleMetric(openFiles.name);
  registry.registerMetric(asMetric(openFiles, async () => one(await countOpenFiles())));
}

const openFilesFolder = '/proc/self/fd';

/** Linux 6.2 and later gives the count as the folder's size, which takes no descriptor; older ones have it listed. */
async function countOpenFiles(): Promise<number> {
  const { size } = await stat(openFilesFolder);
  // One of those listed is the listing's own.
  return size > 0 ? size : (await readdir(openFilesFolder)).length - 1;
}
