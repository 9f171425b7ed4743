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
const money = fc.tuple(sign, fc.nat(99_999), digits(1, 6)).map(([minus, whole, cents]) => `${minus}${whole}.${cents}`);
const zeros = fc.constantFrom('0', '-0', '0.0', '-0.00', '0.5', '-0.05');
/** Numbers that the short path has to leave to others, in the middle of its run. */
const others = fc.constantFrom(
  '1e3',
  '-2E-2',
  '123456789',
  '0.12345678',
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
  const item = fc.oneof({ weight: 6, arbitrary: integers }, { weight: 4, arbitrary: money }, zeros, others);
  fc.assert(fc.property(list(item), answersAlike), fuzzed(3000));
});

test('one fault anywhere in a run is found, with its place', () => {
  const run = fc.array(fc.oneof(integers, money), { maxLength: 40 });
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
