/** The HTTP status of each error code of the wire protocol. The one place for it; imports only the error table. */

import type { WireErrorCode } from '../errors.js';

export const httpStatusByCode: Readonly<Record<WireErrorCode, number>> = {
  BAD_JSON: 400,
  BAD_REQUEST: 400,
  BAD_DATA: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  UNKNOWN_OP: 404,
  FRAME_TOO_LARGE: 413,
  OUT_OF_RANGE: 422,
  // nginx's "client closed request": HTTP itself has no word for work that its own client called off.
  CANCELLED: 499,
  WORKER_LOST: 500,
  INTERNAL: 500,
  // Not 429: it is the server that is full, not this client that asked too often.
  OVERLOADED: 503,
  SHUTTING_DOWN: 503,
  DEADLINE_EXCEEDED: 504,
};

/** `Retry-After` takes whole seconds, and 0 would invite a hot loop. */
export function retryAfterSeconds(retryAfterMs: number | undefined): number {
  return Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000));
}
