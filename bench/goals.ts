/** What the project set out to reach, and whether a run did. It is told with the results, and never fails the run. */
import { numberShapes } from './number-shapes.js';
import { gibibytes } from './report/format.js';
import type { BenchResults, BulkResults, EngineResults, LoadCell, LoadResults } from './results.js';

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
const python = 'Python threads';
const singles = ['echo, 50 × 1', 'echo, 1 × 1'];

export const loadGoals: readonly Goal[] = [
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
  { row: 'sum of 2 MB of doubles, 4 × 2', peer: plain, figure: 'rateRatio', bound: 6 },
  { row: 'sum of 2 MB of doubles, 4 × 2', peer: python, figure: 'rateRatio', bound: 7 },
  { row: 'sum of 490 KB of integers, 4 × 2', peer: plain, figure: 'rateRatio', bound: 4 },
  { row: 'sum of 490 KB of integers, 4 × 2', peer: python, figure: 'rateRatio', bound: 4 },
];

/** How many times as fast as a yardstick the engine is to add 100,000 numbers of a shape. */
interface SumGoal {
  readonly shape: string;
  readonly yardstick: 'simdjson' | 'JSON.parse + reduce';
  readonly bound: number;
}

const farAhead = ['doubles of many magnitudes', 'coordinates, 15 digits'];

const sumGoals: readonly SumGoal[] = [
  ...numberShapes.slice(0, 5).map(({ name: shape }): SumGoal => {
    return { shape, yardstick: 'simdjson', bound: farAhead.includes(shape) ? 1.3 : 1 };
  }),
  ...numberShapes.map(({ name: shape }): SumGoal => {
    return { shape, yardstick: 'JSON.parse + reduce', bound: shape.includes('integers') ? 2 : 4 };
  }),
];

const firstReplyMsMax = 250;
const idleMbMax = 110;
const growthMbMax = 20;
const engineShareMin = 0.6;
const streamingMibMax = 48;
const besideShareMin = 0.2;
const besideP99MsMax = 50;
const labels = { rateRatio: 'rate', p50Ratio: 'p50', p99Ratio: 'p99' } as const;

/** Goals whose peer was not measured are not among the outcomes; a smoke run has none. */
export function goalOutcomes({ load, bulk, engine, smoke }: BenchResults): GoalOutcome[] {
  if (smoke) return [];
  return [
    ...(engine === undefined ? [] : sumOutcomes(engine)),
    ...(load === undefined ? [] : loadOutcomes(load)),
    ...(bulk === undefined ? [] : bulkOutcomes(bulk)),
  ];
}

function sumOutcomes({ rows }: EngineResults): GoalOutcome[] {
  return sumGoals.flatMap(({ shape, yardstick, bound }) => {
    const row = rows.find(({ group, name }) => group === 'sum' && name === `${shape}, 100,000`);
    const measured = yardstick === 'simdjson' ? row?.simdjson?.ratio : row?.ratio;
    if (measured === undefined) return [];
    const text = `sum of 100,000 numbers, ${shape}: rate ≥ ${bound} × ${yardstick}`;
    return [{ text, measured: `${measured.toFixed(2)} ×`, reached: measured >= bound }];
  });
}

function loadOutcomes(load: LoadResults): GoalOutcome[] {
  const outcomes: GoalOutcome[] = [];
  for (const goal of loadGoals) {
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

function bulkOutcomes({ frame, beside }: BulkResults): GoalOutcome[] {
  const one = `one frame of ${gibibytes(frame.bodyBytes)}`;
  const outcomes = [atLeast(`${one}: rate`, frame.ratio, engineShareMin, 'the engine alone')];
  if (frame.idleBytes !== undefined && frame.peakBytes !== undefined) {
    const grownMib = (frame.peakBytes - frame.idleBytes) / 2 ** 20;
    outcomes.push(atMost(`${one}: resident memory over idle`, grownMib, streamingMibMax, 'MiB'));
  }
  const both = `${beside.name}, beside ${beside.sums} sums of ${gibibytes(beside.sumBytes)}`;
  outcomes.push(atLeast(`${both}: rate`, beside.rateRatio, besideShareMin, 'alone'));
  outcomes.push(atMost(`${both}: p99`, beside.beside.p99Us / 1000, besideP99MsMax, 'ms'));
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

function atLeast(what: string, ratio: number, bound: number, of: string): GoalOutcome {
  return { text: `${what} ≥ ${bound} × ${of}`, measured: `${ratio.toFixed(2)} ×`, reached: ratio >= bound };
}
