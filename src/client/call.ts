/** One request on its way: what is to be sent, and the promise that is settled by its reply or by what prevents it. */

import { RequestError } from '../errors.js';
import { onAbort } from './on-abort.js';
import { timeoutMsDefault } from './options.js';

export interface CallRequest {
  readonly id: string;
  readonly op: string;
  /** JSON text, as a string or in UTF-8; none where it is streamed. */
  readonly data: string | Uint8Array | undefined;
  /** The limit that the server is told. */
  readonly timeoutMs: number | undefined;
  readonly traceparent: string | undefined;
  /** Does it make no difference whether it runs once or twice? */
  readonly idempotent: boolean;
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
  /** Its place among the calls of its connection, in order of sending. Set when it is sent. */
  order = 0;
  /** When it is given up here, as `performance.now()` counts. Set where it waits in a queue for that. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  /** That queue, which it leaves when it is settled. Cheaper than a function for each call. */
  queue: Set<Call> | undefined;
  /** How many connections it was in flight on that were lost, and how many servers refused it since they drained. */
  losses = 0;
  refusals = 0;

  #resolve!: (body: Uint8Array) => void;
  #reject!: (error: Error) => void;
  readonly #release: (() => void)[] = [];
  readonly #madeAtMs: number;
  #hasWaited = false;

  constructor(request: CallRequest) {
    this.request = request;
    this.#madeAtMs = request.timeoutMs === undefined ? 0 : performance.now();
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
    this.queue?.delete(this);
    for (const release of this.#release.splice(0)) release();
    return true;
  }

  /** To be called when the request does not go out at once, or has to go out again: the time since then is then taken from the server's budget. */
  wait(): void {
    this.#hasWaited = true;
  }

  /** What is left of `timeoutMs` for the server, in milliseconds; 0 or less where nothing is. */
  budgetMs(): number | undefined {
    const { timeoutMs } = this.request;
    if (timeoutMs === undefined || !this.#hasWaited) return timeoutMs;
    return Math.ceil(timeoutMs - (performance.now() - this.#madeAtMs));
  }

  /** Rejects the call, since its time is over and no reply has come. */
  expire(): void {
    const { op, timeoutMs } = this.request;
    const within = timeoutMs === undefined ? `${timeoutMsDefault} ms, the default of timeoutMs` : `${timeoutMs} ms`;
    this.reject(new RequestError('DEADLINE_EXCEEDED', `No reply to ${op} came within ${within}.`));
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
