/** From an error response to the error that a call rejects with. */

import { isWireErrorCode, RequestError } from '../errors.js';
import type { ErrorResponse } from '../protocol/message.js';

/** The server answered with an error. `message` is the server's sentence. */
export class ReplyError extends RequestError {
  /** Milliseconds after which the call is worth another try; only with `OVERLOADED`, and not always. */
  readonly retryAfterMs: number | undefined;
  /**
   * The code as the server wrote it. It differs from `code` where this version does not know it, or the server sends
   * none: `code` is then `INTERNAL`.
   */
  readonly serverCode: string | undefined;

  constructor(response: ErrorResponse) {
    const { code, error, retryAfterMs } = response;
    super(typeof code === 'string' && isWireErrorCode(code) ? code : 'INTERNAL', error);
    this.retryAfterMs = typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
    this.serverCode = typeof code === 'string' ? code : undefined;
  }
}
