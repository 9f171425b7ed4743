/** One request on its way: what is to be sent, and the promise that its reply, or what prevents it, settles. */

import { RequestError } from '../errors.js';
import { onAbort } from './on-abort.js';
import { timerMsMax } from './options.js';

export interface CallRequest {
  readonly id: string;
  readonly op: string;
  /** JSON text, as a string or in UTF-8; none where it is streamed. */
  readonly data: string | Uint8Array | undefined;
  readonly timeoutMs: number | undefined;
  readonly traceparent: string | undefined;
}

/**
 * Settled once; what comes later is dropped. A call that was aborted or whose time ran out is settled while its
 * request is still with the server: it keeps its place among the calls in flight until the reply comes.
 */
export class Call {
  readonly request: CallRequest;
  /** The body of the reply. */
  readonly reply: Promise<Uint8Array>;
  settled = false;

  #resolve!: (body: Uint8Array) => void;
  #reject!: (error: Error) => void;
  readonly #release: (() => void)[] = [];
  /** When the call was made, where its request did not go out at once. */
  #waitingSinceMs: number | undefined;

  constructor(request: CallRequest) {
    this.request = request;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  resolve(body: Uint8Array): void {
    if (this.#settle()) this.#resolve(body);
  }

  reject(error: Error): void {
    if (this.#settle()) this.#reject(error);
  }

  /** Runs `action` once the call is settled, before its promise is. */
  onSettled(action: () => void): void {
    if (this.settled) action();
    else this.#release.push(action);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    for (const release of this.#release.splice(0)) release();
    return true;
  }

  /** To be called when the request does not go out at once: the wait is then taken from the server's budget. */
  wait(): void {
    this.#waitingSinceMs = performance.now();
  }

  /** What is left of `timeoutMs` for the server, in milliseconds; 0 or less where nothing is. */
  budgetMs(): number | undefined {
    const { timeoutMs } = this.request;
    if (timeoutMs === undefined || this.#waitingSinceMs === undefined) return timeoutMs;
    return Math.ceil(timeoutMs - (performance.now() - this.#waitingSinceMs));
  }

  /** Rejects the call if the server has not kept its own deadline by `graceMs` past it. */
  guard(graceMs: number, expired: () => void): void {
    const { timeoutMs, op } = this.request;
    if (timeoutMs === undefined) return;
    const timer = setTimeout(
      () => {
        this.reject(new RequestError('DEADLINE_EXCEEDED', `No reply to ${op} came within ${timeoutMs} ms.`));
        expired();
      },
      Math.min(timeoutMs + graceMs, timerMsMax),
    );
    this.#release.push(() => clearTimeout(timer));
  }

  /** Rejects the call when `signal` is aborted, then runs `aborted`. */
  abortWith(signal: AbortSignal, aborted: () => void): void {
    const release = onAbort(signal, () => {
      this.reject(cancelled(this.request.op, signal));
      aborted();
    });
    this.#release.push(release);
  }
}

export function cancelled(op: string, signal: AbortSignal): RequestError {
  return new RequestError('CANCELLED', `The call of ${op} was aborted.`, { cause: signal.reason });
}
