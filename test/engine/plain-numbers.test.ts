import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { faultOf } from '../reference/compare.js';
import { expectBody } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { fuzzed } from '../support/seed.js';
import { answerWhole } from '../support/stream.js';
import { suite } from '../support/suite.js';

const test = suite('engine: runs of plain numbers');

const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`));
const sign = fc.constantFrom('', '', '', '-');
const integers = fc.integer({ min: -99_999_999, max: 99_999_999 }).map(String);
const longIntegers = fc.stringMatching(/^-?[1-9][0-9]{8,15}$/);
const money = fc.tuple(sign, fc.nat(99_999), digits(1, 6)).map(([minus, whole, cents]) => `${minus}${whole}.${cents}`);
/** Far on either side of the point, and at the borders of what is far and of what is plain. */
const long = fc.tuple(sign, digits(1, 34), digits(0, 34)).map(([minus, whole, fraction]) => {
  const number = `${minus}${whole.replace(/^0+(?=\d)/, '')}`;
  return fraction === '' ? number : `${number}.${fraction}`;
});
const zeros = fc.constantFrom('0', '-0', '0.0', '-0.00', '0.5', '-0.05');
/** Numbers that the run has to leave to others, in its middle. */
const others = fc.constantFrom('1e3', '-2E-2', '1234567890.5e-3', '1E5', '1e-1300', '9'.repeat(40));
/** What is no number at all, or almost one. */
const faults = fc.constantFrom(
  '01',
  '-01',
  '00',
  '1.',
  '.5',
  '-',
  '--1',
  '1.2.3',
  '012345678',
  '-0123456789012345',
  '1234567a9',
  '12345678a',
  '1234567890123456-',
  '1..2',
  '+1',
  '01.5',
  '1-2',
  '1:2',
  '',
  '1a',
  '"1,2"',
  '[1]',
  '1/2',
  '\u00fa',
  '12,',
);
const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '  ', '\r\n    ', '\n\t\t\t');
const longSpace = fc.stringMatching(/^[ \t\r\n]{0,90}$/);
/** A run is looked for after the first few numbers: with these in front, it begins at the number after them. */
const lead = '1,2,3,4,';

const bodyAnswersAlike = (body: Buffer) => {
  const expected = expectBody(body);
  for (const { name, engine } of builds) {
    const fault = faultOf(answerWhole(engine, body), expected);
    if (fault !== undefined) assert.unreachable(`${name}: ${fault} for ${body}`);
  }
};

const answersAlike = (data: string) => bodyAnswersAlike(Buffer.from(`{"id":"1","op":"sum","data":${data}}`));

const list = (item: fc.Arbitrary<string>, between: fc.Arbitrary<string> = space, maxLength = 90) =>
  fc
    .array(fc.tuple(between, item, between), { maxLength })
    .map((items) => `[${items.map((parts) => parts.join('')).join(',')}]`);

const plain = fc.oneof(
  { weight: 6, arbitrary: integers },
  { weight: 4, arbitrary: money },
  { weight: 3, arbitrary: longIntegers },
  { weight: 3, arbitrary: long },
  zeros,
);

test('sound ones of every shape, and others among them, are added as the oracle adds them', () => {
  const item = fc.oneof({ weight: 20, arbitrary: plain }, others);
  fc.assert(fc.property(list(item), answersAlike), fuzzed(3000));
});

test('white space of any length and kind is passed', () => {
  fc.assert(fc.property(list(plain, longSpace, 20), answersAlike), fuzzed(2000));
});

test('one fault anywhere in a run is found, with its place', () => {
  const run = fc.array(plain, { maxLength: 40 });
  const data = fc
    .tuple(run, faults, run, space)
    .map(([before, fault, after, gap]) => `[${[...before, fault, ...after].join(`,${gap}`)}]`);
  fc.assert(fc.property(data, answersAlike), fuzzed(3000));
});

/** Texts of every length from 0 to 70 that end with a comma and whose numbers are sound. */
const paddings = Array.from({ length: 71 }, (_, length) =>
  length < 2 ? ' '.repeat(length) : `${'1,'.repeat((length >> 1) - 1)}${length & 1 ? '22,' : '3,'}`,
);

test('every length of every shape, at every place in the block', () => {
  const tokens = [
    '7',
    '-7',
    '12345678',
    '-1234567',
    '123456789',
    '-1234567890123',
    '1.5',
    '0.123456',
    '-1.25',
    '12345.67',
  ];
  const borders = [16, 17, 32, 33].flatMap((count) => {
    const digits = '1234567890'.repeat(4).slice(0, count);
    return [digits, `-${digits}`, `0.${digits}`, `-${digits}.5`, `${digits}.25`];
  });
  for (const padding of paddings) {
    for (const token of [...tokens, ...borders]) answersAlike(`[${lead}${padding}${token},3]`);
    answersAlike(`[${lead}${padding}-12.5]`);
  }
});

test('what is wrong is found at every place in the block, with its place', () => {
  const wrong = [
    '1,,2',
    ',1',
    '1 2',
    '1\n-2',
    '-',
    '- 1',
    '1.',
    '1. 5',
    '.5',
    '01',
    '-00',
    '1.2.3',
    '1-',
    '1+',
    '1e',
    '1,\u00a02',
  ];
  for (const padding of paddings) {
    for (const token of wrong) answersAlike(`[${lead}${padding}${token},3,4]`);
    for (const end of ['', ',', ' ,', ', ', '}', ',]', ' 5]']) answersAlike(`[${lead}${padding}1${end}`);
  }
});

test('white space before and after the comma, at every place in the block and of every length', () => {
  const spaces = [
    '',
    '\t',
    '\r\n',
    ...[4, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130].map((count) => `\n${' '.repeat(count)}`),
  ];
  for (const padding of paddings.slice(0, 66)) {
    for (const gap of spaces) {
      answersAlike(`[${lead}${padding}${gap}-8.25,${gap}9.5,7${gap}]`);
      answersAlike(`[${lead}${padding}6${gap},7${gap}${gap},8]`);
    }
  }
});

test('no other byte is taken for white space, or for a part of a number', () => {
  for (let byte = 0; byte < 256; byte++) {
    for (const [before, after] of [
      ['5,', '6,7,8]'],
      ['5', ',6,7,8]'],
      ['5,6', '7,8]'],
      ['5,-', '7,8]'],
      ['5,6.', '7,8]'],
    ]) {
      const body = Buffer.concat([
        Buffer.from(`{"id":"1","op":"sum","data":[${lead}${before}`),
        Buffer.from([byte]),
        Buffer.from(`${after}}`),
      ]);
      bodyAnswersAlike(body);
    }
  }
});

test('columns of nines do not overflow', () => {
  const nines = '9'.repeat(16);
  // Numbers that make the columns of a block as full as they get, more of them than are gathered at once, and their sum.
  for (const [token, count] of [
    ['9', 70_000],
    [`${nines}.${nines}`, 10_000],
    [`${nines}${nines}`, 10_000],
    [`0.${nines}${nines}`, 10_000],
  ] as const) {
    const [whole, fraction = ''] = token.split('.');
    const total = BigInt(whole + fraction) * BigInt(count);
    for (const sign of ['', '-']) {
      for (const separator of [',', ',\n  ']) {
        const numbers = Array<string>(count).fill(`${sign}${token}`);
        // What is taken away again leaves the last place, which a rounding would hide.
        const rest = `${total - 1n}e-${fraction.length}`;
        const data = `[${[...numbers, `${sign === '' ? '-' : ''}${rest}`].join(separator)}]`;
        const expected = `${sign}${fraction === '' ? '1.0' : `1e-${fraction.length}`}`;
        for (const { name, engine } of builds) {
          const say = `${name}: ${sign}${token}, ${count} times`;
          assert.is(engine.sum(Buffer.from(data)), expected, say);
          // A body that is whole is one run, where parts end theirs.
          const answer = answerWhole(engine, Buffer.from(`{"id":"1","op":"sum","data":${data}}`));
          const reply = answer.kind === 'reply' ? Buffer.from(answer.body).toString() : answer.kind;
          assert.is(reply, `{"id":"1","ok":true,"result":${expected}}`, say);
        }
      }
    }
  }
});

test('integers of every length from 1 to 20 digits in runs of their own', () => {
  for (let length = 1; length <= 20; length++) {
    for (const sign of ['', '-']) {
      const run = Array.from({ length: 40 }, (_, index) => `${sign}${`${9 - (index % 9)}`.repeat(length)}`);
      for (const separator of [',', ', ', ',\n', ' ,\r\n\t  ']) answersAlike(`[${run.join(separator)}]`);
    }
  }
});

test('what a run gathered is gone when the next sum begins', () => {
  const run = '1234567890123456,-12345678,0.5,-0.25,1.125,'.repeat(9);
  for (const last of ['7', '01', '"x"', '1e5000', '[]']) {
    answersAlike(`[1,${run}${last}]`);
    answersAlike('[1,2,3]');
  }
});

test('what follows the array is no part of it', () => {
  for (const { engine } of builds) {
    const after = `,${'9,'.repeat(60)}`;
    const body = Buffer.from(`{"id":"1","op":"sum","data":[1,2],"more":[4${after}9]}`);
    const answer = engine.answer(body);
    assert.is(
      answer.kind === 'frame' && Buffer.from(answer.frame).subarray(4).toString(),
      '{"id":"1","ok":true,"result":3.0}',
    );
  }
});

test.run();
