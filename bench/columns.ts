/**
 * `node dist/bench/columns.js`: a column of a file beside the same numbers as a JSON array, each through `trama call` and one server
 * on this machine, in turn. Rates are of the whole command: its start, the file, the sum. The ratio of numbers is that of the numbers a
 * second; the ratio of bytes is that of the bytes of the files a second, for files that have more than the numbers in them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { serverMain } from './paths.js';
import { fullDouble, seededRandom } from './random.js';
import { medianRatio } from './statistics.js';

const numbers = Number(process.argv[2] ?? 10_000_000);
const rounds = 3;

interface Shape {
  readonly file: string;
  readonly flags: readonly string[];
  lineOf(number: string, index: number): string;
}

const shapes: readonly Shape[] = [
  { file: 'one.csv', flags: [], lineOf: (number) => `${number}\n` },
  { file: 'four.csv', flags: ['--column', 'x'], lineOf: (number, index) => `${index},an item,${number},2026-11-28\n` },
  { file: 'short.ndjson', flags: ['--path', '.x'], lineOf: (number) => `{"x":${number}}\n` },
  {
    file: 'long.ndjson',
    flags: ['--path', '.x'],
    lineOf: (number, index) => `{"id":${index},"x":${number},"name":"an item"}\n`,
  },
];
const headers: Readonly<Record<string, string>> = { 'one.csv': 'x\n', 'four.csv': 'id,name,x,day\n' };

/** Writes the shapes and the plain array, with the same numbers in the same order. */
function writeFiles(folder: string): void {
  const random = seededRandom(1);
  const all: readonly Shape[] = [
    { file: 'plain.json', flags: [], lineOf: (number, index) => `${index === 0 ? '[' : ','}${number}` },
    ...shapes,
  ];
  const files = all.map(({ file }) => openSync(join(folder, file), 'w'));
  for (const [at, { file }] of all.entries()) writeSync(files[at]!, headers[file] ?? '');
  const atOnce = 20_000;
  for (let from = 0; from < numbers; from += atOnce) {
    const values = Array.from({ length: Math.min(atOnce, numbers - from) }, () => String(fullDouble(random) * 2 - 1));
    for (const [at, { lineOf }] of all.entries()) {
      writeSync(files[at]!, values.map((value, index) => lineOf(value, from + index)).join(''));
    }
  }
  writeSync(files[0]!, ']');
  for (const file of files) closeSync(file);
}

/** Seconds of one call, from its start to its end. */
function timeCall(port: number, path: string, flags: readonly string[]): number {
  const startedAtMs = performance.now();
  const args = [serverMain, 'call', '127.0.0.1', String(port), 'sum', `@${path}`, ...flags];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the call of ${path} ended with status ${status}: ${stderr}`);
  return (performance.now() - startedAtMs) / 1000;
}

async function portOf(server: ReturnType<typeof spawn>): Promise<number> {
  for await (const line of createInterface({ input: server.stdout! })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port: number };
    if (msg === 'listening') return port;
  }
  throw new Error('the server ended before it listened');
}

const folder = mkdtempSync(join(tmpdir(), 'trama-columns-'));
const args = [serverMain, 'serve', '--host', '127.0.0.1', '--port', '0', '--http-port', '0'];
const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const port = await portOf(server);
  writeFiles(folder);
  const plain = join(folder, 'plain.json');
  console.log(`${numbers} numbers, ${rounds} rounds; plain.json has ${(statSync(plain).size / 1e6).toFixed(0)} MB`);
  for (const { file, flags } of shapes) {
    const path = join(folder, file);
    const plainSeconds: number[] = [];
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      plainSeconds.push(timeCall(port, plain, []));
      seconds.push(timeCall(port, path, flags));
    }
    const ofNumbers = medianRatio(plainSeconds, seconds);
    const ofBytes = (ofNumbers * statSync(path).size) / statSync(plain).size;
    console.log(
      `${file.padEnd(14)} ${(statSync(path).size / 1e6).toFixed(0).padStart(5)} MB, ${seconds.map((each) => each.toFixed(2)).join(' ')} s ` +
        `beside ${plainSeconds.map((each) => each.toFixed(2)).join(' ')} s: numbers ${ofNumbers.toFixed(2)}, bytes ${ofBytes.toFixed(2)}`,
    );
  }
} finally {
  server.kill('SIGTERM');
  rmSync(folder, { recursive: true });
}
