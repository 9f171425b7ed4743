import * as assert from 'uvu/assert';
import { SharedTokenBucket } from '../../../src/server/access/shared-token-bucket.js';
import { TokenBucket } from '../../../src/server/access/token-bucket.js';
import { Random } from '../../support/random.js';
import { forSeeds } from '../../support/seed.js';
import { suite } from '../../support/suite.js';

const test = suite('a rate as a bucket');

test('holds what a second brings, and lets a debt be paid first', () => {
  const bucket = new TokenBucket(10, 0);
  assert.ok(bucket.hasSome(0));
  bucket.take(30);
  assert.not.ok(bucket.hasSome(0));
  assert.is(bucket.waitMs(0), 2001);
  assert.not.ok(bucket.hasSome(2000));
  assert.ok(bucket.hasSome(2001));
  assert.ok(bucket.hasSome(1e9));
  bucket.take(10);
  assert.not.ok(bucket.hasSome(1e9));
});

test('a rate below one a second lets one through now and then', () => {
  const bucket = new TokenBucket(0.1, 0);
  bucket.take(1);
  assert.not.ok(bucket.hasSome(0));
  assert.ok(bucket.hasSome(1));
  bucket.take(1);
  assert.is(bucket.waitMs(1), Math.ceil((1 - 0.0001) * 10_000) + 1);
});

test('a clock that goes back takes nothing away and gives nothing', () => {
  const bucket = new TokenBucket(10, 1000);
  bucket.take(10);
  assert.not.ok(bucket.hasSome(0));
  assert.not.ok(bucket.hasSome(1000));
  assert.ok(bucket.hasSome(1100));
});

test('over any time no more is taken than the rate, one second’s worth and the last taking', () => {
  forSeeds(200, 2000, (seed) => {
    const random = new Random(seed);
    const perSecond = random.integer(1, 5000);
    const bucket = new TokenBucket(perSecond, 0);
    let nowMs = 0;
    let taken = 0;
    let last = 0;
    for (let step = 0; step < 300; step++) {
      nowMs += random.size(1, 500);
      if (!bucket.hasSome(nowMs)) continue;
      last = random.size(1, 3 * perSecond);
      bucket.take(last);
      taken += last;
      const allowed = (nowMs / 1000) * perSecond + Math.max(1, perSecond) + last;
      assert.ok(taken <= allowed + 1e-6, `${taken} of ${allowed} after ${nowMs} ms`);
    }
  });
});

test('whoever waits as long as he is told finds something', () => {
  forSeeds(500, 5000, (seed) => {
    const random = new Random(seed);
    const bucket = new TokenBucket(random.integer(1, 100_000) / 1000, 0);
    const nowMs = random.integer(0, 10_000);
    bucket.take(random.size(1, 1_000_000));
    if (!bucket.hasSome(nowMs)) assert.ok(bucket.hasSome(nowMs + bucket.waitMs(nowMs)));
  });
});

test('two buckets over one word are one bucket, which a debt of any size only empties', () => {
  const word = new BigInt64Array(new SharedArrayBuffer(8));
  const [one, other] = [new SharedTokenBucket(0.001, word), new SharedTokenBucket(0.001, word)];
  assert.ok(one.hasSome(performance.now()) && other.hasSome(performance.now()));
  one.take(0);
  assert.ok(other.hasSome(performance.now()));
  one.take(2);
  const nowMs = performance.now();
  assert.not.ok(other.hasSome(nowMs));
  const waitMs = other.waitMs(nowMs);
  assert.ok(waitMs > 900_000 && waitMs <= 1_000_002, `${waitMs}`);
  assert.ok(one.hasSome(nowMs + waitMs));
  for (let count = 0; count < 10; count++) other.take(1e15);
  assert.not.ok(one.hasSome(nowMs + 1e12));
});

test('a shared bucket holds what a second brings', () => {
  const bucket = new SharedTokenBucket(1000, new BigInt64Array(new SharedArrayBuffer(8)));
  const beforeMs = performance.now();
  bucket.take(999);
  assert.ok(bucket.hasSome(performance.now()));
  bucket.take(1001);
  // What the clock has brought meanwhile counts from the first taking on.
  assert.not.ok(bucket.hasSome(beforeMs + 999));
  assert.ok(bucket.hasSome(performance.now() + 1001));
});

test.run();
