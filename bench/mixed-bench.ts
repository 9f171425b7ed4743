/**
 * What one kind of work leaves to another, on trama: small frames beside streams of larger ones, and new connections beside
 * small frames. Both run alone and beside each other in turn, so that a round's ratio is of neighbours in time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openConnects } from './load/run-connects.js';
import type { LoadGenerator, Measurement, Timing } from './load/work.js';
import { besideRow, mixedNames, rowNamed } from './load-rows.js';
import type { BesideFigures, LeftOut, MixedResults } from './results.js';
import { median, medianRatio } from './statistics.js';

export interface MixedPlan {
  readonly rounds: number;
  readonly timing: Timing;
  /** Which of the two are measured. */
  readonly names: readonly string[];
}

const small = rowNamed('echo, 50 × 16');

type Tell = (line: string) => void;

/** @param folder for files of its own. @param port of trama */
export async function benchMixed(
  plan: MixedPlan,
  generator: LoadGenerator,
  port: number,
  folder: string,
  leftOut: LeftOut[],
  tell: Tell,
): Promise<MixedResults> {
  const wants = (name: string) => plan.names.includes(name);
  const streams = wants(mixedNames.streams) ? { streams: await measureStreams(plan, generator, port, tell) } : {};
  if (!wants(mixedNames.connects)) return { rounds: plan.rounds, ...streams };
  try {
    const connects = await measureConnects(plan, generator, port, folder, tell);
    return { rounds: plan.rounds, ...streams, connects };
  } catch (error) {
    leftOut.push({ name: mixedNames.connects, why: (error as Error).message });
    return { rounds: plan.rounds, ...streams };
  }
}

async function measureStreams(
  { rounds, timing }: MixedPlan,
  generator: LoadGenerator,
  port: number,
  tell: Tell,
): Promise<NonNullable<MixedResults['streams']>> {
  const alone: Measurement[] = [];
  const beside: Measurement[] = [];
  const streamed: number[] = [];
  // The streams begin at once, and end after the small frames.
  const longer = { seconds: timing.seconds + timing.warmupSeconds, warmupSeconds: timing.warmupSeconds / 2 };
  for (let round = 1; round <= rounds; round++) {
    tell(`${mixedNames.streams}: round ${round} of ${rounds}`);
    alone.push(await generator.measure(port, 'frames', small, timing));
    const [streams, taken] = await Promise.all([
      generator.measure(port, 'frames', besideRow, longer),
      generator.measure(port, 'frames', small, timing),
    ]);
    beside.push(taken);
    streamed.push((streams.ratePerSecond * besideRow.data.length) / 1e6);
  }
  const rates = (measured: readonly Measurement[]) => measured.map(({ ratePerSecond }) => ratePerSecond);
  return {
    alone: figuresOf(alone),
    beside: figuresOf(beside),
    rateRatio: medianRatio(rates(beside), rates(alone)),
    streamsMegabytesPerSecond: median(streamed),
  };
}

async function measureConnects(
  { rounds, timing }: MixedPlan,
  generator: LoadGenerator,
  port: number,
  folder: string,
  tell: Tell,
): Promise<NonNullable<MixedResults['connects']>> {
  const count = await openConnects(folder);
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    tell(`${mixedNames.connects}: round ${round} of ${rounds}`);
    alone.push(await count(port, timing.seconds));
    const load = generator.measure(port, 'frames', small, {
      ...timing,
      seconds: timing.seconds + timing.warmupSeconds,
    });
    // Whatever happens to the connections, the load is awaited.
    const [counted] = await Promise.all([
      sleep(timing.warmupSeconds * 1000).then(() => count(port, timing.seconds)),
      load,
    ]);
    beside.push(counted);
  }
  return { alonePerSecond: median(alone), besidePerSecond: median(beside), ratio: medianRatio(beside, alone) };
}

export function figuresOf(measured: readonly Measurement[]): BesideFigures {
  const middle = (figure: keyof BesideFigures) => median(measured.map((each) => each[figure]));
  return { ratePerSecond: middle('ratePerSecond'), p50Us: middle('p50Us'), p99Us: middle('p99Us') };
}
