/**
 * The engine alone, on this thread, without a socket, beside JSON.parse and a JavaScript function on the same bytes.
 * Both sides of a case take turns over several rounds; the ratio is the median of the rounds' ratios.
 */
import { Bench } from 'tinybench';
import { compileEngine, Engine } from '../../src/engine/index.js';
import type { EngineFigures, EngineRow } from '../results.js';
import { median, medianRatio } from '../statistics.js';
import { type Contenders, contendersFor } from './contenders.js';
import { type EngineCase, engineCases } from './engine-cases.js';

export interface EnginePlan {
  readonly rounds: number;
  /** For each side of each case in each round. */
  readonly seconds: number;
}

export async function benchEngine(plan: EnginePlan, tell: (line: string) => void): Promise<EngineRow[]> {
  const engine = new Engine(await compileEngine());
  const rows: EngineRow[] = [];
  for (const each of engineCases()) {
    tell(`engine: ${each.group}, ${each.name}`);
    rows.push(await measureCase(plan, each, contendersFor(engine, each)));
  }
  return rows;
}

async function measureCase(plan: EnginePlan, { group, name, body }: EngineCase, sides: Contenders): Promise<EngineRow> {
  const engineMs: number[] = [];
  const javascriptMs: number[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    const time = plan.seconds * 1000;
    const bench = new Bench({ time, iterations: 3, warmupTime: time / 4, warmupIterations: 2, throws: true });
    bench.add('engine', sides.engine).add('javascript', sides.javascript);
    const [engine, javascript] = await bench.run();
    engineMs.push(meanMs(engine!));
    javascriptMs.push(meanMs(javascript!));
  }
  return {
    group,
    name,
    frameBytes: body.length,
    engine: figures(engineMs, sides.frames, body.length),
    javascript: figures(javascriptMs, sides.frames, body.length),
    ratio: medianRatio(javascriptMs, engineMs),
  };
}

/** The mean of all calls: a garbage collection that a side causes is that side's own. */
function meanMs(task: Awaited<ReturnType<Bench['run']>>[number]): number {
  const { result } = task;
  if (result.state !== 'completed') throw new Error(`the case "${task.name}" did not complete: ${result.state}`);
  return result.latency.mean;
}

function figures(callMs: readonly number[], frames: number, bodyBytes: number): EngineFigures {
  const nsPerFrame = (median(callMs) / frames) * 1e6;
  return { nsPerFrame, megabytesPerSecond: (bodyBytes / nsPerFrame) * 1000 };
}
