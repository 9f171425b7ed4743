/**
 * `npm run bench`: what trama does on this machine, beside its peers. See docs/performance.md for how to read it.
 * With `--node FILE`, all of it again with another Node, so that the results of both are of one run.
 * Prints the tables on stdout, progress on stderr. A whole run writes bench/results/nodeNN.{json,md,svg}, and its figures
 * into README.md and docs/performance.md.
 * Exit status 0 whatever the figures are; 1 where trama itself fails; 2 for a wrong option.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { type AttackPlan, benchAttacks } from './attacks/attack-bench.js';
import { attackCases } from './attacks/attacks.js';
import { benchBursts } from './attacks/drain-bursts.js';
import { type BulkPlan, benchBulk } from './bulk/bulk-bench.js';
import { benchEdge, type EdgePlan } from './edge/edge-bench.js';
import { edgeRows } from './edge/edge-goals.js';
import { benchEngine } from './engine/engine-bench.js';
import { type GeneratorChoice, openGenerator } from './load/run-generator.js';
import { benchLoad, type LoadPlan } from './load-bench.js';
import { loadRows, mixedNames, sizeRows } from './load-rows.js';
import { describeCommand, describeMachine } from './machine.js';
import { againWith, otherNode } from './other-nodes.js';
import { resultsFolder, serverMain } from './paths.js';
import { publish, writeResults } from './publish.js';
import { runName } from './report/published.js';
import { asText } from './report/text.js';
import type { AttackResults, BenchResults } from './results.js';
import { revision } from './versions.js';

const parts = ['engine', 'server', 'large', 'edge', 'attacks'] as const;
type Part = (typeof parts)[number];

interface Options {
  readonly smoke?: boolean;
  readonly only?: Part;
  readonly rows?: string;
  readonly seconds?: number;
  readonly rounds?: number;
  readonly bursts?: number;
  readonly generator: GeneratorChoice;
  readonly server: string;
  /** Other programs of Node that measure the same afterwards. */
  readonly node: readonly string[];
  readonly publish?: boolean;
  readonly out?: string;
  /** Commander's way of `--no-write`. */
  readonly write: boolean;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function readOptions(): Options {
  const command = new Command('bench')
    .description('Measures the engine and the server on this machine, beside their peers and under attack.')
    .option('--smoke', 'everything tiny: tells that the benchmark works, nothing else')
    .addOption(new Option('--only <part>', 'one part').choices(parts))
    .option(
      '--rows <text>',
      'rows under load whose name has the text in it, and nothing else; or attacks or edge rows, with --only',
    )
    .option(
      '--seconds <n>',
      'seconds for each measurement under load (1.6, and 1 by size), and under attack (8)',
      positive,
    )
    .option('--rounds <n>', 'rounds over all peers (5), and over sizes and large frames (3)', positive)
    .option('--bursts <n>', 'shutdowns in the middle of a crowd, with the attacks (1000)', positive)
    .addOption(new Option('--generator <kind>', 'what makes the load').choices(['auto', 'node', 'c']).default('auto'))
    .addOption(
      new Option('--server <file>', 'dist/src/cli/main.js of the trama that is measured').default(
        serverMain,
        'this one',
      ),
    )
    .addOption(
      new Option('--node <file>', 'measure all again with this Node afterwards; may be given several times')
        .default([], 'none')
        .argParser((file: string, others: readonly string[]) => [...others, otherNode(file)]),
    )
    .option('--out <folder>', 'where the results go (bench/results, and nowhere for partial or tiny runs)')
    .option('--no-write', 'write no files')
    .option('--publish', 'measure nothing; draw bench/results anew, and write its figures into the pages')
    .exitOverride((stop) => process.exit(stop.exitCode === 0 ? 0 : 2))
    .parse();
  const options = command.opts<Options>();
  const mixed = Object.values(mixedNames).map((name) => ({ name }));
  const ofPart: Partial<Record<Part, readonly Named[]>> = { attacks: attackCases, edge: edgeRows };
  const rows = ofPart[options.only ?? 'server'] ?? [...loadRows, ...sizeRows, ...mixed];
  if (chosen(rows, options.rows).length === 0) command.error(`error: no row has "${options.rows}" in its name`);
  // Whoever asks for some of the rows does not wait for the rest.
  return options.rows === undefined || options.only !== undefined ? options : { ...options, only: 'server' };
}

interface Named {
  readonly name: string;
}

/** Rows whose name has the text in it; all where there is none. */
function chosen<Row extends Named>(rows: readonly Row[], text: string | undefined): readonly Row[] {
  return text === undefined ? rows : rows.filter(({ name }) => name.includes(text));
}

