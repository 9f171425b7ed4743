/**
 * Timers that look at the socket before they give up.
 *
 * After a stall (a long computation, a suspended machine) the event loop runs timers before it reads. What a timer waits
 * for may then be here already, unread. So a timer that is due lets the loop read once. A timer that is due
 * much too late waits a moment longer, since names are looked up and connections are made in several turns.
 */

/** A longer timer goes off at once in JavaScript. */
export const timerMsMax = 2 ** 31 - 1;

/** A timer that is later than this shows that the process was stalled. */
const stalledAfterMs = 50;

/** The longest additional wait after a stall. */
const stallGraceMsMax = 1000;

/** Resolves in another turn of the event loop, after pending reads. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void afterReads(resolve));
}

/** Runs `action` after pending reads. Returns what takes it back. */
function afterReads(action: () => void): () => void {
  if (typeof setImmediate === 'function') {
    const immediate = setImmediate(action);
    return () => clearImmediate(immediate);
  }
  const timer = setTimeout(action, 0);
  return () => clearTimeout(timer);
}

/**
 * Runs `action` once, `delayMs` from now, unless it is taken back. The delay may be of any length, also endless.
 * @param patienceMs no longer than this does it wait after a stall
 * @returns what takes it back
 */
export function patientTimer(delayMs: number, action: () => void, patienceMs: number = delayMs): () => void {
  let takeBack: () => void;
  let dueMs = performance.now() + delayMs;
  let mayWaitLonger = true;
  const arm = (): void => {
    const timer = setTimeout(due, Math.min(Math.max(0, dueMs - performance.now()), timerMsMax));
    takeBack = () => clearTimeout(timer);
  };
  const due = (): void => {
    const lateMs = performance.now() - dueMs;
    // A timer may be a fraction of a millisecond early.
    if (lateMs < -1) arm();
    else if (lateMs > stalledAfterMs && mayWaitLonger) {
      mayWaitLonger = false;
      dueMs = performance.now() + Math.min(lateMs, patienceMs, stallGraceMsMax);
      arm();
    } else {
      takeBack = afterReads(action);
    }
  };
  arm();
  return () => takeBack();
}
