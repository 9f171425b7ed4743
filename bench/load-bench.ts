/**
 * The server beside its peers, under load. All run at once and are measured in turn, round after round, so that what the
 * machine does meanwhile hits all alike; what counts is the median of the rounds' ratios.
 * A peer that cannot start, or fails in a row, is left out there by name; trama's own failure is the benchmark's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildRequestRing } from './load/request-ring.js';
import type { OpenGenerator } from './load/run-generator.js';
import type { Measurement, Timing, Work } from './load/work.js';
import { memoryRow, type SizedWork } from './load-rows.js';
import { benchMixed, type MixedPlan } from './mixed-bench.js';
import { type PeerKind, peerKinds, tramaName } from './peers/peers.js';
import { type RunningPeer, startPeer } from './peers/running-peer.js';
import { endedChildrenSeconds, processorSeconds, residentBytes } from './process-figures.js';
import type { LoadCell, LoadResults, LoadRow, ProcessFigures, SizeRow } from './results.js';
import { median, medianRatio } from './statistics.js';

export interface LoadPlan {
  readonly serverMain: string;
  readonly rows: readonly Work[];
  readonly rounds: number;
  readonly timing: Timing;
  /** The same work by size, with times of its own: it is many rows. */
  readonly sizes: { readonly rows: readonly SizedWork[]; readonly rounds: number; readonly timing: Timing };
  readonly mixed: MixedPlan;
  readonly starts: number;
  /** Whether start and memory are measured, too. */
  readonly withProcesses: boolean;
  /** Frames after which memory is read again, and the seconds that they may take at most. */
  readonly memoryFrames: number;
  readonly memorySecondsMax: number;
  readonly settleMs: number;
}

interface Entrant {
  readonly kind: PeerKind;
  readonly running: RunningPeer;
}

interface Sample extends Measurement {
  readonly serverCores: number | undefined;
  readonly generatorCores: number | undefined;
}

type LeftOut = { name: string; why: string };

