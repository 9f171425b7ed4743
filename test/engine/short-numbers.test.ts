import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { faultOf } from '../reference/compare.js';
import { expectBody } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { fuzzed } from '../support/seed.js';
import { answerWhole } from '../support/stream.js';
import { suite } from '../support/suite.js';

const test = suite('engine: runs of short numbers');

const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^[0-9]{${min},${max}}$`));
const sign = fc.constantFrom('', '', '', '-');
const integers = fc.integer({ min: -99_999_999, max: 99_999_999 }).map(String);
/** Too long for one word, and the longest for two. */
const longIntegers = fc.stringMatching(/^-?[1-9][0-9]{8,15}$/);
const money = fc.tuple(sign, fc.nat(99_999), digits(1, 6)).map(([minus, whole, cents]) => `${minus}${whole}.${cents}`);
const zeros = fc.constantFrom('0', '-0', '0.0', '-0.00', '0.5', '-0.05');
/** Numbers that the short path has to leave to others, in the middle of its run. */
const others = fc.constantFrom(
  '1e3',
  '-2E-2',
  '12345678901234567',
  '-12345678901234567',
  '0.12345678',
  '123456789.5',
  '12345678901234567890',
  '1e-1300',
  '9'.repeat(40),
);
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
const space = fc.constantFrom('', '', '', ' ', '\n', '\t', '  ', '\r\n    ');

const answersAlike = (data: string) => {
  const body = Buffer.from(`{"id":"1","op":"sum","data":${data}}`);
  const expected = expectBody(body);
  for (const { name, engine } of builds) {
    const fault = faultOf(answerWhole(engine, body), expected);
    if (fault !== undefined) assert.unreachable(`${name}: ${fault} for ${data}`);
  }
};

const list = (item: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(space, item, space), { maxLength: 90 })
    .map((items) => `[${items.map((parts) => parts.join('')).join(',')}]`);

test('sound ones of every shape, and longer ones among them, are added as the oracle adds them', () => {
  const item = fc.oneof(
    { weight: 6, arbitrary: integers },
    { weight: 4, arbitrary: money },
    { weight: 3, arbitrary: longIntegers },
    zeros,
    others,
  );
  fc.assert(fc.property(list(item), answersAlike), fuzzed(3000));
});

test('one fault anywhere in a run is found, with its place', () => {
  const run = fc.array(fc.oneof(integers, money, longIntegers), { maxLength: 40 });
  const data = fc
    .tuple(run, faults, run)
    .map(([before, fault, behind]) => `[${[...before, fault, ...behind].join(',')}]`);
  fc.assert(fc.property(data, answersAlike), fuzzed(3000));
});

test('every length of every shape, at every place in the block', () => {
  for (let before = 0; before < 70; before++) {
    const lead = before === 0 ? '' : `${'1,'.repeat(before >> 1)}${before & 1 ? '22,' : ''}`;
    for (const token of [
      '7',
      '-7',
      '12345678',
      '-1234567',
      '123456789',
      '-1234567890123',
      '1234567890123456',
      '-1234567890123456',
      '12345678901234567',
      '1.5',
      '0.123456',
      '-1.25',
      '12345.67',
      '1234567.8',
    ]) {
      answersAlike(`[${lead}${token},3]`);
      answersAlike(`[${lead}${token}]`);
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

test('what stands behind the array is no part of it', () => {
  for (const { engine } of builds) {
    const behind = `,${'9,'.repeat(60)}`;
    const body = Buffer.from(`{"id":"1","op":"sum","data":[1,2],"more":[4${behind}9]}`);
    const answer = engine.answer(body);
    assert.is(
      answer.kind === 'frame' && Buffer.from(answer.frame).subarray(4).toString(),
      '{"id":"1","ok":true,"result":3.0}',
    );
  }
});

test.run();
