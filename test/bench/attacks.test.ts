import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { attackCases } from '../../bench/attacks/attacks.js';
import { HonestCount } from '../../bench/attacks/honest-figures.js';
import { outcomesOf } from '../../bench/attacks/outcomes.js';
import { goalOutcomes } from '../../bench/goals.js';
import { asText } from '../../bench/report/text.js';
import type { AttackFigures, BenchResults, HonestFigures } from '../../bench/results.js';
import { suite } from '../support/suite.js';

const test = suite('the benchmark’s attacks', { timeoutMs: 120_000 });

const honest = (figures: Partial<HonestFigures> = {}): HonestFigures => ({
  answered: 100,
  ok: 100,
  failed: {},
  waiting: 0,
  overdue: 0,
  ratePerSecond: 10,
  p50Ms: 1,
  p99Ms: 2,
  worstMs: 3,
  ...figures,
});

const calm = { echo: honest(), operation: honest(), sum: honest(), call: honest(), metrics: honest() };

const figures: AttackFigures = {
  idleBytes: 100e6,
  peakBytes: 500e6,
  calm,
  during: {
    echo: honest({ p99Ms: 21, worstMs: 9 }),
    operation: honest({ p99Ms: 99.4, answered: 40, ok: 30, failed: { OVERLOADED: 9, lost: 1 }, overdue: 10 }),
    sum: honest({ ratePerSecond: 4 }),
    call: honest(),
    metrics: honest(),
  },
  after: { ...calm, metrics: honest({ answered: 0, ok: 0 }) },
  attackerCounted: { connections: 4, open: 3 },
  exit: { status: 0, ms: 40 },
};

test('what must hold under an attack is told with what was measured', () => {
  const bounds = {
    echoP99MsMax: 20,
    operationP99MsMax: 100,
    worstEchoGainMsMax: 5,
    gainedBytesMax: 300e6,
    sumRateShareMin: 0.5,
    okShareMin: { operation: 0.9, sum: 1 },
    openShareMin: 1,
    exitMsMax: 50,
  };
  assert.equal(
    outcomesOf(bounds, figures).map(({ text, measured, reached }) => [text, measured, reached]),
    [
      ['p99 of small echoes ≤ 20 ms', '21 ms', false],
      ['p99 of users’ operations ≤ 100 ms', '99 ms', true],
      ['slowest echo, over calm ≤ 5 ms', '6.0 ms', false],
      ['resident memory over idle ≤ 300 MB', '400 MB', false],
      ['rate of large sums, by calm ≥ 0.5', '0.400', false],
      ['answered ok, operation ≥ 0.9', '0.600', false],
      ['answered ok, sum ≥ 1', '1.000', true],
      ['connections still open ≥ 1', '0.750', false],
      ['exit after SIGTERM ≤ 50 ms', '40 ms', true],
    ],
  );
  assert.equal(outcomesOf({}, figures), []);
});

test('a request without an answer counts with its age, and one from before the time not at all', () => {
  const before = performance.now() - 1;
  const count = new HonestCount();
  const now = performance.now();
  count.answered(before, undefined);
  for (let index = 0; index < 98; index++) count.answered(now, undefined, now + 2);
  count.answered(now, 'OVERLOADED', now + 3);
  const { answered, ok, failed, waiting, overdue, p50Ms, worstMs } = count.figures([now - 6_000, now - 1_000]);
  assert.equal(
    { answered, ok, failed, waiting, overdue },
    { answered: 99, ok: 98, failed: { OVERLOADED: 1 }, waiting: 2, overdue: 1 },
  );
  assert.ok(Math.abs(p50Ms - 2) < 0.001 && worstMs >= 6_000, `${p50Ms}, ${worstMs}`);
});

test('attacks are told apart by their names, and each has something that must hold', () => {
  assert.is(new Set(attackCases.map(({ name }) => name)).size, attackCases.length);
  for (const { name, bounds } of attackCases) assert.ok(Object.keys(bounds).length > 0, name);
});

test('the text tells calm and attack, what failed, what the server does afterwards, and every goal', () => {
  const bursts = { bursts: 50, clients: 20, requests: 200, answered: 990, refused: 8, reset: 2, badExits: 0 };
  const outcomes = outcomesOf({ echoP99MsMax: 20 }, figures);
  const results = {
    date: '2026-01-02T03:04:05.000Z',
    command: 'npm run bench',
    smoke: false,
    machine: { processor: 'A CPU', cores: 2, memoryGiB: 4, system: 'linux', node: 'v20', v8: '11', nodeFlags: [] },
    attacks: { calmSeconds: 4, attackSeconds: 8, rows: [{ name: 'an attack', ...figures, outcomes }], bursts },
  } satisfies BenchResults;
  const text = asText(results);
  for (const part of [
    '2.0 → 21',
    'operation: 9 OVERLOADED, 1 lost, 10 overdue of 50',
    '100 MB → 500 MB',
    'no answer: metrics',
    'an attack: p99 of small echoes ≤ 20 ms',
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.equal(
    goalOutcomes(results).map(({ reached }) => reached),
    [false, false],
  );
});

test('an attack is measured with honest clients beside it, and a shutdown in the middle of a crowd', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'trama-attacks-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url));
  const args = ['--smoke', '--out', folder, '--only', 'attacks', '--rows', 'flood of bad JSON', '--bursts', '1'];
  await promisify(execFile)(process.execPath, [main, ...args]);
  assert.equal((await readdir(folder)).sort(), ['attacks.json', 'attacks.md']);
  const { attacks } = JSON.parse(await readFile(join(folder, 'attacks.json'), 'utf8')) as BenchResults;
  const [row, ...others] = attacks!.rows;
  assert.equal([row!.name, others], ['flood of bad JSON', []]);
  const { calm: before, during, after } = row!;
  // On a busy machine each of these times may be too short for one of them.
  for (const kind of ['echo', 'operation', 'sum', 'call'] as const) {
    assert.ok(before[kind].ok + during[kind].ok + after[kind].ok > 0, kind);
  }
  assert.ok(row!.attackerCounted.frames! > 0, JSON.stringify(row!.attackerCounted));
  assert.ok(row!.idleBytes! > 0 && row!.peakBytes! > row!.idleBytes!);
  assert.is(row!.exit.status, 0);
  const { bursts, answered, refused, reset } = attacks!.bursts!;
  assert.equal([bursts, answered + refused + reset], [1, 20]);
});

test.run();
