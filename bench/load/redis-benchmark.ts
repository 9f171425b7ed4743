import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { LoadGenerator, Measurement, Work } from './work.js';

const run = promisify(execFile);

/** It counts time in milliseconds: for a run that takes none it prints `inf`. */
const warmUpRequestsMin = 2_000;

/** Redis's own load generator, written in C; undefined where it is not installed. It counts requests, not seconds. */
export async function redisBenchmark(): Promise<LoadGenerator | undefined> {
  try {
    await run('redis-benchmark', ['--version']);
  } catch {
    return undefined;
  }
  return {
    name: 'redis-benchmark',
    measure: async (port, _wire, work, timing) => {
      const warm = await requests(port, work, Math.max(warmUpRequestsMin, work.connections * work.depth * 20));
      const count = Math.ceil(warm.ratePerSecond * timing.seconds);
      return requests(port, work, Math.max(count, work.connections * work.depth));
    },
  };
}

async function requests(port: number, work: Work, count: number): Promise<Measurement> {
  const options = ['-h', '127.0.0.1', '-p', `${port}`, '-c', `${work.connections}`, '-P', `${work.depth}`];
  const command = [...options, '-n', `${count}`, '--csv', work.op.toUpperCase(), work.data];
  const { stdout } = await run('redis-benchmark', command);
  const [names, values] = stdout.trim().split('\n').slice(-2).map(cells);
  const cell = (name: string) => Number(values?.[names?.indexOf(name) ?? -1]);
  const measured = {
    ratePerSecond: cell('rps'),
    p50Us: cell('p50_latency_ms') * 1000,
    p99Us: cell('p99_latency_ms') * 1000,
    replies: count,
  };
  if (!Number.isFinite(measured.ratePerSecond)) throw new Error('redis-benchmark gave no rate');
  return measured;
}

/** The name of the command comes first, with its own quotes not escaped; it has no comma. */
function cells(line: string): string[] {
  return line.split(',').map((cell) => cell.replaceAll('"', ''));
}
