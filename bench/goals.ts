/** What the project wants to reach, and whether a run did. It is told with the results and never fails the run. */

import { edgeOutcomes } from './edge/edge-goals.js';
import { wideUpperRows } from './engine/engine-cases.js';
import { numberShapes } from './number-shapes.js';
import { atLeast, atMost } from './outcome.js';
import { gibibytes } from './report/format.js';
import type {
  AttackResults,
  BenchResults,
  BulkResults,
  EngineResults,
  GoalOutcome,
  LoadCell,
  LoadResults,
} from './results.js';
import { mixedOutcomes, sizeOutcomes } from './size-goals.js';

interface Goal {
  readonly row: string;
  readonly peer: string;
  readonly figure: 'rateRatio' | 'p50Ratio' | 'p99Ratio';
  /** The least `rateRatio`, or the greatest ratio of a latency. */
  readonly bound: number;
}

const limit = 'C, epoll';
const plain = 'plain Node';
const python = 'Python threads';
const singles = ['echo, 50 × 1', 'echo, 1 × 1'];

export const loadGoals: readonly Goal[] = [
  { row: 'echo, 50 × 128', peer: limit, figure: 'rateRatio', bound: 1 },
  { row: 'echo, 50 × 128', peer: plain, figure: 'rateRatio', bound: 4 },
  { row: 'echo, 50 × 16', peer: limit, figure: 'rateRatio', bound: 0.85 },
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

/** The engine must add 100,000 numbers of a shape so many times as fast as a yardstick. */
interface SumGoal {
  readonly shape: string;
  readonly yardstick: 'simdjson' | 'JavaScript';
  readonly bound: number;
}

const sumGoals: readonly SumGoal[] = [
  ...[
    'doubles of many magnitudes',
    'coordinates, 15 digits',
    'money, two decimals',
    'negative, three decimals',
    'money, one a line',
    'money, pretty-printed',
  ].map((shape): SumGoal => ({ shape, yardstick: 'simdjson', bound: 1.3 })),
  ...['17 digits in [0,1)', 'integers 0–1000'].map((shape): SumGoal => ({ shape, yardstick: 'simdjson', bound: 1 })),
  ...numberShapes.map(({ name: shape }): SumGoal => {
    return { shape, yardstick: 'JavaScript', bound: shape.includes('integers') ? 2 : 4 };
  }),
];

/** The least rate of `upper` with text that is not ASCII, by that of JavaScript. */
const wideUpperRatioMin = 5;

const firstReplyMsMax = 200;
/** Node's own share of it grew. */
const idleMbMax = (nodeVersion: string) => (Number(/^v(\d+)/.exec(nodeVersion)?.[1]) < 26 ? 105 : 115);
const growthMbMax = 20;
const engineShareMin = 0.6;
const streamingMibMax = 48;
const besideShareMin = 0.2;
const besideP99MsMax = 50;
const labels = { rateRatio: 'rate', p50Ratio: 'p50', p99Ratio: 'p99' } as const;

/** Goals whose peer was not measured are not among the outcomes; a smoke run has none. */
export function goalOutcomes({ load, bulk, engine, edge, attacks, smoke, machine }: BenchResults): GoalOutcome[] {
  if (smoke) return [];
  return [
    ...(engine === undefined ? [] : [...sumOutcomes(engine), ...upperOutcomes(engine)]),
    ...(load === undefined ? [] : loadOutcomes(load, machine.node)),
    ...(load?.sizes === undefined ? [] : sizeOutcomes(load.sizes)),
    ...(load?.mixed === undefined ? [] : mixedOutcomes(load.mixed)),
    ...(bulk === undefined ? [] : bulkOutcomes(bulk)),
    ...(edge === undefined ? [] : edgeOutcomes(edge)),
    ...(attacks === undefined ? [] : attackOutcomes(attacks)),
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

function upperOutcomes({ rows }: EngineResults): GoalOutcome[] {
  return rows
    .filter(({ group, name }) => group === 'upper' && wideUpperRows.includes(name))
    .map(({ name, ratio }) => atLeast(`upper, ${name}: rate`, ratio, wideUpperRatioMin, 'JavaScript'));
}

function loadOutcomes(load: LoadResults, nodeVersion: string): GoalOutcome[] {
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
  outcomes.push(atMost('resident memory, idle', own.idleBytes / 1e6, idleMbMax(nodeVersion), 'MB'));
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

function attackOutcomes({ rows, bursts }: AttackResults): GoalOutcome[] {
  const outcomes = rows.flatMap(({ name, outcomes }) =>
    outcomes.map((each) => ({ ...each, text: `${name}: ${each.text}` })),
  );
  if (bursts === undefined) return outcomes;
  const text = `shutdown in a crowd, ${bursts.bursts.toLocaleString('en')} times: clients without some of their replies`;
  return [...outcomes, atMost(text, bursts.reset, 0, 'clients')];
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
