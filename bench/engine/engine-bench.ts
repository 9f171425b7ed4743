/**
 * The engine alone, on this thread, without a socket, beside JSON.parse and a JavaScript function on the same bytes; a
 * sum also beside simdjson, in a process of its own. All sides of a case take turns over several rounds; a ratio is the
 * median of the rounds' ratios, of a sum that of the fastest calls.
 */
import { Bench } from 'tinybench';
import { compileEngine, Engine } from '../../src/engine/index.js';
import { openSimdjson, type Simdjson } from '../peers/simdjson.js';
import type { EngineFigures, EngineResults, EngineRow, LeftOut } from '../results.js';
import { median, medianRatio } from '../statistics.js';
import { type Contenders, contendersFor } from './contenders.js';
import { type EngineCase, engineCases } from './engine-cases.js';

export interface EnginePlan {
  readonly rounds: number;
  /** For each side of each case in each round. */
  readonly seconds: number;
}

export async function benchEngine(plan: EnginePlan, tell: (line: string) => void): Promise<EngineResults> {
  const engine = new Engine(await compileEngine());
  const leftOut: LeftOut[] = [];
  const simdjson = await openSimdjson().catch((error: Error) => {
    leftOut.push({ name: 'simdjson', why: error.message });
    return undefined;
  });
  try {
    const rows: EngineRow[] = [];
    for (const each of engineCases()) {
      tell(`engine: ${each.group}, ${each.name}`);
      const yardstick = each.group === 'sum' ? simdjson : undefined;
      rows.push(await measureCase(plan, each, contendersFor(engine, each), yardstick));
    }
    return { rows, leftOut, ...(simdjson === undefined ? {} : { simdjsonVersion: simdjson.version }) };
  } finally {
    await simdjson?.close();
  }
}

async function measureCase(
  plan: EnginePlan,
  { group, name, body }: EngineCase,
  sides: Contenders,
  yardstick: Simdjson | undefined,
): Promise<EngineRow> {
  const engineMs: number[] = [];
  const javascriptMs: number[] = [];
  const simdjsonRates: number[] = [];
  for (let round = 0; round < plan.rounds; round++) {
    const time = plan.seconds * 1000;
    const bench = new Bench({ time, iterations: 3, warmupTime: time / 4, warmupIterations: 2, throws: true });
    bench.add('engine', sides.engine).add('javascript', sides.javascript);
    const [engine, javascript] = await bench.run();
    engineMs.push(callMs(engine!, group));
    javascriptMs.push(callMs(javascript!, group));
    if (yardstick !== undefined) simdjsonRates.push((await yardstick.measure(body, plan.seconds)).megabytesPerSecond);
  }
  const isSum = group === 'sum';
  const typical = (callsMs: readonly number[]) => (isSum ? Math.min(...callsMs) : median(callsMs));
  const row = {
    group,
    name,
    frameBytes: body.length,
    engine: figures(typical(engineMs), sides.frames, body.length),
    javascript: figures(typical(javascriptMs), sides.frames, body.length),
    ratio: isSum ? typical(javascriptMs) / typical(engineMs) : medianRatio(javascriptMs, engineMs),
  };
  if (yardstick === undefined) return row;
  const megabytesPerSecond = Math.max(...simdjsonRates);
  return { ...row, simdjson: { megabytesPerSecond, ratio: row.engine.megabytesPerSecond / megabytesPerSecond } };
}

/**
 * The mean of all calls: a garbage collection that a side causes is that side's own. Of a sum it is the fastest call, as
 * the native yardstick tells it: what the neighbours on the machine, or the collector, take away is left out on all sides.
 */
function callMs(task: Awaited<ReturnType<Bench['run']>>[number], group: EngineRow['group']): number {
  const { result } = task;
  if (result.state !== 'completed') throw new Error(`the case "${task.name}" did not complete: ${result.state}`);
  return group === 'sum' ? result.latency.min : result.latency.mean;
}

function figures(ms: number, frames: number, bodyBytes: number): EngineFigures {
  return { nsPerFrame: (ms / frames) * 1e6, megabytesPerSecond: (bodyBytes * frames) / ms / 1000 };
}
