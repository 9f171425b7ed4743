import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';
import { numberToken } from '../vectors/numbers.js';
import { addDecimals, exactSum, floatText, readDecimal, roundToDouble } from './exact-sum.js';

const test = suite('reference sum');

const text = (...tokens: string[]) => {
  const outcome = exactSum(tokens);
  return outcome.kind === 'ok' ? outcome.text : outcome.kind;
};

test('sums of the protocol page', () => {
  assert.is(text(), '0.0');
  assert.is(text('0.1', '0.2'), '0.3');
  assert.is(text(...Array<string>(10).fill('0.1')), '1.0');
  assert.is(text('1e308', '1e308', '-1e308'), '1e308');
  assert.is(text('1', '2', '3', '4'), '10.0');
  assert.is(text('1e400'), 'out-of-range');
  assert.is(text('1e400', '-1e400'), 'out-of-range');
});

test('the border of binary64 is the middle between the largest and what would follow', () => {
  const border = String(2n ** 1024n - 2n ** 970n);
  assert.is(text(border), 'out-of-range');
  assert.is(text(String(BigInt(border) - 1n)), '1.7976931348623157e308');
  assert.is(text(String(BigInt(border) - 1n), '0.5'), '1.7976931348623157e308');
  assert.is(text(String(BigInt(border) - 1n), '1'), 'out-of-range');
});

test('digits far below break a tie and do no more', () => {
  assert.is(text('9007199254740993'), '9007199254740992.0');
  assert.is(text('9007199254740993', '1e-99999999999999999999'), '9007199254740994.0');
  assert.is(text('9007199254740993', '-1e-5000'), '9007199254740992.0');
  assert.is(text('9007199254740995', '-1e-5000'), '9007199254740994.0');
  assert.is(text(`0.${'0'.repeat(3000)}1`), '0.0');
});

test('tails of either sign cancel one by one, whatever their digits', () => {
  assert.is(text('9007199254740993', '1e-5000', '-9e-1300'), '9007199254740992.0');
  assert.is(text('9007199254740993', '1e-5000', '1e-5000', '-9e-1201'), '9007199254740994.0');
  assert.is(text('9007199254740993', '1e-1200', '-9e-1201'), '9007199254740994.0');
});

test('the exact sum has no zeros at its end', () => {
  assert.equal(addDecimals(['700', '300', '1e-1300']), { digits: 1n, exponent: 3, tails: 1 });
  assert.equal(addDecimals(['0.25', '-0.250']), { digits: 0n, exponent: 0, tails: 0 });
  assert.is(addDecimals(['1e309', '-1e309']), undefined);
});

test('floats are written the short way', () => {
  assert.is(floatText(1e21), '1e21');
  assert.is(floatText(1e20), '100000000000000000000.0');
  assert.is(floatText(1e-7), '1e-7');
  assert.is(floatText(-0), '0.0');
  assert.is(floatText(-2.5), '-2.5');
});

test('rounding agrees with the host on every kind of number', () => {
  fc.assert(
    fc.property(numberToken, (token) => {
      const expected = Number(token);
      assert.is(roundToDouble(readDecimal(token)), expected === 0 ? 0 : expected, token);
    }),
    fuzzed(20_000),
  );
});

test.run();
