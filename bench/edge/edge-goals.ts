/** What TLS and tokens may cost. */
import { atLeast } from '../outcome.js';
import type { EdgeName, EdgeResults, GoalOutcome } from '../results.js';

/** Of a rate the least, of processor time the most. */
const bounds: Readonly<Record<EdgeName, { readonly least: number } | { readonly most: number }>> = {
  'echo, 50 × 16, with tokens required, by without': { least: 0.95 },
  'echo, 50 × 16, over TLS, by plain': { most: 2.5 },
  'echo, 50 × 128, over TLS, by plain': { most: 2 },
  'a large sum over TLS, by plain': { most: 1.6 },
  'echo, 50 × 16, over TLS, by plain Node over TLS': { least: 2 },
  'full TLS handshakes, by plain Node': { least: 0.9 },
};

export function edgeOutcomes({ rows }: EdgeResults): GoalOutcome[] {
  return rows.map(({ name, ratio }) => {
    const bound = bounds[name];
    if ('least' in bound) return atLeast(name, ratio, bound.least, 'that');
    const text = `${name}: processor time ≤ ${bound.most} × that`;
    return { text, measured: `${ratio.toFixed(2)} ×`, reached: ratio <= bound.most };
  });
}
