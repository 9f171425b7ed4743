import * as assert from 'uvu/assert';
import { engineSeconds } from '../../bench/bulk/engine-rate.js';
import { exactSum, resultText } from '../../bench/bulk/exact-sum.js';
import { type LargeFrame, largeFrame } from '../../bench/bulk/large-frame.js';
import { numberShapes } from '../../bench/number-shapes.js';
import { compileEngine, Engine } from '../../src/engine/index.js';
import { suite } from '../support/suite.js';

const test = suite('the benchmark’s large frames', { timeoutMs: 30_000 });

function bodyOf({ bodyStart, block, blocks, bodyEnd }: LargeFrame): Buffer {
  return Buffer.concat([bodyStart, ...Array<Buffer>(blocks).fill(block), bodyEnd]);
}

const sums = [
  { numbers: ['0.1', '0.2'], times: 1n, text: '0.3' },
  { numbers: ['0.1'], times: 10n, text: '1.0' },
  { numbers: ['1e308', '1E+308', '-1e308'], times: 1n, text: '1e308' },
  { numbers: ['1', '1e-16', '1e-16'], times: 1n, text: '1.0000000000000002' },
  { numbers: ['-2.50', '2.5'], times: 3n, text: '0.0' },
  { numbers: ['-0.5'], times: 3n, text: '-1.5' },
  { numbers: [], times: 1n, text: '0.0' },
];

for (const { numbers, times, text } of sums) {
  test(`the exact sum of ${times} × [${numbers}] is ${text}`, () => {
    const { digits, exponent } = exactSum(numbers);
    assert.is(resultText({ digits: digits * times, exponent }), text);
  });
}

test('what is no number has no exact sum', () => {
  for (const text of ['', '.5', '1.', '0x10', 'NaN']) assert.throws(() => exactSum([text]), /not a number/, text);
});

test('frames of every shape have the bytes that were asked for, and the reply that the engine gives to the whole body', async () => {
  const engine = new Engine(await compileEngine());
  for (const shape of numberShapes) {
    for (const bodyBytes of [100, 300_000, 1_000_003]) {
      const frame = largeFrame(shape, bodyBytes);
      const body = bodyOf(frame);
      assert.is(body.length, bodyBytes, shape.name);
      assert.is(frame.header.readUInt32BE(), bodyBytes, shape.name);
      const answer = engine.answer(body);
      const reply = answer.kind === 'frame' ? Buffer.from(answer.frame.subarray(4)).toString() : answer.kind;
      assert.is(reply, frame.reply, `${shape.name}, ${bodyBytes} bytes`);
    }
  }
});

test('a body that the length cannot say, or without room for what is around the numbers, is refused', () => {
  const shape = numberShapes[0]!;
  for (const bodyBytes of [10, 2 ** 32]) assert.throws(() => largeFrame(shape, bodyBytes), /no frame has/);
  assert.is(largeFrame(shape, 2 ** 32 - 1).header.readUInt32BE(), 2 ** 32 - 1);
});

test('a time of the engine alone is only given for the right digits', async () => {
  const engine = new Engine(await compileEngine());
  const frame = largeFrame(numberShapes[0]!, 600_000);
  assert.ok(engineSeconds(engine, frame) > 0);
  assert.throws(() => engineSeconds(engine, { ...frame, blocks: frame.blocks + 1 }), /the engine answered/);
});

test.run();
