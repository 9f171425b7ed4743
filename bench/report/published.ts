/**
 * What the project's pages tell of the results: tables and plots, written between marks in README.md and
 * docs/performance.md from the results in bench/results, so that every page tells the same figures of the same runs.
 * There is one file of results for each major version of Node.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mixedNames } from '../load-rows.js';
import type { BenchResults, EngineRow, LoadCell, MixedResults } from '../results.js';
import { ratio } from './format.js';
import { asOverviewSvg } from './overview-svg.js';
import { asSizesSvg } from './sizes-svg.js';

export interface PublishedRun {
  /** What its files are called: `node20`. */
  readonly name: string;
  readonly nodeMajor: number;
  readonly results: BenchResults;
}

const fileName = /^node(\d+)\.json$/;

/** @param nodeVersion as `process.version` has it */
export function runName(nodeVersion: string): string {
  return `node${nodeVersion.replace(/^v/, '').split('.')[0]}`;
}

/** The whole runs in a folder of results, the oldest Node first. */
export function readPublished(folder: string): PublishedRun[] {
  return readdirSync(folder)
    .flatMap((file) => {
      const major = fileName.exec(file)?.[1];
      if (major === undefined) return [];
      const results = JSON.parse(readFileSync(join(folder, file), 'utf8')) as BenchResults;
      return [{ name: `node${major}`, nodeMajor: Number(major), results }];
    })
    .sort((a, b) => a.nodeMajor - b.nodeMajor);
}

