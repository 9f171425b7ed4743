import { RequestError } from '../errors.js';
import { type TimeLimit, timeIsUp, timerMsMax } from '../pool/sentences.js';

/** Timers count in these. */
const timerStepMs = 1;
// Taken now: a test may put timers of its own in its place, which go off when it says so.
const inLaterTurn = setImmediate;

/** From one such turn to the next, the event loop comes by all timers that are due. */
function timersHadTheirTurn(): Promise<void> {
  return new Promise((resolve) => inLaterTurn(() => inLaterTurn(resolve)));
}

/** The time limit of one call, its cancellation, and the signal that tells the operation of both. */
export class RunLimits {
  readonly #op: string;
  readonly #limit: TimeLimit | undefined;
  readonly #startMs = performance.now();
  readonly #ended: Promise<never>;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #reject!: (error: RequestError) => void;
  #isRunning = false;

  constructor(op: string, limit: TimeLimit | undefined) {
    this.#op = op;
    this.#limit = limit;
    this.#ended = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    this.#ended.catch(() => {});
    if (limit === undefined) return;
    this.#timer = setTimeout(() => this.#expire(), Math.min(timerMsMax, Math.max(1, limit.ms)));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /** The operation is called now. */
  begin(): void {
    this.#isRunning = true;
  }

  cancel(error: RequestError): void {
    this.#stop(error, 'AbortError');
  }

  /** What becomes of the work, or the error of whichever limit is reached before it is done. */
  async guard<Value>(work: Promise<Value>): Promise<Value> {
    const first = Promise.race([work, this.#ended]);
    await first.catch(() => {});
    const tookMs = performance.now() - this.#startMs;
    const isLate = this.#limit !== undefined && tookMs > this.#limit.ms;
    if (!isLate) clearTimeout(this.#timer);
    // Work that gave the event loop no turn kept all timers from going off: this one, and one that aborts the caller's
    // signal. The one that was due first decides.
    if (tookMs >= timerStepMs) await timersHadTheirTurn();
    if (isLate) this.#expire();
    return this.isOver ? this.#ended : first;
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #expire(): void {
    const message = timeIsUp(this.#op, this.#limit!, this.#isRunning);
    this.#stop(new RequestError('DEADLINE_EXCEEDED', message), 'TimeoutError');
  }

  #stop(error: RequestError, name: 'AbortError' | 'TimeoutError'): void {
    this.#reject(error);
    this.#controller.abort(new DOMException(error.message, name));
  }
}
