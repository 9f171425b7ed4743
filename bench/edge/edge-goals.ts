/** What TLS and tokens may cost. */
import { atLeast, atMost } from '../outcome.js';
import type { EdgeName, EdgeResults, GoalOutcome } from '../results.js';

type Bound = { readonly least: number } | { readonly most: number } | { readonly ownMost: number };

/** Of a rate's ratio the least, of processor time's the most; of memory the most of our own. */
const bounds: Readonly<Record<EdgeName, Bound>> = {
  'echo, 50 × 16, with tokens required, by without': { least: 0.95 },
  'echo, 50 × 16, over TLS, by plain': { most: 2.5 },
  'echo, 50 × 128, over TLS, by plain': { most: 2 },
  'a large sum over TLS, by plain': { most: 1.6 },
  'echo, 50 × 16, over TLS, by plain Node over TLS': { least: 2 },
  'full TLS handshakes, by plain Node': { least: 0.9 },
  'memory of an idle connection, by plain Node': { ownMost: 6 },
  'memory of an idle connection over TLS, by plain Node': { ownMost: 50 },
  'echo, 50 × 16, beside 10,000 idle connections, by without': { least: 0.9 },
  'echo, 1 × 16, beside a flood of somebody else, by without': { least: 0.5 },
  'echo, 8 × 16, beside a flood of somebody else, by without': { least: 0.5 },
  'a user’s operation, 1 × 16, beside a flood of it by somebody else, by without': { least: 0.5 },
  'sum of 490 KB, 1 × 2, beside a flood of them by somebody else, by without': { least: 0.5 },
};

export const edgeRows = (Object.keys(bounds) as EdgeName[]).map((name) => ({ name }));

export function edgeOutcomes({ rows }: EdgeResults): GoalOutcome[] {
  return rows.map(({ name, own, unit, ratio }) => {
    const bound = bounds[name];
    if ('least' in bound) return atLeast(name, ratio, bound.least, 'that');
    if ('ownMost' in bound) return atMost(name, own, bound.ownMost, unit);
    const text = `${name}: processor time ≤ ${bound.most} × that`;
    return { text, measured: `${ratio.toFixed(2)} ×`, reached: ratio <= bound.most };
  });
}
