/**
 * Frames that are too large for memory: how near the server comes to its own engine with a frame of gigabytes, what memory
 * it takes, and what rate and latency small frames have beside such sums. It runs on a server of its own, which has
 * answered nothing else.
 *
 * Server, sender and load generator share this machine's cores. Every answer is compared digit by digit.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileEngine, Engine } from '../../src/engine/index.js';
import { warmUp } from '../../src/pool/warm-up.js';
import type { LoadGenerator, Measurement, Timing } from '../load/work.js';
import { rowNamed } from '../load-rows.js';
import { figuresOf } from '../mixed-bench.js';
import { shapeNamed } from '../number-shapes.js';
import { trama } from '../peers/peers.js';
import { type RunningPeer, startPeer } from '../peers/running-peer.js';
import { processorSeconds, residentBytes } from '../process-figures.js';
import type { BulkResults, LargeFrameRow, SmallBesideLarge } from '../results.js';
import { median, medianRatio } from '../statistics.js';
import { engineSeconds } from './engine-rate.js';
import { largeFrame } from './large-frame.js';
import { type RunningSender, runSender } from './run-sender.js';

export interface BulkPlan {
  readonly serverMain: string;
  readonly rounds: number;
  /** The body of the one large frame, and of each of the sums beside small frames. */
  readonly frameBytes: number;
  readonly sumBytes: number;
  readonly timing: Timing;
  readonly settleMs: number;
}

/** Doubles as they come out of a computation, some 20 bytes each. */
const shape = shapeNamed('doubles of many magnitudes');
const small = rowNamed('echo, 50 × 16');
const sums = 4;
const warmUpBytes = 16 * 1024 * 1024;
const sampleMs = 20;
/** A server so slow has stopped. */
const leastBytesPerSecond = 20e6;

export async function benchBulk(
  plan: BulkPlan,
  generator: LoadGenerator,
  tell: (line: string) => void,
): Promise<BulkResults> {
  const folder = await mkdtemp(join(tmpdir(), 'trama-bulk-'));
  const kind = trama(plan.serverMain);
  const server = await startPeer(await kind.command(folder), kind.wire);
  try {
    await sleep(plan.settleMs);
    return {
      rounds: plan.rounds,
      shape: shape.name,
      frame: await measureFrame(plan, server, tell),
      beside: await measureBeside(plan, server, generator, tell),
    };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureFrame(plan: BulkPlan, server: RunningPeer, tell: (line: string) => void): Promise<LargeFrameRow> {
  const { frameBytes, rounds } = plan;
  const engine = new Engine(await compileEngine());
  warmUp(engine);
  engineSeconds(engine, largeFrame(shape, Math.min(warmUpBytes, frameBytes)));
  const frame = largeFrame(shape, frameBytes);
  const idleBytes = residentBytes(server.pid);
  const own: number[] = [];
  const served: number[] = [];
  const cores: number[] = [];
  let peakBytes = 0;
  for (let round = 1; round <= rounds; round++) {
    tell(`one frame of ${frameBytes.toLocaleString('en')} bytes: round ${round} of ${rounds}`);
    own.push(engineSeconds(engine, frame));
    const before = processorSeconds(server.pid);
    const sampler = setInterval(() => {
      peakBytes = Math.max(peakBytes, residentBytes(server.pid) ?? 0);
    }, sampleMs);
    try {
      const { seconds } = await sender(server, frameBytes, 1, 'once').finished;
      served.push(seconds);
      const after = processorSeconds(server.pid);
      if (before !== undefined && after !== undefined) cores.push((after - before) / seconds);
    } finally {
      clearInterval(sampler);
    }
  }
  return {
    bodyBytes: frameBytes,
    seconds: median(served),
    megabytesPerSecond: frameBytes / median(served) / 1e6,
    engineMegabytesPerSecond: frameBytes / median(own) / 1e6,
    ratio: medianRatio(own, served),
    ...(idleBytes === undefined ? {} : { idleBytes, peakBytes }),
    ...(cores.length === 0 ? {} : { serverCores: median(cores) }),
  };
}

async function measureBeside(
  { rounds, sumBytes, timing }: BulkPlan,
  server: RunningPeer,
  generator: LoadGenerator,
  tell: (line: string) => void,
): Promise<SmallBesideLarge> {
  const load = () => generator.measure(server.port, 'frames', small, timing);
  const alone: Measurement[] = [];
  const beside: Measurement[] = [];
  const sumRates: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    tell(`${small.name} beside ${sums} large sums: round ${round} of ${rounds}`);
    alone.push(await load());
    const running = sender(server, sumBytes, sums, 'again');
    await running.streaming;
    try {
      beside.push(await load());
    } finally {
      running.stop();
    }
    const { bodyBytes, seconds } = await running.finished;
    sumRates.push(bodyBytes / seconds / 1e6);
  }
  const rates = (measured: readonly Measurement[]) => measured.map(({ ratePerSecond }) => ratePerSecond);
  return {
    name: small.name,
    sums,
    sumBytes,
    alone: figuresOf(alone),
    beside: figuresOf(beside),
    rateRatio: medianRatio(rates(beside), rates(alone)),
    sumsMegabytesPerSecond: median(sumRates),
  };
}

function sender(server: RunningPeer, bodyBytes: number, connections: number, times: 'once' | 'again'): RunningSender {
  const secondsMax = 30 + (2 * connections * bodyBytes) / leastBytesPerSecond;
  return runSender({ port: server.port, shape: shape.name, bodyBytes, connections, times, secondsMax });
}
