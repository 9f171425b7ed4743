import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { faultOf } from '../reference/compare.js';
import { expectBody } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { fuzzed } from '../support/seed.js';
import { answerWhole } from '../support/stream.js';
import { suite } from '../support/suite.js';
import { jsonStringOf } from '../vectors/json.js';

const test = suite('engine: upper');

const bodyOf = (token: string) => Buffer.from(`{"id":"1","op":"upper","data":${token}}`);
const escaped = (unit: number) => `\\u${unit.toString(16).padStart(4, '0')}`;
const isSurrogate = (point: number) => point >= 0xd800 && point <= 0xdfff;

/** All code points in runs of 64, with a letter between any two so that neighbours do not combine. */
function* runsOfCodePoints(write: (point: number) => string | undefined): Generator<string> {
  for (let first = 0; first <= 0x10ffff; first += 64) {
    const points = Array.from({ length: 64 }, (_, index) => write(first + index)).filter((text) => text !== undefined);
    yield `"${points.join('x')}"`;
  }
}

const asItself = (point: number) =>
  point < 0x20 || point === 0x22 || point === 0x5c || isSurrogate(point) ? undefined : String.fromCodePoint(point);
const asEscapes = (point: number) =>
  point <= 0xffff
    ? escaped(point)
    : [...String.fromCodePoint(point)]
        .flatMap((c) => [c.charCodeAt(0), c.charCodeAt(1)])
        .map(escaped)
        .join('');

for (const { name, engine } of builds) {
  const check = (token: string) => {
    const body = bodyOf(token);
    const fault = faultOf(answerWhole(engine, body), expectBody(body));
    if (fault !== undefined) assert.unreachable(fault);
  };

  test(`${name}: every code point, as UTF-8`, { timeoutMs: 60_000 }, () => {
    for (const token of runsOfCodePoints(asItself)) check(token);
  });

  test(`${name}: every code point, as escapes, lone surrogates among them`, { timeoutMs: 60_000 }, () => {
    for (const token of runsOfCodePoints(asEscapes)) check(token);
  });

  test(`${name}: a letter of each script at every place of a vector`, () => {
    for (const letter of [
      'a',
      'z',
      'é',
      'ß',
      'ʼn',
      'ΐ',
      'ﬃ',
      '𐐨',
      '\\n',
      '\\u0061',
      '\\u00e9',
      '\\ud801\\udc28',
      '\\udc28',
    ]) {
      for (let before = 0; before < 40; before++) check(`"${'k'.repeat(before)}${letter}${'{`@['.repeat(5)}"`);
    }
  });

  test(`${name}: a lone surrogate comes back as an escape`, () => {
    const answer = answerWhole(engine, bodyOf('"\\uDC00é\\ud800"'));
    assert.match(answer.kind === 'reply' ? Buffer.from(answer.body).toString() : '', /"result":"\\udc00É\\ud800"\}$/i);
  });

  test(`${name}: text that grows threefold fits`, () => {
    check(`"${'ΐ'.repeat(20_000)}"`);
    check(`"${'ΐ'.repeat(200_000)}"`);
  });

  test(`${name}: any string, however it is escaped`, { timeoutMs: 120_000 }, () => {
    fc.assert(fc.property(jsonStringOf(60), check), fuzzed(3_000));
  });
}

test.run();
