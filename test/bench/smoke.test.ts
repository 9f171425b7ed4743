/** Runs the benchmark itself, tiny: what it measures here means nothing, but it cannot rot unseen. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { loadRows } from '../../bench/load-rows.js';
import { withoutNodes } from '../../bench/other-nodes.js';
import type { BenchResults } from '../../bench/results.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('the benchmark, smoke size', { timeoutMs: 120_000 });

const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
const run = promisify(execFile);

async function bench(
  t: TestContext,
  args: string[],
): Promise<{ stdout: string; results: BenchResults; files: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'trama-smoke-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { stdout } = await run(process.execPath, [main, '--smoke', '--out', folder, ...args]);
  const files = (await readdir(folder)).sort();
  const json = files.find((file) => file.endsWith('.json'))!;
  const results = JSON.parse(await readFile(join(folder, json), 'utf8')) as BenchResults;
  return { stdout, results, files };
}

test('measures the engine alone and says that the figures mean nothing', async (t) => {
  const { stdout, results, files } = await bench(t, ['--only', 'engine']);
  assert.equal(files, ['engine-sums.svg', 'engine.json', 'engine.md', 'engine.svg']);
  assert.match(stdout, /smoke run: its figures mean nothing/);
  for (const group of ['echo', 'sum', 'upper']) {
    const rows = results.engine!.rows.filter((row) => row.group === group);
    assert.ok(rows.length >= 3, group);
    for (const { name, ratio, engine } of rows) assert.ok(ratio > 0 && engine.megabytesPerSecond > 0, name);
  }
  const { rows, leftOut } = results.engine!;
  for (const { group, name, simdjson } of rows) {
    const isWanted = group === 'sum' && leftOut.length === 0;
    assert.is(simdjson !== undefined && simdjson.ratio > 0, isWanted, `${name} beside simdjson`);
  }
  assert.is(results.load, undefined);
});

test('measures the server beside a plain Node server, with the generator of this project', async (t) => {
  const { results, files } = await bench(t, ['--only', 'server', '--generator', 'node']);
  assert.equal(files, ['server.json', 'server.md', 'server.svg']);
  const { rows, processes } = results.load!;
  assert.equal(
    rows.map(({ name }) => name),
    loadRows.map(({ name }) => name),
  );
  for (const { name, cells } of rows) {
    assert.is(cells[0]!.peer, 'trama');
    assert.is(cells[1]!.peer, 'plain Node');
    for (const { peer, ratePerSecond } of cells) assert.ok(ratePerSecond > 0, `${peer} in ${name}`);
  }
  assert.ok(processes[0]!.firstReplyMs > 0);
  const { sizes, mixed } = results.load!;
  assert.equal(
    sizes!.rows.map(({ op, size }) => `${op} ${size}`),
    ['echo 64 B', 'echo 64 KiB', 'sum 1,000', 'sum 30,000'],
  );
  for (const { name, cells } of sizes!.rows) {
    for (const { peer, ratePerSecond } of cells) assert.ok(ratePerSecond > 0, `${peer} in ${name}`);
  }
  assert.ok(mixed!.streams!.beside.ratePerSecond > 0 && mixed!.streams!.streamsMegabytesPerSecond > 0);
});

test.needs(
  'gcc',
  'counts connections a second, alone and beside small frames, and nothing else where only that is asked for',
  async (t) => {
    const { stdout, results } = await bench(t, ['--rows', 'connections a second']);
    const { rows, sizes, mixed } = results.load!;
    assert.equal(
      [rows, sizes, mixed!.streams, results.engine, results.bulk],
      [[], undefined, undefined, undefined, undefined],
    );
    assert.ok(mixed!.connects!.alonePerSecond > 0 && mixed!.connects!.besidePerSecond > 0);
    assert.match(stdout, /^Versions: trama \d+\.\d+\.\d+; plain Node v\d+/m);
    assert.not.match(stdout, /Left out/);
  },
);

test.needs('gcc', 'measures the server of another build beside the server in C, with the generator in C', async (t) => {
  const server = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
  const args = ['--only', 'server', '--rows', '50 × 128', '--generator', 'c', '--server', server];
  const { results } = await bench(t, args);
  const { generator, rows } = results.load!;
  assert.match(generator, /^C \(bench\/load\/loadgen\.c\)/);
  const inC = rows[0]!.cells.find(({ peer }) => peer === 'C, epoll');
  assert.ok(inC !== undefined && inC.ratePerSecond > 0, JSON.stringify(results.load!.leftOut));
});

test('measures large frames, and what they leave to small ones', async (t) => {
  const { stdout, results } = await bench(t, ['--only', 'large', '--generator', 'node']);
  const { frame, beside } = results.bulk!;
  assert.ok(frame.ratio > 0 && frame.megabytesPerSecond > 0);
  assert.ok(beside.alone.ratePerSecond > 0 && beside.beside.ratePerSecond > 0 && beside.sumsMegabytesPerSecond > 0);
  assert.match(stdout, /one frame of 4 MiB/);
  assert.is(results.load, undefined);
});

test('measures those rows under load whose name has a text in it, and knows when there is none', async (t) => {
  const { results } = await bench(t, ['--only', 'server', '--rows', '1 × 1', '--generator', 'node']);
  assert.equal(
    results.load!.rows.map(({ name }) => name),
    ['echo, 1 × 1'],
  );
  assert.equal(results.load!.processes, []);
  const ended = await run(process.execPath, [main, '--rows', 'nothing']).catch((error) => error);
  assert.is(ended.code, 2);
  assert.is(ended.stderr, 'error: no row has "nothing" in its name\n');
});

for (const [option, value, says] of [
  ['--seconds', 'none', /above 0/],
  ['--node', '/nothing/here', /no Node that runs/],
  ['--node', process.execPath, /and this is v/],
] as const) {
  test(`a wrong option ends it with status 2 and one line: ${option} ${value}`, async () => {
    const ended = await run(process.execPath, [main, option, value]).catch((error) => error);
    assert.is(ended.code, 2);
    assert.is(ended.stderr.trim().split('\n').length, 1);
    assert.match(ended.stderr, says);
  });
}

test('the run with another Node has the same options, but for that Node', () => {
  assert.equal(withoutNodes(['--smoke', '--node', '/a/node', '--rows', 'x', '--node=/b/node']), [
    '--smoke',
    '--rows',
    'x',
  ]);
});

test.run();