export async function benchLoad(
  plan: LoadPlan,
  generator: OpenGenerator,
  tell: (line: string) => void,
): Promise<LoadResults> {
  const folder = await mkdtemp(join(tmpdir(), 'trama-peers-'));
  const leftOut: LeftOut[] = [];
  const entrants: Entrant[] = [];
  try {
    const starts = await measureStarts(plan, folder, entrants, leftOut, tell);
    const processes = plan.withProcesses ? await measureMemory(plan, generator, entrants, starts, tell) : [];
    const rows: LoadRow[] = [];
    for (const work of plan.rows) rows.push(...(await measureRows(plan, generator, entrants, [work], leftOut, tell)));
    const { rows: sized, ...sizePlan } = plan.sizes;
    const measured = await measureRows(sizePlan, generator, entrants, sized, leftOut, tell);
    const sizes = sized.map(({ op, size, count }, index): SizeRow => ({ op, size, count, ...measured[index]! }));
    const { port } = entrants.find(({ kind }) => kind.name === tramaName)!.running;
    const mixed =
      plan.mixed.names.length === 0
        ? {}
        : { mixed: await benchMixed(plan.mixed, generator, port, folder, leftOut, tell) };
    leftOut.push(...withoutOperation(plan.rows, entrants));
    return {
      generator: generator.name,
      rounds: plan.rounds,
      secondsPerMeasurement: plan.timing.seconds,
      peers: await Promise.all(entrants.map(({ kind }) => describe(kind))),
      leftOut,
      rows,
      processes,
      ...(sizes.length === 0
        ? {}
        : { sizes: { rounds: sizePlan.rounds, secondsPerMeasurement: sizePlan.timing.seconds, rows: sizes } }),
      ...mixed,
    };
  } finally {
    await Promise.all(entrants.map(({ running }) => running.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

async function describe({ name, what, version }: PeerKind): Promise<LoadResults['peers'][number]> {
  const told = await version();
  return told === undefined ? { name, what } : { name, what, version: told };
}

/** Starts each peer several times, in turn; the last start stays. Gives the milliseconds of all, by name. */
async function measureStarts(
  plan: LoadPlan,
  folder: string,
  entrants: Entrant[],
  leftOut: LeftOut[],
  tell: (line: string) => void,
): Promise<Map<string, number[]>> {
  const starts = new Map<string, number[]>();
  const given = new Set<string>();
  for (let round = 1; round <= plan.starts; round++) {
    tell(`starts, ${round} of ${plan.starts}`);
    for (const kind of peerKinds(plan.serverMain)) {
      if (given.has(kind.name)) continue;
      try {
        const running = await startPeer(await kind.command(folder), kind.wire);
        starts.set(kind.name, [...(starts.get(kind.name) ?? []), running.firstReplyMs]);
        if (round === plan.starts) entrants.push({ kind, running });
        else await running.stop();
      } catch (error) {
        if (kind.name === tramaName) throw new Error(`the server did not start: ${(error as Error).message}`);
        given.add(kind.name);
        leftOut.push({ name: kind.name, why: (error as Error).message });
      }
    }
  }
  return starts;
}

async function measureMemory(
  plan: LoadPlan,
  generator: OpenGenerator,
  entrants: readonly Entrant[],
  starts: ReadonlyMap<string, number[]>,
  tell: (line: string) => void,
): Promise<ProcessFigures[]> {
  await sleep(plan.settleMs);
  const figures: ProcessFigures[] = [];
  for (const { kind, running } of entrants) {
    tell(`memory: ${kind.name}`);
    const idleBytes = residentBytes(running.pid);
    const giveUpAtMs = performance.now() + plan.memorySecondsMax * 1000;
    let frames = 0;
    while (frames < plan.memoryFrames && performance.now() < giveUpAtMs) {
      const timing = { seconds: Math.min(1, plan.timing.seconds), warmupSeconds: 0 };
      frames += (await generator.measure(running.port, kind.wire, memoryRow, timing)).replies;
    }
    await sleep(plan.settleMs);
    const loadedBytes = residentBytes(running.pid);
    const memory = idleBytes === undefined || loadedBytes === undefined ? {} : { idleBytes, loadedBytes };
    figures.push({ peer: kind.name, firstReplyMs: median(starts.get(kind.name)!), ...memory, frames });
  }
  return figures;
}

/** All rows in each round, so that what the machine does meanwhile hits all of them alike. */
async function measureRows(
  { rounds, timing }: Pick<LoadPlan, 'rounds' | 'timing'>,
  generator: OpenGenerator,
  entrants: readonly Entrant[],
  works: readonly Work[],
  leftOut: LeftOut[],
  tell: (line: string) => void,
): Promise<LoadRow[]> {
  const rows = works.map((work) => {
    const taken = entrants.filter(({ kind }) => isIn(kind, work)).map((entrant) => [entrant, [] as Sample[]] as const);
    return { work, samples: new Map<Entrant, Sample[]>(taken) };
  });
  for (let round = 1; round <= rounds; round++) {
    for (const { work, samples } of rows) {
      tell(`${work.name}: round ${round} of ${rounds}`);
      for (const [entrant, taken] of rotated([...samples], round)) {
        try {
          taken.push(await sample(generator, entrant, work, timing));
        } catch (error) {
          const why = (error as Error).message;
          if (entrant.kind.name === tramaName) throw new Error(`${work.name}: trama failed: ${why}`);
          samples.delete(entrant);
          leftOut.push({ name: `${entrant.kind.name} in "${work.name}"`, why });
        }
      }
    }
  }
  return rows.map(({ work, samples }) => {
    const own = samples.get(entrants.find(({ kind }) => kind.name === tramaName)!)!;
    return {
      name: work.name,
      requestBytes: buildRequestRing('frames', work.op, work.data, 1).requestBytes,
      cells: [...samples].map(([{ kind }, taken]) => cellOf(kind.name, taken, own)),
    };
  });
}

function isIn({ name, ops }: PeerKind, { op, peers }: Work): boolean {
  return ops.includes(op) && (peers === undefined || name === tramaName || peers.includes(name));
}

/** Who is not in some rows because it has no such operation. */
function withoutOperation(rows: readonly Work[], entrants: readonly Entrant[]): LeftOut[] {
  const asked = [...new Set(rows.map(({ op }) => op))];
  return entrants.flatMap(({ kind }) =>
    asked
      .filter((op) => !kind.ops.includes(op))
      .map((op) => ({ name: `${kind.name} in the rows of ${op}`, why: 'it has no such operation' })),
  );
}

/** Nobody is always the first, nor always after the same neighbour. */
function rotated<T>(list: readonly T[], by: number): T[] {
  const first = by % Math.max(1, list.length);
  return [...list.slice(first), ...list.slice(0, first)];
}

async function sample(
  generator: OpenGenerator,
  { kind, running }: Entrant,
  work: Work,
  timing: Timing,
): Promise<Sample> {
  const startedAtMs = performance.now();
  const serverBefore = processorSeconds(running.pid);
  const generatorBefore = endedChildrenSeconds();
  const measured = await generator.measure(running.port, kind.wire, work, timing);
  const seconds = (performance.now() - startedAtMs) / 1000;
  return {
    ...measured,
    serverCores: perSecond(serverBefore, processorSeconds(running.pid), seconds),
    generatorCores: perSecond(generatorBefore, endedChildrenSeconds(), seconds),
  };
}

function perSecond(before: number | undefined, after: number | undefined, seconds: number): number | undefined {
  return before === undefined || after === undefined ? undefined : (after - before) / seconds;
}

function cellOf(peer: string, taken: readonly Sample[], own: readonly Sample[]): LoadCell {
  const of = (samples: readonly Sample[], figure: 'ratePerSecond' | 'p50Us' | 'p99Us') =>
    samples.map((each) => each[figure]);
  const ratio = (figure: 'ratePerSecond' | 'p50Us' | 'p99Us') => medianRatio(of(own, figure), of(taken, figure));
  const cores = (figure: 'serverCores' | 'generatorCores') => {
    const known = taken.map((each) => each[figure]).filter((each) => each !== undefined);
    return known.length === 0 ? {} : { [figure]: median(known) };
  };
  return {
    peer,
    ratePerSecond: median(of(taken, 'ratePerSecond')),
    p50Us: median(of(taken, 'p50Us')),
    p99Us: median(of(taken, 'p99Us')),
    rateRatio: ratio('ratePerSecond'),
    p50Ratio: ratio('p50Us'),
    p99Ratio: ratio('p99Us'),
    ...cores('serverCores'),
    ...cores('generatorCores'),
  };
}
