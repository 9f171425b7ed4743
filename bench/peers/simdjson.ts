/** simdjson as a yardstick for `sum`: compiled where it is installed, and run on the bytes of a request. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { simdjsonSource } from '../paths.js';

const run = promisify(execFile);

export interface SimdjsonFigures {
  /** Of the fastest of many passes. */
  readonly megabytesPerSecond: number;
  readonly sum: number;
}

export interface Simdjson {
  readonly version: string;
  measure(body: Uint8Array, seconds: number): Promise<SimdjsonFigures>;
  close(): Promise<void>;
}

/** @throws Error that says what is missing */
export async function openSimdjson(): Promise<Simdjson> {
  const folder = await mkdtemp(join(tmpdir(), 'trama-simdjson-'));
  const close = () => rm(folder, { recursive: true, force: true });
  const program = join(folder, 'simdjson_sum');
  try {
    await run('c++', ['-O3', '-march=native', '-std=c++17', '-o', program, simdjsonSource, '-lsimdjson']);
  } catch (error) {
    await close();
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(missing ? 'no C++ compiler (c++)' : 'c++ does not find the library', { cause: error });
  }
  const { stdout: version } = await run(program, ['--version']);
  return {
    version: version.trim(),
    measure: async (body, seconds) => {
      const file = join(folder, 'body.json');
      await writeFile(file, body);
      const { stdout } = await run(program, [file, `${seconds}`], { timeout: seconds * 1000 + 30_000 });
      return JSON.parse(stdout) as SimdjsonFigures;
    },
    close,
  };
}
