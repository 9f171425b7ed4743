/**
 * What two I/O threads cost, or bring, beside one: two servers, under the same load in turn, as a program.
 *
 *     node dist/bench/listeners.js [SECONDS] [ROUNDS] [LISTENERS]
 *
 * Processor time for each reply counts most: on a machine whose cores are all in use, a rate tells who got more of them.
 */
import { fileURLToPath } from 'node:url';
import { connect } from '../src/client/index.js';
import { openGenerator } from './load/run-generator.js';
import type { Timing } from './load/work.js';
import { rowNamed } from './load-rows.js';
import { serverMain } from './paths.js';
import { type RunningPeer, startPeer } from './peers/running-peer.js';
import { processorSeconds } from './process-figures.js';
import { median, medianRatio } from './statistics.js';

interface Figures {
  readonly ratePerSecond: number;
  /** Of the server's process. */
  readonly processorUs: number;
}

type Load = (peer: RunningPeer, timing: Timing) => Promise<{ replies: number; seconds: number }>;

const operations = fileURLToPath(new URL('./attacks/operations.js', import.meta.url));

function startListeners(listeners: number): Promise<RunningPeer> {
  const flags = ['--port', '0', '--http-port', '0', '--ops', operations, '--listeners', String(listeners)];
  const port = (line: string) => (line.includes('"msg":"listening"') ? (JSON.parse(line).port as number) : undefined);
  return startPeer({ program: process.execPath, args: [serverMain, 'serve', ...flags], port }, 'frames');
}

/** Calls of a user's operation, from this process: 20 connections with 16 calls in flight on each. */
async function callUsers({ port }: RunningPeer, { seconds }: Timing): Promise<{ replies: number; seconds: number }> {
  const clients = await Promise.all(Array.from({ length: 20 }, () => connect({ port })));
  const startMs = performance.now();
  let replies = 0;
  const callers = clients.flatMap((client) =>
    Array.from({ length: 16 }, async () => {
      for (; performance.now() - startMs < seconds * 1000; replies++) await client.call('quick', 'hola');
    }),
  );
  await Promise.all(callers);
  const tookSeconds = (performance.now() - startMs) / 1000;
  await Promise.all(clients.map((client) => client.close()));
  return { replies, seconds: tookSeconds };
}

const [seconds = '2', rounds = '5', listeners = '2'] = process.argv.slice(2);
const timing: Timing = { seconds: Number(seconds), warmupSeconds: 0.2 };
const generator = await openGenerator('auto');
const generated =
  (name: string): Load =>
  async ({ port }) => {
    const { replies } = await generator.measure(port, 'frames', rowNamed(name), timing);
    return { replies, seconds: timing.seconds };
  };
const loads: readonly (readonly [string, Load])[] = [
  ...['echo, 50 × 128', 'echo, 50 × 16', 'echo, 50 × 1'].map((name) => [name, generated(name)] as const),
  ["a user's operation, 20 × 16", callUsers],
];

async function measure(peer: RunningPeer, load: Load): Promise<Figures> {
  const before = processorSeconds(peer.pid) ?? Number.NaN;
  const { replies, seconds: tookSeconds } = await load(peer, timing);
  const processor = (processorSeconds(peer.pid) ?? Number.NaN) - before;
  return { ratePerSecond: replies / tookSeconds, processorUs: (processor * 1e6) / replies };
}

const [one, several] = [await startListeners(1), await startListeners(Number(listeners))];
try {
  process.stdout.write(`Node ${process.versions.node}, ${generator.name}; ${listeners} I/O threads by one\n`);
  for (const [name, load] of loads) {
    const ofOne: Figures[] = [];
    const ofSeveral: Figures[] = [];
    for (let round = 0; round < Number(rounds); round++) {
      ofOne.push(await measure(one, load));
      ofSeveral.push(await measure(several, load));
    }
    const shown = (read: (figures: Figures) => number, digits: number) => {
      const [values, others] = [ofOne.map(read), ofSeveral.map(read)];
      return `${median(values).toFixed(digits)} and ${median(others).toFixed(digits)}, ${medianRatio(others, values).toFixed(2)} ×`;
    };
    const rate = shown(({ ratePerSecond }) => ratePerSecond, 0);
    const processor = shown(({ processorUs }) => processorUs, 2);
    process.stdout.write(`${name}: replies a second ${rate}; µs of processor a reply ${processor}\n`);
  }
} finally {
  await Promise.all([one.stop(), several.stop(), generator.close()]);
}
