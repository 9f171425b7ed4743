/** Generators as programs: they are started, their one line of figures is read, and what they used is told. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compileC } from '../compile-c.js';
import { loadgenSource, loadMain } from '../paths.js';
import { gccVersion } from '../versions.js';
import { redisBenchmark } from './redis-benchmark.js';
import type { LoadGenerator, Measurement, Timing, Wire, Work } from './work.js';

const run = promisify(execFile);

export type GeneratorChoice = 'auto' | 'node' | 'c';

/** A generator and what must be cleaned up after it. */
export interface OpenGenerator extends LoadGenerator {
  close(): Promise<void>;
}

/**
 * `node`: the generator in JavaScript. `c`: the one in C, where gcc is installed, with redis-benchmark for Redis; less of
 * the measured time is then the generator's. `auto`: `c` where it can be.
 * @throws Error where `c` is asked for and cannot be had
 */
export async function openGenerator(choice: GeneratorChoice): Promise<OpenGenerator> {
  const folder = await mkdtemp(join(tmpdir(), 'trama-bench-'));
  const close = () => rm(folder, { recursive: true, force: true });
  if (choice !== 'node') {
    try {
      return { ...(await cGenerator(folder)), close };
    } catch (error) {
      if (choice === 'c') {
        await close();
        throw error;
      }
    }
  }
  return { ...nodeGenerator(folder), close };
}

function nodeGenerator(folder: string): LoadGenerator {
  return {
    name: 'Node (bench/load)',
    measure: async (port, wire, work, timing) => {
      const data = await dataFile(folder, work);
      const args = [loadMain, `${port}`, work.op, data, ...shape(work), ...times(timing), wire];
      return figures(process.execPath, args, timing);
    },
  };
}

async function cGenerator(folder: string): Promise<LoadGenerator> {
  const program = await compileC(loadgenSource, folder);
  const forRedis = (await redisBenchmark()) ?? nodeGenerator(folder);
  return {
    name: `C (bench/load/loadgen.c), gcc ${(await gccVersion()) ?? ''}; Redis: ${forRedis.name}`,
    measure: async (port: number, wire: Wire, work: Work, timing: Timing) => {
      if (wire === 'resp') return forRedis.measure(port, wire, work, timing);
      const data = await dataFile(folder, work);
      return figures(program, ['127.0.0.1', `${port}`, work.op, data, ...shape(work), ...times(timing)], timing);
    },
  };
}

/** The generator in C, which says a token first, or speaks TLS. */
export interface EdgeGenerator {
  measure(port: number, work: Work, timing: Timing, access: Access): Promise<Measurement>;
}

export interface Access {
  readonly isTls?: boolean;
  readonly token?: string;
  /** It takes what the server and other generators leave of this machine's processors, as if it had its own. */
  readonly isYielding?: boolean;
}

/** @throws Error that says what is missing, such as the headers of OpenSSL */
export async function edgeGenerator(folder: string): Promise<EdgeGenerator> {
  const program = await compileC(loadgenSource, folder, ['-DWITH_TLS', '-lssl', '-lcrypto']);
  return {
    measure: async (port, work, timing, { isTls, token, isYielding }) => {
      const flags = [...(isTls ? ['--tls'] : []), ...(token === undefined ? [] : [`--token=${token}`])];
      const data = await dataFile(folder, work);
      const place = ['127.0.0.1', `${port}`, work.op, data, ...shape(work), ...times(timing)];
      const args = [...flags, ...place];
      return isYielding ? figures('nice', ['-n', '19', program, ...args], timing) : figures(program, args, timing);
    },
  };
}

/** A command line has no room for large data: it goes by file. */
async function dataFile(folder: string, work: Work): Promise<string> {
  // Two generators at once have two kinds of work: a file for each.
  const path = join(folder, `${work.op}-${work.data.length}-${work.connections}.json`);
  await writeFile(path, work.data);
  return `@${path}`;
}

function shape(work: Work): string[] {
  return [`${work.connections}`, `${work.depth}`];
}

function times(timing: Timing): string[] {
  return [`${timing.seconds}`, `${timing.warmupSeconds}`];
}

async function figures(program: string, args: string[], timing: Timing): Promise<Measurement> {
  const timeout = (timing.seconds + timing.warmupSeconds) * 1000 + 30_000;
  let stdout: string;
  try {
    ({ stdout } = await run(program, args, { timeout, killSignal: 'SIGKILL' }));
  } catch (error) {
    const stderr = String((error as { stderr?: unknown }).stderr ?? '').trim();
    throw new Error(stderr.split('\n')[0] || (error as Error).message, { cause: error });
  }
  const fields = Object.fromEntries(
    stdout
      .trim()
      .split(' ')
      .map((field) => field.split('=')),
  );
  return {
    ratePerSecond: Number(fields.rps),
    p50Us: Number(fields.p50us),
    p99Us: Number(fields.p99),
    replies: Number(fields.n),
  };
}
