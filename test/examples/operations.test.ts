import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import type { Pool } from '../../src/pool/pool.js';
import { answerOf, call, makePool } from '../pool/support.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

const test = suite('examples/operations.mjs');

const module = new URL('../../../examples/operations.mjs', import.meta.url).href;
let pool: Pool;
let lines: ReturnType<typeof makePool>['lines'];
const cleanUps: (() => unknown)[] = [];

test.before(async () => {
  const t: TestContext = { name: 'the pool', after: (cleanUp) => void cleanUps.push(cleanUp) };
  ({ pool, lines } = makePool(t, { operationModules: [module], workers: 2, workerMemoryMb: 64, stopGraceMs: 10_000 }));
  await pool.start();
});
test.after(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

test('primes counts what tables of primes say', async () => {
  const known: [to: number, count: number, largest: number | null][] = [
    [0, 0, null],
    [1, 0, null],
    [2, 1, 2],
    [3, 2, 3],
    [4, 2, 3],
    [9, 4, 7],
    [100, 25, 97],
    [1_000_000, 78_498, 999_983],
    [10_000_000, 664_579, 9_999_991],
  ];
  for (const [to, count, largest] of known) {
    assert.equal(await answerOf(call(pool, 'primes', { to })), { count, largest }, `up to ${to}`);
  }
});

test('the commands at the head of the file are scripts of the package, and its call is answered', async () => {
  const root = new URL('../../../', import.meta.url);
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  const head = readFileSync(new URL('examples/operations.mjs', root), 'utf8').split('*/')[0]!;
  assert.match(head, /npm start -- --ops examples\/operations\.mjs\n/);
  const [, script, op, data] = /npm run --silent (\w+) -- 127\.0\.0\.1 5000 (\w+) '(.+)'\n/.exec(head)!;
  assert.match(scripts.start, /main\.js serve$/);
  assert.match(scripts[script!], /main\.js call$/);
  assert.equal(await answerOf(call(pool, op!, JSON.parse(data!))), { count: 9592, largest: 99_991 });
});

test('primes refuses what is not a whole number', async () => {
  const outcome = await call(pool, 'primes', { to: 1.5 }).outcome;
  assert.match(JSON.stringify(outcome), /BAD_DATA.*data\/to must be integer/);
});

test('primes is stopped in the middle', async () => {
  const task = call(pool, 'primes', { to: 10_000_000_000 });
  await until('it runs', () => pool.snapshot().workers.busy === 1);
  task.handle.end('CANCELLED', 'enough');
  assert.is(await answerOf(task), 'CANCELLED');
  assert.equal(await answerOf(call(pool, 'primes', { to: 10 })), { count: 4, largest: 7 });
});

test('wordCount counts words, sentences and characters as a reader does', async () => {
  const text = 'The dog. The dogs! 👩‍👩‍👧 née';
  assert.equal(await answerOf(call(pool, 'wordCount', { text, top: 2 })), {
    words: 5,
    sentences: 3,
    characters: 24,
    top: [
      ['the', 2],
      ['dog', 1],
    ],
  });
  assert.equal(await answerOf(call(pool, 'wordCount', { text: '' })), {
    words: 0,
    sentences: 0,
    characters: 0,
    top: [],
  });
});

test('wordCount says that a language tag is none', async () => {
  const outcome = await call(pool, 'wordCount', { text: 'a', locale: 'not a tag' }).outcome;
  assert.match(JSON.stringify(outcome), /BAD_DATA.*`not a tag` is not a language tag/);
});

test('optionPrice comes near the formula of Black and Scholes', async () => {
  const market = { spot: 100, strike: 100, rate: 0.05, volatility: 0.2, years: 1, paths: 400_000 };
  const answer = (await answerOf(call(pool, 'optionPrice', market))) as { price: number; standardError: number };
  // Six standard errors: wrong once in some 500 million runs.
  assert.ok(Math.abs(answer.price - 10.4506) < 6 * answer.standardError, JSON.stringify(answer));
  assert.ok(answer.standardError < 0.05);
  const certain = (await answerOf(call(pool, 'optionPrice', { ...market, volatility: 0, paths: 2 }))) as typeof answer;
  assert.ok(Math.abs(certain.price - (100 - 100 * Math.exp(-0.05))) < 1e-12);
  assert.is(certain.standardError, 0);
});

test('optionPrice logs how far it is, gives up when it is told to, and keeps its thread', async () => {
  const market = { spot: 100, strike: 100, rate: 0.05, volatility: 0.2, years: 1, paths: 1_000_000_000 };
  lines.length = 0;
  const { stopped } = pool.snapshot().threads;
  const task = call(pool, 'optionPrice', market);
  await until('it runs', () => lines.some((line) => line.message === 'simulated a slice'));
  task.handle.end('CANCELLED', 'enough');
  assert.is(await answerOf(task), 'CANCELLED');
  await until('its thread is back', () => pool.snapshot().workers.busy === 0);
  assert.is(pool.snapshot().threads.stopped, stopped);
});

test.run();
