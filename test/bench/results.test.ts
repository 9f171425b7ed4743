import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { goalOutcomes, loadGoals } from '../../bench/goals.js';
import { LatencyHistogram } from '../../bench/load/latency-histogram.js';
import { rowNamed } from '../../bench/load-rows.js';
import { describeCommand } from '../../bench/machine.js';
import { numberShapes } from '../../bench/number-shapes.js';
import { projectRoot, resultsFolder } from '../../bench/paths.js';
import { asMarkdown } from '../../bench/report/markdown.js';
import { asOverviewSvg } from '../../bench/report/overview-svg.js';
import {
  performanceParts,
  plotsOfAll,
  readmeParts,
  readPublished,
  withPublished,
} from '../../bench/report/published.js';
import { asSizesSvg } from '../../bench/report/sizes-svg.js';
import { asSumsSvg } from '../../bench/report/sums-svg.js';
import { asSvg } from '../../bench/report/svg.js';
import { asText } from '../../bench/report/text.js';
import type { BenchResults, EngineRow, LoadCell, SizeRow } from '../../bench/results.js';
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

/** Requests of twenty bytes for each number or byte; trama, plain Node, and where it is given a server in C. */
function sized(
  op: 'echo' | 'sum',
  size: string,
  count: number,
  ratePerSecond: number,
  byPlain: number,
  byC?: number,
): SizeRow {
  const peer = (name: string, rateRatio: number) => ({
    ...cell(name, rateRatio),
    ratePerSecond: ratePerSecond / rateRatio,
  });
  const cells = [peer('trama', 1), peer('plain Node', byPlain), ...(byC === undefined ? [] : [peer('C, epoll', byC)])];
  return { name: `${op} of ${size}, 4 × 4`, requestBytes: count * 20, op, size, count, cells };
}

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
    simdjsonVersion: '3.0.1',
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
    sizes: {
      rounds: 3,
      secondsPerMeasurement: 1,
      rows: [
        sized('echo', '256 B', 256, 1e5, 2, 0.4),
        sized('echo', '16 KiB', 16_384, 1e4, 4, 0.4),
        sized('sum', '1,000', 1_000, 1e4, 7),
        sized('sum', '3,000', 3_000, 2e3, 5),
      ],
    },
    mixed: {
      rounds: 3,
      streams: {
        alone: { ratePerSecond: 8e5, p50Us: 800, p99Us: 2000 },
        beside: { ratePerSecond: 2e5, p50Us: 2000, p99Us: 11_000 },
        rateRatio: 0.25,
        streamsMegabytesPerSecond: 300,
      },
      connects: { alonePerSecond: 9000, besidePerSecond: 8000, ratio: 0.89 },
    },
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
  ['the plot', asSvg(results)!, ['trama', 'plain Node', 'JavaScript: toString, JSON.parse', '5.00 ×', '8.00 ×']],
  [
    'the plot of sums',
    asSumsSvg(results)!,
    ['Node v20.19.0', 'simdjson 3.0.1', 'trama 800 MB/s', 'simdjson 900 MB/s', 'JavaScript 100', '8.00 ×', '0.89 ×'],
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

test('without simdjson, sums are plotted beside JavaScript alone, and the text says what was left out', () => {
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
  assert.is(reached('sum of 100,000 numbers, integers 0–1000: rate ≥ 2 × JavaScript'), true);
  assert.is(reached('sum of 100,000 numbers, coordinates'), undefined);
  assert.is(reached('first reply'), true);
  assert.is(reached('resident memory gained'), false);
});

test('goals of sizes hold from a size on, and a sum that falls behind a smaller one is told', () => {
  const told = goalOutcomes(results).map(({ text, reached }) => [text, reached]);
  const wanted = [
    ['echo of 16 KiB, 4 × 4: rate ≥ 0.5 × C, epoll', false],
    ['echo of 16 KiB, 4 × 4: rate ≥ 3 × plain Node', true],
    ['sum of 1,000, 4 × 4: rate ≥ 6 × plain Node', true],
    ['sum of 3,000, 4 × 4: rate ≥ 6 × plain Node', false],
    ['sum of 3,000, 4 × 4: MB/s ≥ 0.85 × the best of smaller ones', false],
    ['echo, 50 × 16, beside four streams of 256 KiB echoes: p99 ≤ 10 ms', false],
    ['connections a second beside echo, 50 × 16 ≥ 0.8 × alone', true],
  ];
  const names = ['echo of', 'sum of 1,000,', 'sum of 3,000', 'beside four', 'connections a second'];
  assert.equal(
    told.filter(([text]) => names.some((name) => String(text).includes(name))),
    wanted,
  );
});

test('the bound of idle memory is that of the Node that was measured', () => {
  const bound = (node: string) =>
    goalOutcomes({ ...results, machine: { ...results.machine, node } }).find(({ text }) => text.includes('idle'))?.text;
  assert.is(bound('v20.19.0'), 'resident memory, idle ≤ 105 MB');
  assert.is(bound('v26.1.0'), 'resident memory, idle ≤ 115 MB');
});

test('plots of all runs show every Node in one picture, and tell nothing where nothing was measured', () => {
  const run = (nodeMajor: number) => ({ name: `node${nodeMajor}`, nodeMajor, results });
  const both = [run(20), run(26)];
  const sizes = asSizesSvg(both)!;
  for (const name of [
    'trama, Node 20',
    'trama, Node 26',
    'plain Node, Node 26',
    'C, epoll, Node 20',
    '16 KiB',
    '3,000',
  ]) {
    assert.ok(sizes.includes(`>${name}<`), name);
  }
  assert.is(sizes.match(/<polyline class="lines own older"/g)?.length, 2);
  const overview = asOverviewSvg(both)!;
  for (const text of ['5.00 ×, Node 20', '5.00 ×, Node 26', 'plain Node: 1 ×'])
    assert.ok(overview.includes(text), text);
  const { load: _, ...nothing } = results;
  const unmeasured = [{ ...run(20), results: nothing }];
  assert.equal([asSizesSvg(unmeasured), asOverviewSvg(unmeasured)], [undefined, undefined]);
  assert.is(performanceParts(unmeasured, 'x').sizes, 'The published runs have no rows by size.');
});

test('no two labels of the lines lie on one another, and none is below the axis', () => {
  const alike = results.load!.sizes!.rows.map((row) => ({
    ...row,
    cells: row.cells.map((each) => ({ ...each, ratePerSecond: 1 })),
  }));
  const load = { ...results.load!, sizes: { ...results.load!.sizes!, rows: alike } };
  const runs = [20, 26].map((nodeMajor) => ({ name: `node${nodeMajor}`, nodeMajor, results: { ...results, load } }));
  const svg = asSizesSvg(runs)!;
  const labels = [...svg.matchAll(/y="([\d.]+)">[^<]+, Node \d+</g)].map(([, y]) => Number(y));
  assert.ok(labels.length >= 10);
  const axes = [...svg.matchAll(/y="([\d.]+)">(?:256 B|1,000)</g)].map(([, y]) => Number(y));
  for (const axis of axes) {
    const own = labels.filter((y) => y < axis && y > axis - 260).sort((a, b) => a - b);
    for (const [index, y] of own.entries()) if (index > 0) assert.ok(y - own[index - 1]! >= 14, `${own}`);
  }
  assert.ok(labels.every((y) => axes.some((axis) => y < axis && y > axis - 260)));
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

test('no title or label of a plot runs under its bar', () => {
  const longest = numberShapes.map(({ name }) => ({ ...results.engine!.rows[0]!, name: `${name}, 100,000` }));
  const peers = ['trama', 'plain Node', 'Python threads', 'Redis', 'C, epoll'].map((peer) => cell(peer, 2));
  const whole: BenchResults = {
    ...results,
    engine: { rows: longest, leftOut: [] },
    load: { ...results.load!, rows: [{ name: 'echo, 50 × 128', requestBytes: 52, cells: peers }] },
  };
  // An average character of the widest of the fonts that the plots name.
  const characterWidth = 7.2;
  for (const svg of [asSvg(whole)!, asSumsSvg(whole)!]) {
    const texts = [...svg.matchAll(/<text class="(\w+)" x="([\d.]+)" y="([\d.]+)">([^<]*)</g)];
    const bars = [...svg.matchAll(/<rect class="(?:own|mark|other)" x="([\d.]+)" y="([\d.]+)"/g)];
    for (const [, kind, x, y, content] of texts) {
      const width = content!.length * characterWidth;
      if (kind === 'label') assert.ok(Number(x) - width >= 0, content);
      const beside = bars.find(([, , barY]) => Math.abs(Number(barY) + 12 - Number(y)) < 2);
      if (kind === 'figure' && Number(x) < 100 && beside) assert.ok(Number(x) + width <= Number(beside[1]), content);
      if (kind === 'foot') assert.ok(Number(x) + content!.length * 6.6 <= 860, content);
    }
  }
});

test('the README and the page on performance tell the figures of the results', () => {
  const runs = readPublished(resultsFolder);
  assert.ok(runs.length > 0);
  const sources = new Set(runs.map(({ results: { revision } }) => revision));
  assert.is(sources.size, 1, `the runs measured several versions: ${[...sources]}; npm run bench -- --node FILE`);
  const pages: [string, Record<string, string>][] = [
    ['README.md', readmeParts(runs, 'bench/results')],
    ['docs/performance.md', performanceParts(runs, '../bench/results')],
  ];
  for (const [page, parts] of pages) {
    const text = readFileSync(join(projectRoot, page), 'utf8');
    assert.is(withPublished(text, parts), text, `${page}: npm run bench -- --publish writes it anew`);
  }
  for (const [file, svg] of Object.entries(plotsOfAll(runs))) {
    assert.is(readFileSync(join(resultsFolder, file), 'utf8'), svg, file);
  }
  for (const { name, results: own } of runs) {
    const drawn = { '.svg': asSvg(own), '-sums.svg': asSumsSvg(own) };
    for (const [ending, svg] of Object.entries(drawn)) {
      assert.is(readFileSync(join(resultsFolder, `${name}${ending}`), 'utf8'), svg, `${name}${ending}`);
    }
  }
});

test('a page without its marks is told', () => {
  assert.throws(() => withPublished('# A page', { sums: 'x' }), /no part between <!-- sums:begin -->/);
  assert.is(
    withPublished('<!-- a:begin -->\nold\n<!-- a:end -->\nrest', { a: 'new' }),
    '<!-- a:begin -->\nnew\n<!-- a:end -->\nrest',
  );
});

test('figures of several Nodes are told beside each other, and what was not measured as –', () => {
  const [{ simdjson: _, ...row }] = results.engine!.rows as [EngineRow];
  const newer = { ...results, engine: { rows: [{ ...row, ratio: 4 }], leftOut: [] } };
  const runs = [
    { name: 'node20', nodeMajor: 20, results },
    { name: 'node26', nodeMajor: 26, results: newer },
  ];
  const { sums } = performanceParts(runs, 'folder');
  assert.match(sums!, /\| simdjson, Node 20 \| simdjson, Node 26 \| JavaScript, Node 20 \| JavaScript, Node 26 \|/);
  assert.match(sums!, /\| integers 0–1000 \| 0.89 × \| – \| 8.00 × \| 4.00 × \|/);
  assert.match(
    performanceParts(runs, 'folder').load!,
    /Node 20\]\(folder\/node20\.svg\)[\s\S]*Node 26\]\(folder\/node26\.svg\)/,
  );
});

test('where only some rows were measured, nothing is told of start and memory', () => {
  const some = { ...results, load: { ...results.load!, processes: [] } };
  assert.match(asText(results), /Start and memory/);
  assert.not.match(asText(some), /Start and memory|first reply/);
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

test('the command of a run is told without the folders of the machine', () => {
  assert.is(describeCommand([]), 'npm run bench');
  assert.is(
    describeCommand(['--node', '/opt/node26/bin/node', '--rows', 'sum']),
    'npm run bench -- --node node --rows sum',
  );
});

test.run();
