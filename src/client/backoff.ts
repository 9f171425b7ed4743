import type { ReconnectOptions } from './options.js';

/**
 * Milliseconds before attempt `attempt` (0 is the first): exponential, bounded, and scattered over half of itself
 * on either side, so that clients which lost the same server do not come back in step.
 * @param random 0 up to 1, as `Math.random` gives.
 */
export function backoffMs(attempt: number, options: Required<ReconnectOptions>, random: number): number {
  const delayMs = Math.min(options.delayMaxMs, options.delayMinMs * 2 ** Math.min(attempt, 52));
  return delayMs * (0.5 + random);
}