/** A page with what is between its marks written anew. @throws Error where the page lacks the marks */
export function withPublished(page: string, parts: Readonly<Record<string, string>>): string {
  let written = page;
  for (const [name, text] of Object.entries(parts)) {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
    const [from, to] = [written.indexOf(begin), written.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the page has no part between ${begin} and ${end}`);
    written = `${written.slice(0, from + begin.length)}\n${text}\n${written.slice(to)}`;
  }
  return written;
}

/** Plots of all runs together, by the names of their files. */
export function plotsOfAll(runs: readonly PublishedRun[]): Record<string, string> {
  const drawn = { 'overview.svg': asOverviewSvg(runs), 'sizes.svg': asSizesSvg(runs) };
  return Object.fromEntries(Object.entries(drawn).flatMap(([file, svg]) => (svg === undefined ? [] : [[file, svg]])));
}

/** The parts of README.md. @param folder where the plots are, from the page */
export function readmeParts(runs: readonly PublishedRun[], folder: string): Record<string, string> {
  const nodes = runs.map(({ nodeMajor }) => `Node ${nodeMajor}`).join(' and ');
  return {
    overview: `![How many times as fast as a plain Node server, by kind of work; ${nodes}](${folder}/overview.svg)`,
  };
}

export function performanceParts(runs: readonly PublishedRun[], folder: string): Record<string, string> {
  return {
    runs: runsLine(runs, folder),
    load: `${plots(runs, 'load', folder)}\n\n${loadTable(runs)}`,
    sizes: sizesPart(runs, folder),
    sums: `${plots(runs, 'sums', folder)}\n\n${sumsTable(runs)}`,
    large: largeTable(runs),
  };
}

/** The plot of rates by size, and what kinds of work leave to each other; a sentence where no run has measured it. */
function sizesPart(runs: readonly PublishedRun[], folder: string): string {
  const measured = runs.filter(({ results }) => results.load?.sizes !== undefined);
  if (measured.length === 0) return 'The published runs have no rows by size.';
  const nodes = measured.map(({ nodeMajor }) => `Node ${nodeMajor}`).join(' and ');
  const plot = `![MB a second by size of frame: trama, a C server, a plain Node server; ${nodes}](${folder}/sizes.svg)`;
  const names = [...new Set(measured.flatMap(({ results }) => results.load!.sizes!.rows.map(({ name }) => name)))];
  const peers = ['C, epoll', 'plain Node'];
  const cellsOf = ({ results }: PublishedRun, name: string) =>
    results.load!.sizes!.rows.find((row) => row.name === name)?.cells ?? [];
  const header = peers.flatMap((peer) => measured.map(({ nodeMajor }) => `${peer}, Node ${nodeMajor}`));
  const bySize = table(
    ['trama’s rate, by that of', ...header],
    names.map((name) => [
      name,
      ...peers.flatMap((peer) =>
        measured.map((run) => optional(cellsOf(run, name).find((cell) => cell.peer === peer)?.rateRatio)),
      ),
    ]),
  );
  return `${plot}\n\n${bySize}\n\n${mixedTable(measured)}`;
}

function mixedTable(runs: readonly PublishedRun[]): string {
  const line = (what: string, text: (mixed: MixedResults) => string | undefined) => [
    what,
    ...runs.map(({ results }) => (results.load?.mixed && text(results.load.mixed)) ?? '–'),
  ];
  return table(
    ['beside each other', ...runs.map(({ nodeMajor }) => `Node ${nodeMajor}`)],
    [
      line(`${mixedNames.streams}: p99`, ({ streams }) => streams && `${(streams.beside.p99Us / 1000).toFixed(1)} ms`),
      line(`${mixedNames.streams}: rate by that alone`, ({ streams }) => streams && ratio(streams.rateRatio)),
      line(`${mixedNames.connects}: by those alone`, ({ connects }) => connects && ratio(connects.ratio)),
    ],
  );
}

const about = {
  sums: 'Adding up 100,000 numbers of JSON text, by shape of numbers: trama, simdjson, JavaScript',
  load: 'Replies a second and MB a second: trama beside its peers',
} as const;

function plots(runs: readonly PublishedRun[], plot: keyof typeof about, folder: string): string {
  const suffix = plot === 'sums' ? '-sums' : '';
  return runs
    .map(({ name, nodeMajor }) => `![${about[plot]}; Node ${nodeMajor}](${folder}/${name}${suffix}.svg)`)
    .join('\n\n');
}

function runsLine(runs: readonly PublishedRun[], folder: string): string {
  return runs
    .map(({ name, results: { machine, date, revision } }) => {
      const sources = revision === undefined ? '' : `, sources ${revision}`;
      return `- [${name}](${folder}/${name}.md): Node ${machine.node}, ${machine.processor}, ${machine.cores} cores, ${date.slice(0, 10)}${sources}`;
    })
    .join('\n');
}

/** One line for each row under load, one column for each run and peer that has figures. */
function loadTable(runs: readonly PublishedRun[]): string {
  const columns = runs.flatMap((run) => {
    const peers = new Set(run.results.load?.rows.flatMap(({ cells }) => cells.slice(1).map(({ peer }) => peer)));
    return [...peers].map((peer) => ({ run, peer }));
  });
  const names = [...new Set(runs.flatMap(({ results }) => results.load?.rows.map(({ name }) => name) ?? []))];
  return table(
    ['trama’s rate, by that of', ...columns.map(({ run, peer }) => `${peer}, Node ${run.nodeMajor}`)],
    names.map((name) => [name, ...columns.map(({ run, peer }) => cellText(run, name, peer, 'rateRatio'))]),
  );
}

function sumsTable(runs: readonly PublishedRun[]): string {
  const suffix = ', 100,000';
  const isSum = ({ group, name }: EngineRow) => group === 'sum' && name.endsWith(suffix);
  const names = [
    ...new Set(runs.flatMap(({ results }) => results.engine?.rows.filter(isSum).map(({ name }) => name) ?? [])),
  ];
  const rowOf = ({ results }: PublishedRun, name: string) =>
    results.engine?.rows.find((row) => isSum(row) && row.name === name);
  return table(
    [
      'data',
      ...runs.map((run) => `simdjson, Node ${run.nodeMajor}`),
      ...runs.map((run) => `JavaScript, Node ${run.nodeMajor}`),
    ],
    names.map((name) => [
      name.replace(suffix, ''),
      ...runs.map((run) => optional(rowOf(run, name)?.simdjson?.ratio)),
      ...runs.map((run) => optional(rowOf(run, name)?.ratio)),
    ]),
  );
}

const largeRows = ['sum of 2 MB of doubles, 4 × 2', 'sum of 490 KB of integers, 4 × 2'];

function largeTable(runs: readonly PublishedRun[]): string {
  const line = (what: string, text: (run: PublishedRun) => string) => [what, ...runs.map(text)];
  const memory = ({ results: { bulk } }: PublishedRun) => {
    const { idleBytes, peakBytes } = bulk?.frame ?? {};
    return idleBytes === undefined || peakBytes === undefined
      ? '–'
      : `${((peakBytes - idleBytes) / 2 ** 20).toFixed(0)} MiB`;
  };
  return table(
    ['row', ...runs.map((run) => `Node ${run.nodeMajor}`)],
    [
      ...largeRows.flatMap((name) =>
        ['plain Node', 'Python threads'].map((peer) =>
          line(`${name}: rate by that of ${peer}`, (run) => cellText(run, name, peer, 'rateRatio')),
        ),
      ),
      line('one large frame: rate by that of the engine alone', ({ results }) => optional(results.bulk?.frame.ratio)),
      line('one large frame: memory over idle', memory),
      line('small echoes beside large sums: rate by that alone', ({ results }) =>
        optional(results.bulk?.beside.rateRatio),
      ),
      line('small echoes beside large sums: p99', ({ results: { bulk } }) =>
        bulk === undefined ? '–' : `${(bulk.beside.beside.p99Us / 1000).toFixed(1)} ms`,
      ),
    ],
  );
}

function cellText(run: PublishedRun, row: string, peer: string, figure: 'rateRatio'): string {
  const cells: readonly LoadCell[] = run.results.load?.rows.find(({ name }) => name === row)?.cells ?? [];
  return optional(cells.find((cell) => cell.peer === peer)?.[figure]);
}

function optional(times: number | undefined): string {
  return times === undefined ? '–' : ratio(times);
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
