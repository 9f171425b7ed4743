/** One identity's work beside another one's, which floods. */
import { fileURLToPath } from 'node:url';
import type { EdgeGenerator } from '../load/run-generator.js';
import type { Timing, Work } from '../load/work.js';
import { numberArray, shapeNamed } from '../number-shapes.js';
import type { FairName } from '../results.js';

/** Has the operation that the rows call. */
export const operationsFile = fileURLToPath(new URL('../attacks/operations.js', import.meta.url));

interface FairWork {
  readonly name: FairName;
  readonly own: Work;
  readonly flood: Work;
}

const greeting = '"hola"';
const numbers = numberArray(shapeNamed('integers 0–1000'), 100_000);

function work(op: Work['op'], data: string, connections: number, depth: number): Work {
  return { name: `${op}, ${connections} × ${depth}`, op, data, connections, depth };
}

export const fairWorks: readonly FairWork[] = [
  {
    name: 'echo, 1 × 16, beside a flood of somebody else, by without',
    own: work('echo', greeting, 1, 16),
    flood: work('echo', greeting, 50, 128),
  },
  {
    name: 'echo, 8 × 16, beside a flood of somebody else, by without',
    own: work('echo', greeting, 8, 16),
    flood: work('echo', greeting, 50, 128),
  },
  {
    name: 'a user’s operation, 1 × 16, beside a flood of it by somebody else, by without',
    own: work('quick', '1', 1, 16),
    flood: work('quick', '1', 50, 8),
  },
  {
    name: 'sum of 490 KB, 1 × 2, beside a flood of them by somebody else, by without',
    own: work('sum', numbers, 1, 2),
    flood: work('sum', numbers, 16, 2),
  },
];

export interface TwoTokens {
  readonly own: string;
  readonly flood: string;
}

/** Replies a second of the one, while the other floods: its generator takes what is left of this machine's processors. */
export async function rateBesideFlood(
  generator: EdgeGenerator,
  port: number,
  { own, flood }: FairWork,
  { seconds, warmupSeconds }: Timing,
  tokens: TwoTokens,
): Promise<number> {
  const whole = { seconds: seconds + 2 * warmupSeconds, warmupSeconds };
  const flooding = generator.measure(port, flood, whole, { token: tokens.flood, isYielding: true });
  // A failure is told when it is awaited.
  flooding.catch(() => {});
  const timing = { seconds, warmupSeconds: 1.5 * warmupSeconds };
  const { ratePerSecond } = await generator.measure(port, own, timing, { token: tokens.own });
  await flooding;
  return ratePerSecond;
}
