/** How a goal and what was measured are told. */
import type { GoalOutcome } from './results.js';

export function atMost(what: string, value: number, bound: number, unit: string): GoalOutcome {
  return { text: `${what} ≤ ${bound} ${unit}`, measured: `${value.toFixed(0)} ${unit}`, reached: value <= bound };
}

export function atLeast(what: string, ratio: number, bound: number, of: string): GoalOutcome {
  return { text: `${what} ≥ ${bound} × ${of}`, measured: `${ratio.toFixed(2)} ×`, reached: ratio >= bound };
}
