/**
 * `npm run bench`: what trama does on this machine, beside its peers. See docs/performance.md for how to read it.
 * Prints the tables on stdout, progress on stderr, and a whole run writes bench/results/latest.{json,md,svg} and sums.svg.
 * Exit status 0 whatever the figures are; 1 where trama itself fails; 2 for a wrong option.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type BulkPlan, benchBulk } from './bulk/bulk-bench.js';
import { benchEngine } from './engine/engine-bench.js';
import { type GeneratorChoice, openGenerator } from './load/run-generator.js';
import { benchLoad, type LoadPlan } from './load-bench.js';
import { loadRows } from './load-rows.js';
import { describeMachine } from './machine.js';
import { resultsFolder } from './paths.js';
import { asMarkdown } from './report/markdown.js';
import { asSumsSvg } from './report/sums-svg.js';
import { asSvg } from './report/svg.js';
import { asText } from './report/text.js';
import type { BenchResults } from './results.js';

interface Options {
  readonly smoke?: boolean;
  readonly only?: 'engine' | 'server' | 'large';
  readonly rows?: string;
  readonly seconds?: number;
  readonly rounds?: number;
  readonly generator: GeneratorChoice;
  readonly out?: string;
  /** Commander's way of `--no-write`. */
  readonly write: boolean;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function partOfARow(text: string): string {
  if (!loadRows.some(({ name }) => name.includes(text))) throw new InvalidArgumentError('No row has it in its name.');
  return text;
}

function readOptions(): Options {
  return new Command('bench')
    .description('Measures the engine and the server on this machine, beside their peers.')
    .option('--smoke', 'everything tiny: tells that the benchmark works, nothing else')
    .addOption(new Option('--only <part>', 'one part').choices(['engine', 'server', 'large']))
    .option('--rows <text>', 'of the rows under load only those whose name has the text in it', partOfARow)
    .option('--seconds <n>', 'seconds for each measurement under load (2)', positive)
    .option('--rounds <n>', 'rounds over all peers (5), and over the large frames (3)', positive)
    .addOption(new Option('--generator <kind>', 'what makes the load').choices(['auto', 'node', 'c']).default('auto'))
    .option('--out <folder>', 'where the results go (bench/results, and nowhere for partial or tiny runs)')
    .option('--no-write', 'write no files')
    .exitOverride((stop) => process.exit(stop.exitCode === 0 ? 0 : 2))
    .parse()
    .opts<Options>();
}

function loadPlan({ smoke, seconds, rounds, rows }: Options): LoadPlan {
  const plan = smoke
    ? { rounds: 1, timing: { seconds: 0.1, warmupSeconds: 0.05 }, starts: 1, memoryFrames: 1000, settleMs: 0 }
    : { rounds: 5, timing: { seconds: 2, warmupSeconds: 0.7 }, starts: 5, memoryFrames: 1_000_000, settleMs: 1000 };
  return {
    ...plan,
    rows: rows === undefined ? loadRows : loadRows.filter(({ name }) => name.includes(rows)),
    // Whoever asks for some of the rows is not to wait for the rest.
    ...(rows === undefined ? {} : { starts: 1, memoryFrames: 0 }),
    memorySecondsMax: smoke ? 1 : 20,
    rounds: rounds ?? plan.rounds,
    timing: { ...plan.timing, seconds: seconds ?? plan.timing.seconds },
  };
}

function bulkPlan({ smoke, rounds = 3 }: Options, { timing, settleMs }: LoadPlan): BulkPlan {
  if (smoke) return { rounds: 1, frameBytes: 2 ** 22, sumBytes: 2 ** 21, timing, settleMs };
  return { rounds, frameBytes: 2 ** 31, sumBytes: 2 ** 30, timing, settleMs };
}

async function measure(options: Options): Promise<BenchResults> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const { smoke = false, only } = options;
  const common = {
    date: new Date().toISOString(),
    command: ['npm run bench', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' '),
    smoke,
    machine: describeMachine(),
  };
  const parts: { -readonly [Part in 'engine' | 'load' | 'bulk']?: BenchResults[Part] } = {};
  const wants = (part: Options['only']) => only === undefined || only === part;
  if (wants('engine'))
    parts.engine = await benchEngine(smoke ? { rounds: 1, seconds: 0.01 } : { rounds: 3, seconds: 0.25 }, tell);
  if (wants('server') || wants('large')) {
    const generator = await openGenerator(options.generator);
    try {
      const load = loadPlan(options);
      if (wants('server')) parts.load = await benchLoad(load, generator, tell);
      if (wants('large')) parts.bulk = await benchBulk(bulkPlan(options, load), generator, tell);
    } finally {
      await generator.close();
    }
  }
  return { ...common, ...parts } as BenchResults;
}

/** @param name what the files are called: half a run must not stand where a whole one's results are looked for */
async function write(results: BenchResults, folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const sums = asSumsSvg(results);
  const plots = [`${name}.svg`, ...(sums === undefined ? [] : ['sums.svg'])];
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
  await writeFile(join(folder, `${name}.md`), asMarkdown(results, plots));
  await writeFile(join(folder, `${name}.svg`), asSvg(results));
  if (sums !== undefined) await writeFile(join(folder, 'sums.svg'), sums);
}

const options = readOptions();
try {
  const results = await measure(options);
  process.stdout.write(asText(results));
  // A part of a run, or a tiny one, must not stand where a whole one's results are looked for.
  const whole = !options.smoke && options.only === undefined && options.rows === undefined;
  const folder = options.out ?? (whole ? resultsFolder : undefined);
  if (options.write && folder !== undefined) {
    await write(results, folder, options.only ?? 'latest');
    process.stderr.write(`written to ${folder}\n`);
  }
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
