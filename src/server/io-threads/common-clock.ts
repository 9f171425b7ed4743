/** `performance.now()` counts from the start of its thread; times that cross threads are on the clock that all of them have. */

const looks = 16;
const offsetMs = findOffset();

/** @param ms as this thread's `performance.now()` gives it */
export function toCommonMs(ms: number): number {
  return ms + offsetMs;
}

export function fromCommonMs(commonMs: number): number {
  return commonMs - offsetMs;
}

/** The thread may be put aside between two looks at a clock, so the pair counts that was taken in the shortest time. */
function findOffset(): number {
  let shortestMs = Number.POSITIVE_INFINITY;
  let offset = 0;
  for (let i = 0; i < looks; i++) {
    const beforeMs = commonNow();
    const nowMs = performance.now();
    const afterMs = commonNow();
    if (afterMs - beforeMs >= shortestMs) continue;
    shortestMs = afterMs - beforeMs;
    offset = (beforeMs + afterMs) / 2 - nowMs;
  }
  return offset;
}

function commonNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
