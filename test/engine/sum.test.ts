import * as assert from 'uvu/assert';
import { faultOf } from '../reference/compare.js';
import { expectBody } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { answerWhole } from '../support/stream.js';
import { suite } from '../support/suite.js';

const test = suite('engine: sum');

/** 2^1024 − 2^971, the largest binary64 to its last digit; and 2^1024 − 2^970: the first number that rounds to infinity. */
const exactLargest = 2n ** 1024n - 2n ** 971n;
const border = 2n ** 1024n - 2n ** 970n;
const largest = '1.7976931348623157e308';
/** 2^-1075, half of the smallest binary64, to its last digit. */
const halfOfSmallest = `${5n ** 1075n}e-1075`;
const numbers = (count: number, each: (index: number) => string | number) =>
  Array.from({ length: count }, (_, index) => each(index));

/** Arrays by what they are made to reach, and a result where one can be written down without reckoning. */
const arrays: readonly (readonly [name: string, items: readonly (string | number)[], result?: string])[] = [
  ['nothing', [], '0.0'],
  ['one digit', [7], '7.0'],
  ['every count of digits before the point', numbers(40, (n) => '1234567890'.repeat(4).slice(0, n + 1))],
  ['every count of digits after the point', numbers(70, (n) => `0.${'9876543210'.repeat(7).slice(0, n + 1)}`)],
  ['both counts at once', numbers(400, (n) => `${'7'.repeat(1 + (n % 20))}.${'3'.repeat(1 + Math.trunc(n / 20) * 2)}`)],
  [
    'every count on either side of the point, of either sign',
    numbers(34 * 34, (n) => `${n % 2 ? '-' : ''}${'8'.repeat(1 + (n % 34))}.${'4'.repeat(1 + Math.trunc(n / 34))}`),
  ],
  ['integers of every length, negative', numbers(40, (n) => `-${'9'.repeat(n + 1)}`)],
  [
    'nineteen digits and twenty, with and without zeros in front',
    ['999.9999999999999999', '1000.0000000000000001', '0.0009999999999999999999', '-0.00100000000000000000019'],
  ],
  ['exponents of one digit to four', ['1e7', '1e07', '25e-12', '25E+123', '1e-0123', '7e-1199', '3e0000']],
  ['fifteen digits, sixteen, seventeen', ['999999999999999', '9999999999999999', '99999999999999999']],
  ['a fraction of 15, 16, 17, 31, 32 and 33 digits', [15, 16, 17, 31, 32, 33].map((n) => `0.${'9'.repeat(n)}`)],
  ['zeros in front of a fraction’s digits', numbers(60, (n) => `0.${'0'.repeat(n)}5`)],
  ['zeros at the end', numbers(60, (n) => `5${'0'.repeat(n)}.${'0'.repeat(n + 1)}`)],
  ['a number of ten thousand digits', [`0.${'123456789'.repeat(1111)}`]],
  ['an integer of 300 digits', ['9'.repeat(300)]],
  ['zeros without end', [`0.${'0'.repeat(20_000)}`, `0.${'0'.repeat(20_000)}e99999`], '0.0'],
  ['every exponent', numbers(632, (n) => `1.5e${n - 324}`)],
  ['every exponent, negative too', numbers(632, (n) => `${n % 3 ? '-' : ''}7.25E${n < 324 ? '' : '+'}${n - 324}`)],
  ['exponents with zeros in front', ['1e00000000000000000002', '1e-000000000000000000000002'], '100.01'],
  ['an exponent that undoes the digits', [`0.${'0'.repeat(400)}1e401`, `1${'0'.repeat(400)}e-400`], '2.0'],
  ['zero with any exponent', ['0e999999999999999999999', '-0.0e-99999999999999999999999', 1], '1.0'],
  ['exponents around the fast path’s limit', ['1e-999', '1e-1000', '1e-1001', '1e-1199', '1e-1200', '1e-1201'], '0.0'],
  ['ties to even, down', ['9007199254740993'], '9007199254740992.0'],
  ['ties to even, up', ['9007199254740995'], '9007199254740996.0'],
  ['a tie from parts', ['9007199254740992', '0.5', '0.5'], '9007199254740992.0'],
  ['a tie broken from above', ['9007199254740993', '1e-1200'], '9007199254740994.0'],
  ['a tie broken from below', ['9007199254740995', '-1e-1200'], '9007199254740994.0'],
  ['a tie broken below all exponents', ['9007199254740993', '1e-99999'], '9007199254740994.0'],
  ['a tie broken downwards below all exponents', ['9007199254740995', '-1e-99999'], '9007199254740994.0'],
  ['a negative tie broken below all exponents', ['-9007199254740993', '-1e-99999'], '-9007199254740994.0'],
  ['a negative tie broken the other way', ['-9007199254740995', '1e-99999'], '-9007199254740994.0'],
  ['a tie broken by the last of many digits', [`9007199254740993.${'0'.repeat(2000)}1`], '9007199254740994.0'],
  ['tails alone, of either sign', ['1e-5000', '1e-5000'], '0.0'],
  ['a negative tail alone', ['-1e-5000'], '0.0'],
  ['cancels to nothing', ['1e300', '-1e300', '0.1', '-0.1'], '0.0'],
  ['cancels to the smallest', ['1e300', '5e-324', '-1e300'], '5e-324'],
  ['cancels across hundreds of places', ['1e308', '-1e308', '1e-308', '3'], '3.0'],
  ['cancels to a negative', ['1e16', '1', '-1e16', '-1.5'], '-0.5'],
  ['borrows through every place', ['1e300', '-1e-300'], '1e300'],
  ['carries through every place', [...numbers(600, (n) => `9e${n - 300}`), '1e-300'], '1e300'],
  ['ten million million carries', numbers(3000, () => '9999999999999999')],
  ['negative carries', numbers(3000, () => '-9999999999999999.9999999999999999')],
  ['a negative power of ten', ['-10'], '-10.0'],
  ['a negative power of ten with zeros at the end', ['-0.10'], '-0.1'],
  [
    'negative powers of ten by themselves',
    numbers(300, (n) => `-1${'0'.repeat(n % 20)}.${'0'.repeat(1 + (n % 17))}e${n - 20}`),
  ],
  ['a negative power of ten from parts', ['-7', '-1', '-2'], '-10.0'],
  ['a negative power of ten and a bit', ['-10', '-1e-1200'], '-10.0'],
  ['a negative power of ten and a bit far below', ['-10', '-1e-9999'], '-10.0'],
  ['a negative power of ten less a bit far below', ['-10', '1e-9999'], '-10.0'],
  ['tenths', Array(10).fill('0.1'), '1.0'],
  ['cents', numbers(1000, (n) => (n * 1.37).toFixed(2))],
  ['subnormals', ['4.9406564584124654e-324', '1e-323', '2.5e-320', '-3e-322']],
  ['the largest subnormal and the smallest normal', ['2.2250738585072009e-308', '2.2250738585072014e-308']],
  ['exactly half of the smallest', [halfOfSmallest], '0.0'],
  ['half of the smallest and a bit', [halfOfSmallest, '1e-1199'], '5e-324'],
  ['three halves of the smallest', [halfOfSmallest, halfOfSmallest, halfOfSmallest], '1e-323'],
  ['the largest', [largest], largest],
  ['the largest and half of its step, less one', [String(border - 1n)], largest],
  ['the same from parts', [`${exactLargest}`, `${2n ** 970n - 1n}`], largest],
  ['through infinity and back', ['1e308', '1e308', '1e308', '-1e308', '-1e308'], '1e308'],
  ['numbers just above the border of positional text', ['1e21'], '1e21'],
  ['numbers just below it', ['999999999999999900000'], '999999999999999900000.0'],
  ['small numbers above the border of positional text', ['0.000001'], '0.000001'],
  ['small numbers below it', ['0.0000001'], '1e-7'],
  ['fifteen digits that are certain, sixteen that are not', ['0.123456789012345', '0.1234567890123456']],
  ['more digits than a double has', ['0.30000000000000004', '0.299999999999999988897769753748'], '0.6'],
];