function loadPlan({ smoke, seconds, rounds, rows, server }: Options): LoadPlan {
  const plan = smoke
    ? { rounds: 1, timing: { seconds: 0.1, warmupSeconds: 0.05 }, starts: 1, memoryFrames: 1000, settleMs: 0 }
    : { rounds: 5, timing: { seconds: 1.6, warmupSeconds: 0.5 }, starts: 5, memoryFrames: 1_000_000, settleMs: 1000 };
  const timing = { ...plan.timing, seconds: seconds ?? plan.timing.seconds };
  const sizeTiming = smoke ? timing : { seconds: seconds ?? 1, warmupSeconds: 0.4 };
  const roundsOfMany = rounds ?? (smoke ? 1 : 3);
  return {
    ...plan,
    serverMain: server,
    rows: chosen(loadRows, rows),
    sizes: {
      rows: chosen(smoke && rows === undefined ? smokeSizes : sizeRows, rows),
      rounds: roundsOfMany,
      timing: sizeTiming,
    },
    mixed: {
      names: Object.values(mixedNames).filter((name) => rows === undefined || name.includes(rows)),
      rounds: roundsOfMany,
      timing,
    },
    withProcesses: rows === undefined,
    starts: rows === undefined ? plan.starts : 1,
    memorySecondsMax: smoke ? 1 : 20,
    rounds: rounds ?? plan.rounds,
    timing,
  };
}

/** The smallest of each kind, and one of the middle. */
const smokeSizes = (['echo', 'sum'] as const).flatMap((op) => {
  const rows = sizeRows.filter((row) => row.op === op);
  return [rows[0]!, rows[rows.length >> 1]!];
});

function bulkPlan({ smoke, rounds = 3 }: Options, { timing, settleMs, serverMain }: LoadPlan): BulkPlan {
  const common = { serverMain, timing, settleMs };
  if (smoke) return { ...common, rounds: 1, frameBytes: 2 ** 22, sumBytes: 2 ** 21 };
  return { ...common, rounds, frameBytes: 2 ** 31, sumBytes: 2 ** 30 };
}

function edgePlan({ smoke, rounds = 3, seconds = 2, rows, server }: Options): EdgePlan {
  const common = { serverMain: server, names: chosen(edgeRows, rows).map(({ name }) => name) };
  if (smoke)
    return {
      ...common,
      rounds: 1,
      timing: { seconds: 0.2, warmupSeconds: 0.2 },
      sumBytes: 2 ** 22,
      idleConnections: 100,
    };
  return { ...common, rounds, timing: { seconds, warmupSeconds: 0.7 }, sumBytes: 2 ** 28, idleConnections: 10_000 };
}

function attackPlan({ smoke, seconds, rows, server }: Options): AttackPlan {
  const times = smoke
    ? { settleMs: 100, calmMs: 300, attackMs: 300, afterMs: 100 }
    : { settleMs: 1000, calmMs: 4000, attackMs: 8000, afterMs: 2000 };
  return {
    ...times,
    serverMain: server,
    isWhole: !smoke,
    cases: chosen(attackCases, rows),
    ...(seconds === undefined ? {} : { attackMs: seconds * 1000 }),
  };
}

async function measureAttacks(options: Options, tell: (line: string) => void): Promise<AttackResults> {
  const { smoke, rows, server, bursts = smoke ? 1 : 1000 } = options;
  const results = await benchAttacks(attackPlan(options), tell);
  if (rows !== undefined && options.bursts === undefined) return results;
  return { ...results, bursts: await benchBursts({ serverMain: server, bursts }, tell) };
}

async function measure(options: Options): Promise<BenchResults> {
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const { smoke = false, only } = options;
  const common = {
    date: new Date().toISOString(),
    command: describeCommand(process.argv.slice(2)),
    smoke,
    machine: describeMachine(),
    ...(await ownRevision(options)),
  };
  const measured: { -readonly [Name in 'engine' | 'load' | 'bulk' | 'edge' | 'attacks']?: BenchResults[Name] } = {};
  const wants = (part: Part) => only === undefined || only === part;
  if (wants('engine'))
    measured.engine = await benchEngine(smoke ? { rounds: 1, seconds: 0.01 } : { rounds: 3, seconds: 0.25 }, tell);
  if (wants('server') || wants('large')) {
    const generator = await openGenerator(options.generator);
    try {
      const load = loadPlan(options);
      if (wants('server')) measured.load = await benchLoad(load, generator, tell);
      if (wants('large')) measured.bulk = await benchBulk(bulkPlan(options, load), generator, tell);
    } finally {
      await generator.close();
    }
  }
  if (wants('edge')) measured.edge = await benchEdge(edgePlan(options), tell);
  // An hour's quarter, and nothing beside which it could be held: it is asked for by name.
  if (only === 'attacks') measured.attacks = await measureAttacks(options, tell);
  return { ...common, ...measured } as BenchResults;
}

/** A build that is somewhere else is of sources that git here does not know. */
async function ownRevision({ server }: Options): Promise<{ revision?: string }> {
  const known = server === serverMain ? await revision() : undefined;
  return known === undefined ? {} : { revision: known };
}

const options = readOptions();
try {
  if (options.publish) await publish();
  else await measureAndWrite(options);
  for (const node of options.node) await againWith(node);
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

async function measureAndWrite(options: Options): Promise<void> {
  const results = await measure(options);
  process.stdout.write(asText(results));
  if (!options.write) return;
  const name = options.only ?? runName(process.version);
  // A part of a run, or a tiny one, must not be where a whole one's results are looked for.
  const isWhole = !options.smoke && options.only === undefined && options.rows === undefined;
  const folder = options.out ?? (isWhole ? resultsFolder : undefined);
  if (folder === undefined) return;
  await writeResults(results, folder, name);
  if (isWhole && folder === resultsFolder) await publish();
  process.stderr.write(`written to ${folder}\n`);
}
