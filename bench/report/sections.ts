/** The results as titled tables: the one source of the text on stdout and of latest.md. */
import { goalOutcomes } from '../goals.js';
import type { BenchResults, BesideFigures, BulkResults, EngineResults, EngineRow, LoadResults } from '../results.js';
import { attackSections } from './attack-sections.js';
import { edgeSection } from './edge-section.js';
import { cores, gibibytes, javascriptSteps, megabytes, microseconds, nanoseconds, rate, ratio } from './format.js';
import { mixedSections, sizeSections } from './size-sections.js';

export interface Section {
  readonly title: string;
  readonly notes: readonly string[];
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const engineTitles = {
  echo: 'The engine alone: decode and echo, by size of frame',
  sum: 'The engine alone: sum, by shape of data',
  upper: 'The engine alone: upper, by shape of data',
} as const;

export function sectionsOf(results: BenchResults): Section[] {
  const { engine, load, bulk, edge, attacks } = results;
  const sections: Section[] = [];
  if (load !== undefined && load.rows.length > 0) sections.push(loadSection(load));
  if (load?.sizes !== undefined) sections.push(...sizeSections(load.sizes));
  if (load?.mixed !== undefined) sections.push(...mixedSections(load.mixed));
  if (load !== undefined && load.processes.length > 0) sections.push(processSection(load));
  if (bulk !== undefined) sections.push(largeSection(bulk), besideSection(bulk));
  if (edge !== undefined) sections.push(edgeSection(edge));
  if (attacks !== undefined) sections.push(...attackSections(attacks));
  if (engine !== undefined)
    for (const group of ['echo', 'sum', 'upper'] as const) sections.push(engineSection(group, engine));
  const goals = goalSection(results);
  return goals === undefined ? sections : [...sections, goals];
}

/** Where, with what and how: one line each. */
export function headLines({ date, command, machine, smoke, revision, load }: BenchResults): string[] {
  const peers = load?.peers.flatMap(({ name, version }) => (version === undefined ? [] : [`${name} ${version}`])) ?? [];
  return [
    ...(smoke ? ['A smoke run: its figures mean nothing.'] : []),
    `Machine: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB; ${machine.system}`,
    `Node ${machine.node} (V8 ${machine.v8}), flags: ${machine.nodeFlags.join(' ') || 'none'}`,
    ...(peers.length === 0 ? [] : [`Versions: ${peers.join('; ')}`]),
    `Date: ${date}${revision === undefined ? '' : `; sources: ${revision}`}`,
    `Command: ${command}`,
  ];
}

function loadSection(load: LoadResults): Section {
  const rows = load.rows.flatMap(({ name, cells }) =>
    cells.map((cell, index) => [
      index === 0 ? name : '',
      cell.peer,
      rate(cell.ratePerSecond),
      microseconds(cell.p50Us),
      microseconds(cell.p99Us),
      ...(index === 0 ? ['', '', ''] : [ratio(cell.rateRatio), ratio(cell.p50Ratio), ratio(cell.p99Ratio)]),
      cores(cell.serverCores),
      cores(cell.generatorCores),
    ]),
  );
  return {
    title: 'The server under load, beside its peers',
    notes: [
      `Load from a process of its own: ${load.generator}. ${load.rounds} rounds of ${load.secondsPerMeasurement} s, peers in turn; medians.`,
      'Ratios are trama by the peer, the median of each round’s own. "50 × 16" is connections × requests in flight on each.',
      'Cores: processor time by elapsed time, start and warm-up included. Where only the generator’s is near 1, the row tells the generator’s speed.',
      ...load.leftOut.map(({ name, why }) => `Left out: ${name} (${why}).`),
    ],
    header: [
      'work',
      'server',
      'rate',
      'p50',
      'p99',
      'rate ratio',
      'p50 ratio',
      'p99 ratio',
      'server cores',
      'generator cores',
    ],
    rows,
  };
}

function processSection({ processes }: LoadResults): Section {
  return {
    title: 'Start and memory',
    notes: [
      'First reply: from the moment before the process is spawned; median of several starts. Memory is resident memory.',
    ],
    header: ['server', 'first reply', 'idle', 'after the frames', 'frames'],
    rows: processes.map(({ peer, firstReplyMs, idleBytes, loadedBytes, frames }) => [
      peer,
      `${firstReplyMs.toFixed(0)} ms`,
      megabytes(idleBytes),
      megabytes(loadedBytes),
      frames.toLocaleString('en'),
    ]),
  };
}

function largeSection({ rounds, shape, frame }: BulkResults): Section {
  return {
    title: 'Large frames',
    notes: [
      `One frame at a time, from a sender of its own process; ${shape}. ${rounds} rounds, medians; every answer is compared digit by digit.`,
      'Engine alone: the same numbers in the same parts on one thread, without a server, in turn with it. Memory is resident memory, before the first frame and at its most while they stream.',
    ],
    header: ['work', 'time', 'MB/s', 'engine alone, MB/s', 'ratio', 'idle', 'at the most', 'server cores'],
    rows: [
      [
        `sum, one frame of ${gibibytes(frame.bodyBytes)}`,
        `${frame.seconds.toFixed(2)} s`,
        frame.megabytesPerSecond.toFixed(0),
        frame.engineMegabytesPerSecond.toFixed(0),
        ratio(frame.ratio),
        megabytes(frame.idleBytes),
        megabytes(frame.peakBytes),
        cores(frame.serverCores),
      ],
    ],
  };
}

function besideSection({ beside: { name, sums, sumBytes, ...taken } }: BulkResults): Section {
  const line = (work: string, { ratePerSecond, p50Us, p99Us }: BesideFigures, ...rest: [string, string]) => [
    work,
    rate(ratePerSecond),
    microseconds(p50Us),
    microseconds(p99Us),
    ...rest,
  ];
  return {
    title: 'Small frames beside large ones',
    notes: [
      'Sender, load generator and server share the cores. The sums’ rate is of all of them together, until the last is answered.',
    ],
    header: ['work', 'rate', 'p50', 'p99', 'rate ratio', 'sums, MB/s'],
    rows: [
      line(`${name}, alone`, taken.alone, '', ''),
      line(
        `${name}, beside ${sums} sums of ${gibibytes(sumBytes)}`,
        taken.beside,
        ratio(taken.rateRatio),
        taken.sumsMegabytesPerSecond.toFixed(0),
      ),
    ],
  };
}

function engineSection(group: EngineRow['group'], { rows, leftOut, simdjsonVersion }: EngineResults): Section {
  const isSum = group === 'sum';
  const javascript = `JavaScript: ${javascriptSteps}.`;
  return {
    title: engineTitles[group],
    notes: isSum
      ? [
          `The fastest call of all rounds on each side; ratios are the engine by the other. ${javascript}`,
          ...(simdjsonVersion === undefined
            ? []
            : [`simdjson ${simdjsonVersion}, On-Demand, in a process of its own.`]),
          ...leftOut.map(({ name, why }) => `Left out: ${name} (${why}).`),
        ]
      : [javascript],
    header: [
      ...['data', 'body', 'engine', 'MB/s', 'JavaScript', 'MB/s', 'ratio'],
      ...(isSum ? ['simdjson MB/s', 'ratio'] : []),
    ],
    rows: rows
      .filter((row) => row.group === group)
      .map((row) => [
        row.name,
        `${row.frameBytes.toLocaleString('en')} B`,
        nanoseconds(row.engine.nsPerFrame),
        row.engine.megabytesPerSecond.toFixed(0),
        nanoseconds(row.javascript.nsPerFrame),
        row.javascript.megabytesPerSecond.toFixed(0),
        ratio(row.ratio),
        ...(isSum ? simdjsonCells(row) : []),
      ]),
  };
}

function simdjsonCells({ simdjson }: EngineRow): string[] {
  return simdjson === undefined ? ['–', '–'] : [simdjson.megabytesPerSecond.toFixed(0), ratio(simdjson.ratio)];
}

function goalSection(results: BenchResults): Section | undefined {
  const outcomes = goalOutcomes(results);
  if (outcomes.length === 0) return undefined;
  return {
    title: 'What it set out to reach',
    notes: [],
    header: ['goal', 'measured', 'reached'],
    rows: outcomes.map(({ text, measured, reached }) => [text, measured, reached ? 'yes' : 'NO']),
  };
}
