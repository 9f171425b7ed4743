import * as assert from 'uvu/assert';
import { goalOutcomes, loadGoals } from '../../bench/goals.js';
import { LatencyHistogram } from '../../bench/load/latency-histogram.js';
import { rowNamed } from '../../bench/load-rows.js';
import { asMarkdown } from '../../bench/report/markdown.js';
import { asSumsSvg } from '../../bench/report/sums-svg.js';
import { asSvg } from '../../bench/report/svg.js';
import { asText } from '../../bench/report/text.js';
import type { BenchResults, EngineRow, LoadCell } from '../../bench/results.js';
import { median, medianRatio } from '../../bench/statistics.js';
import { suite } from '../support/suite.js';

const test = suite('the benchmark’s results');

const cell = (peer: string, rateRatio: number): LoadCell => ({
  peer,
  ratePerSecond: 1e6 / rateRatio,
  p50Us: 100,
  p99Us: 20_000,
  rateRatio,
  p50Ratio: 1,
  p99Ratio: 1.2,
  serverCores: 0.9,
});

const results: BenchResults = {
  date: '2026-01-02T03:04:05.000Z',
  command: 'npm run bench',
  smoke: false,
  machine: {
    processor: 'A <CPU> & more',
    cores: 2,
    memoryGiB: 4,
    system: 'linux',
    node: 'v20.19.0',
    v8: '11',
    nodeFlags: ['--flag'],
  },
  engine: {
    rows: [
      {
        group: 'sum',
        name: 'integers 0–1000, 100,000',
        frameBytes: 400_000,
        engine: { nsPerFrame: 5e5, megabytesPerSecond: 800 },
        javascript: { nsPerFrame: 4e6, megabytesPerSecond: 100 },
        ratio: 8,
        simdjson: { megabytesPerSecond: 900, ratio: 0.89 },
      },
    ],
    leftOut: [],
  },
  load: {
    generator: 'Node',
    rounds: 3,
    secondsPerMeasurement: 1,
    peers: [
      { name: 'trama', what: 'trama' },
      { name: 'plain Node', what: 'plain' },
    ],
    leftOut: [{ name: 'Redis', why: 'spawn redis-server ENOENT' }],
    rows: [{ name: 'echo, 50 × 128', requestBytes: 52, cells: [cell('trama', 1), cell('plain Node', 5)] }],
    processes: [{ peer: 'trama', firstReplyMs: 200, idleBytes: 9e7, loadedBytes: 12e7, frames: 1_000_000 }],
  },
  bulk: {
    rounds: 3,
    shape: 'doubles',
    frame: {
      bodyBytes: 2 ** 31,
      seconds: 3,
      megabytesPerSecond: 716,
      engineMegabytesPerSecond: 900,
      ratio: 0.8,
      idleBytes: 100 * 2 ** 20,
      peakBytes: 149 * 2 ** 20,
      serverCores: 1.4,
    },
    beside: {
      name: 'echo, 50 × 16',
      sums: 4,
      sumBytes: 2 ** 30,
      alone: { ratePerSecond: 8e5, p50Us: 800, p99Us: 2000 },
      beside: { ratePerSecond: 1e5, p50Us: 5000, p99Us: 49_000 },
      rateRatio: 0.125,
      sumsMegabytesPerSecond: 400,
    },
  },
};

test('the median of an even number of values is the mean of the middle two', () => {
  assert.is(median([4, 1, 3, 2]), 2.5);
  assert.is(median([9, 1, 5]), 5);
  assert.throws(() => median([]), RangeError);
});

test('ratios are taken within a round, so that a slow round does not count', () => {
  assert.is(medianRatio([10, 1, 30], [5, 0.5, 10]), 2);
});

test('latencies over every bucket are kept, the longest in the last one', () => {
  const histogram = new LatencyHistogram();
  assert.is(histogram.percentileUs(0.5), 0);
  for (const latencyUs of [0, 41.7, 9_999, 10_050, 5e6]) histogram.record(latencyUs);
  assert.is(histogram.total, 5);
  assert.is(histogram.percentileUs(0.4), 41);
  assert.is(histogram.percentileUs(0.6), 9_999);
  assert.is(histogram.percentileUs(0.8), 10_000);
  assert.ok(histogram.percentileUs(1) > 1e6 / 2);
});

const plots: readonly (readonly [plot: string, svg: string, names: readonly string[]])[] = [
  ['the plot', asSvg(results), ['trama', 'plain Node', 'JSON.parse', '5.00 ×', '8.00 ×']],
  [
    'the plot of sums',
    asSumsSvg(results)!,
    ['trama 800 MB/s', 'simdjson 900 MB/s', 'JSON.parse + reduce 100', '8.00 ×', '0.89 ×'],
  ],
];

