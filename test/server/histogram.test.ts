import * as assert from 'uvu/assert';
import { Histogram } from '../../src/server/histogram.js';
import { suite } from '../support/suite.js';

const test = suite('histogram');

test('counts an observation in the first bucket whose bound it does not exceed', () => {
  const histogram = new Histogram();
  histogram.observe(0.001);
  histogram.observe(0.0011);
  histogram.observe(7, 3);
  histogram.observe(60_000);
  const { boundsSeconds, counts } = histogram.snapshot();
  assert.is(counts.length, boundsSeconds.length + 1);
  assert.is(counts[0], 1);
  assert.is(counts[1], 1);
  assert.is(counts[boundsSeconds.indexOf(0.01)], 3);
  assert.is(counts.at(-1), 1);
});

test('sums what it observed, in seconds', () => {
  const histogram = new Histogram();
  histogram.observe(250, 4);
  assert.is(histogram.snapshot().sumSeconds, 1);
});

test('has bounds that rise from a microsecond to ten seconds', () => {
  const { boundsSeconds } = new Histogram().snapshot();
  assert.is(boundsSeconds[0], 1e-6);
  assert.is(boundsSeconds.at(-1), 10);
  assert.ok(boundsSeconds.every((bound, i) => i === 0 || bound > boundsSeconds[i - 1]!));
});

test.run();
