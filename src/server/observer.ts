import type { WireErrorCode } from '../errors.js';
import type { RequestRecord } from './requests/request.js';

/** Why the server ended a connection by itself. */
export type EndReason =
  | 'connection_limit'
  | 'address_limit'
  | 'overload'
  | 'proxy_untrusted'
  | 'proxy_header'
  | 'frame_too_large'
  | 'first_frame_timeout'
  | 'frame_timeout'
  | 'send_rate'
  | 'idle_timeout'
  | 'unread'
  | 'unauthenticated'
  | 'auth_timeout'
  | 'auth_flood'
  | 'revoked'
  | 'drain'
  | 'drain_cut'
  | 'internal';

/** Which limit a request was refused by, with OVERLOADED. */
export type RefusalLimit =
  | 'max_requests'
  | 'max_total_requests'
  | 'max_queue'
  | 'bulk_places'
  | 'held_bytes'
  | 'connection_bytes'
  | 'overload';

/**
 * Whoever wants to know what happens on an I/O thread: counters, and traces later. Called on the hot path, so each call
 * must be cheap and must not throw.
 */
export interface Observer {
  bytesReceived(bytes: number): void;
  bytesSent(bytes: number): void;
  connectionAccepted(): void;
  connectionEnded(reason: EndReason): void;
  requestRefused(limit: RefusalLimit): void;
  /** The engine of the I/O thread answered `count` frames in one call, `ms` milliseconds after their bytes came. */
  answeredInline(count: number, ms: number): void;
  /** A request has its reply, which was handed to the channel just now. */
  answered(request: RequestRecord, outcome: 'ok' | WireErrorCode): void;
}
