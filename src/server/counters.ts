/** What an I/O thread counts beside its engine: plain integers, read when somebody asks. */
import type { WireErrorCode } from '../errors.js';
import { Histogram } from './histogram.js';
import type { EndReason, Observer, RefusalLimit } from './observer.js';
import type { RequestRecord } from './requests/request.js';
import type { FrameCount, Lane } from './server-view.js';

export class Counters implements Observer {
  received = 0;
  sent = 0;
  connectionsAccepted = 0;
  readonly connectionsEnded: Record<EndReason, number> = {
    connection_limit: 0,
    address_limit: 0,
    overload: 0,
    proxy_untrusted: 0,
    proxy_header: 0,
    frame_too_large: 0,
    first_frame_timeout: 0,
    frame_timeout: 0,
    send_rate: 0,
    idle_timeout: 0,
    unread: 0,
    unauthenticated: 0,
    auth_timeout: 0,
    auth_flood: 0,
    revoked: 0,
    drain: 0,
    drain_cut: 0,
    internal: 0,
  };
  readonly requestsRefused: Record<RefusalLimit, number> = {
    max_requests: 0,
    max_total_requests: 0,
    max_queue: 0,
    bulk_places: 0,
    held_bytes: 0,
    connection_bytes: 0,
    overload: 0,
  };
  readonly latency: Readonly<Record<Lane, Histogram>> = {
    inline: new Histogram(),
    bulk: new Histogram(),
    pool: new Histogram(),
  };
  readonly #frames = new Map<string, FrameCount & { count: number }>();

  bytesReceived(bytes: number): void {
    this.received += bytes;
  }

  bytesSent(bytes: number): void {
    this.sent += bytes;
  }

  connectionAccepted(): void {
    this.connectionsAccepted++;
  }

  connectionEnded(reason: EndReason): void {
    this.connectionsEnded[reason]++;
  }

  requestRefused(limit: RefusalLimit): void {
    this.requestsRefused[limit]++;
  }

  /** The engine counts these frames itself, by operation and outcome. */
  answeredInline(count: number, ms: number): void {
    this.latency.inline.observe(ms, count);
  }

  answered({ op, lane, wholeAtMs }: RequestRecord, outcome: 'ok' | WireErrorCode): void {
    const key = `${op} ${outcome} ${lane}`;
    const cell = this.#frames.get(key);
    if (cell) cell.count++;
    else this.#frames.set(key, { op, outcome, lane, count: 1 });
    // A request that is refused before it is whole took no time that is worth telling.
    if (wholeAtMs !== undefined) this.latency[lane].observe(performance.now() - wholeAtMs);
  }

  frames(): readonly FrameCount[] {
    return [...this.#frames.values()];
  }
}