const outOfRange: readonly (readonly [name: string, items: readonly string[]])[] = [
  ['the border itself', [String(border)]],
  ['the border itself, negative', [`-${border}`]],
  ['the border with a fraction', [`${border}.0`]],
  ['the border with an exponent', [`${border}0e-1`, '-1e308']],
  ['the border, a point moved', [`${String(border).replace(/^(.)/, '$1.')}e308`]],
  ['the border reached by a sum', [`${exactLargest}`, `${2n ** 970n}`]],
  ['the border reached by a sum, negative', [`-${exactLargest}`, `-${2n ** 970n}`]],
  ['twice the largest', [largest, largest]],
  ['one too large among many', ['1', '2', '1e309', '-1e309']],
  ['an exponent beyond counting', ['1e99999999999999999999999999999']],
  ['many digits and no exponent', ['1'.repeat(310)]],
];

const sumBody = (items: readonly unknown[]) => Buffer.from(`{"id":"1","op":"sum","data":[${items.join(', ')}]}`);

for (const { name: build, engine } of builds) {
  const replyTo = (body: Uint8Array) => {
    const answer = answerWhole(engine, body);
    const fault = faultOf(answer, expectBody(body));
    if (fault !== undefined) assert.unreachable(fault.slice(0, 2000));
    return answer.kind === 'reply' ? Buffer.from(answer.body).toString() : '';
  };

  for (const [name, items, result] of arrays) {
    test(`${build}: ${name}`, () => {
      const reply = replyTo(sumBody(items));
      if (result !== undefined) assert.is(reply, `{"id":"1","ok":true,"result":${result}}`);
      assert.is(replyTo(sumBody([...items].reverse())), reply, 'the order does not matter');
      // Each number by itself takes its own way through the engine.
      for (const item of new Set(items)) replyTo(sumBody([item]));
      assert.is(replyTo(sumBody(items)), reply, 'nothing of a sum is left for the next');
    });
  }

  for (const [name, items] of outOfRange) {
    test(`${build}: out of range: ${name}`, () => {
      assert.match(replyTo(sumBody(items)), /"code":"OUT_OF_RANGE"\}$/);
      assert.is(replyTo(sumBody([1])), '{"id":"1","ok":true,"result":1.0}');
    });
  }

  test(`${build}: many numbers`, { timeoutMs: 60_000 }, () => {
    assert.match(replyTo(sumBody(numbers(200_000, (n) => (n % 1000) / 8))), /"result":12487500\.0\}/);
  });

  test(`${build}: numbers at every distance from the end of the memory's vectors`, () => {
    for (let before = 0; before < 40; before++) replyTo(sumBody([`${' '.repeat(before)}123456789012345.678901`, 1]));
  });
}

test.run();