for (const [plot, svg, names] of plots) {
  test(`${plot} is well-formed, escapes what it is given and names every bar`, () => {
    assert.match(svg, /A &lt;CPU&gt; &amp; more/);
    for (const name of names) assert.ok(svg.includes(name), name);
    const tags = [...svg.matchAll(/<(\/?)(\w+)[^>]*?(\/?)>/g)];
    const open: string[] = [];
    for (const [, closing, name, empty] of tags) {
      if (closing) assert.is(open.pop(), name);
      else if (!empty) open.push(name!);
    }
    assert.equal(open, []);
  });
}

test('without simdjson, sums are plotted beside JSON.parse alone, and the text says what was left out', () => {
  const [{ simdjson: _, ...row }] = results.engine!.rows as [EngineRow];
  const without = { ...results, engine: { rows: [row], leftOut: [{ name: 'simdjson', why: 'no C++ compiler' }] } };
  assert.not.match(asSumsSvg(without)!, /simdjson \d/);
  assert.match(asText(without), /Left out: simdjson \(no C\+\+ compiler\)/);
  assert.equal(
    goalOutcomes(without).filter(({ text }) => text.includes('simdjson')),
    [],
  );
  assert.is(asSumsSvg({ ...results, engine: { rows: [], leftOut: [] } }), undefined);
});

test('the page’s tables have as many cells in each line as in their head', () => {
  let wanted = 0;
  for (const line of asMarkdown(results, ['latest.svg']).split('\n')) {
    const cells = line.startsWith('|') ? line.split('|').length : 0;
    if (cells > 0 && wanted > 0) assert.is(cells, wanted, line);
    wanted = cells;
  }
});

test('the text names machine, Node, flags, command and what was left out', () => {
  const text = asText(results);
  for (const part of ['A <CPU>', '2 cores', 'v20.19.0', '--flag', 'npm run bench', 'Left out: Redis']) {
    assert.ok(text.includes(part), part);
  }
});

test('goals are told for what was measured, and a missed one is told as missed', () => {
  const outcomes = goalOutcomes(results);
  const reached = (start: string) => outcomes.find(({ text }) => text.startsWith(start))?.reached;
  assert.is(reached('echo, 50 × 128: rate ≥ 4 × plain Node'), true);
  assert.is(reached('echo, 50 × 128: rate ≥ 0.85 × C'), undefined);
  assert.is(reached('sum of 100,000 numbers, integers 0–1000: rate ≥ 1 × simdjson'), false);
  assert.is(reached('sum of 100,000 numbers, integers 0–1000: rate ≥ 2 × JSON.parse'), true);
  assert.is(reached('sum of 100,000 numbers, coordinates'), undefined);
  assert.is(reached('first reply'), true);
  assert.is(reached('resident memory gained'), false);
});

test('goals of the large frames are told apart from those of the load', () => {
  const { load: _, engine: __, ...onlyLarge } = results;
  const told = goalOutcomes(onlyLarge).map(({ text, measured, reached }) => [text, measured, reached]);
  assert.equal(told, [
    ['one frame of 2 GiB: rate ≥ 0.6 × the engine alone', '0.80 ×', true],
    ['one frame of 2 GiB: resident memory over idle ≤ 48 MiB', '49 MiB', false],
    ['echo, 50 × 16, beside 4 sums of 1 GiB: rate ≥ 0.2 × alone', '0.13 ×', false],
    ['echo, 50 × 16, beside 4 sums of 1 GiB: p99 ≤ 50 ms', '49 ms', true],
  ]);
  assert.equal(goalOutcomes({ ...results, smoke: true }), []);
});

test('every goal of the load is of a row that there is', () => {
  for (const { row } of loadGoals) assert.is(rowNamed(row).name, row);
});

test('the page tells of the large frames', () => {
  const page = asMarkdown(results, []);
  for (const part of ['one frame of 2 GiB', '716 | 900 | 0.80 ×', 'beside 4 sums of 1 GiB | 100 k/s']) {
    assert.ok(page.includes(part), part);
  }
});

test('a load row’s data is the same at every run, and of the size that it names', () => {
  const sum = rowNamed('sum of 1,000 doubles, 8 × 8');
  assert.is((JSON.parse(sum.data) as number[]).length, 1000);
  assert.ok(sum.data.length > 20_000 && sum.data.length < 22_000, `${sum.data.length} bytes`);
  assert.is(sum.data.slice(0, 20), '[827.68791371293275,');
  const doubles = rowNamed('sum of 2 MB of doubles, 4 × 2').data.length;
  assert.ok(doubles > 1.95e6 && doubles < 2.1e6, `${doubles} bytes`);
  const integers = rowNamed('sum of 490 KB of integers, 4 × 2').data.length;
  assert.ok(integers > 485e3 && integers < 495e3, `${integers} bytes`);
});

test.run();
