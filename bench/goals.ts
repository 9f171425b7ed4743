/** What the project set out to reach, and whether a run did. It is told with the results, and never fails the run. */
import type { BenchResults, LoadCell } from './results.js';

interface Goal {
  readonly row: string;
  readonly peer: string;
  readonly figure: 'rateRatio' | 'p50Ratio' | 'p99Ratio';
  /** `rateRatio` is to be at least this, a latency's ratio at most. */
  readonly bound: number;
}

export interface GoalOutcome {
  readonly text: string;
  readonly measured: string;
  readonly reached: boolean;
}

const limit = 'C, epoll';
const plain = 'plain Node';
const singles = ['echo, 50 × 1', 'echo, 1 × 1'];

const goals: readonly Goal[] = [
  { row: 'echo, 50 × 128', peer: limit, figure: 'rateRatio', bound: 0.85 },
  { row: 'echo, 50 × 128', peer: plain, figure: 'rateRatio', bound: 4 },
  { row: 'echo, 50 × 16', peer: limit, figure: 'rateRatio', bound: 0.57 },
  { row: 'echo, 50 × 16', peer: plain, figure: 'rateRatio', bound: 1.8 },
  ...singles.flatMap((row): Goal[] => [
    { row, peer: plain, figure: 'rateRatio', bound: 1 },
    { row, peer: plain, figure: 'p50Ratio', bound: 1.1 },
    { row, peer: plain, figure: 'p99Ratio', bound: 1.1 },
  ]),
  { row: 'sum of 1,000 doubles, 8 × 8', peer: plain, figure: 'rateRatio', bound: 3 },
];

const firstReplyMsMax = 250;
const idleMbMax = 110;
const growthMbMax = 20;
const labels = { rateRatio: 'rate', p50Ratio: 'p50', p99Ratio: 'p99' } as const;

/** Goals whose peer was not measured are not among the outcomes; a smoke run has none. */
export function goalOutcomes({ load, smoke }: BenchResults): GoalOutcome[] {
  if (load === undefined || smoke) return [];
  const outcomes: GoalOutcome[] = [];
  for (const goal of goals) {
    const cell = load.rows.find(({ name }) => name === goal.row)?.cells.find(({ peer }) => peer === goal.peer);
    if (cell !== undefined) outcomes.push(ratioOutcome(goal, cell));
  }
  const own = load.processes.find(({ peer }) => peer === 'trama');
  if (own === undefined) return outcomes;
  outcomes.push(atMost('first reply after the start', own.firstReplyMs, firstReplyMsMax, 'ms'));
  if (own.idleBytes === undefined || own.loadedBytes === undefined) return outcomes;
  const grownMb = (own.loadedBytes - own.idleBytes) / 1e6;
  outcomes.push(atMost('resident memory, idle', own.idleBytes / 1e6, idleMbMax, 'MB'));
  outcomes.push(
    atMost(`resident memory gained by ${own.frames.toLocaleString('en')} frames`, grownMb, growthMbMax, 'MB'),
  );
  return outcomes;
}

function ratioOutcome({ row, peer, figure, bound }: Goal, cell: LoadCell): GoalOutcome {
  const ratio = cell[figure];
  const least = figure === 'rateRatio';
  return {
    text: `${row}: ${labels[figure]} ${least ? '≥' : '≤'} ${bound} × ${peer}`,
    measured: `${ratio.toFixed(2)} ×`,
    reached: least ? ratio >= bound : ratio <= bound,
  };
}

function atMost(what: string, value: number, bound: number, unit: string): GoalOutcome {
  return { text: `${what} ≤ ${bound} ${unit}`, measured: `${value.toFixed(0)} ${unit}`, reached: value <= bound };
}
