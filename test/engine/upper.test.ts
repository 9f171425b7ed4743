import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/engine/index.js';
import { faultOf } from '../reference/compare.js';
import { expectBody } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { fuzzed } from '../support/seed.js';
import { answerWhole } from '../support/stream.js';
import { suite, type TestContext } from '../support/suite.js';
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

const everyPoint = Array.from({ length: 0x110000 }, (_, point) => point).filter((point) => !isSurrogate(point));
const withCase = everyPoint.map((point) => String.fromCodePoint(point)).filter((text) => text.toUpperCase() !== text);

/** What texts of many scripts are made of, what has no case, and what is written as an escape. */
const alphabets = [
  'abcxyz ABC.,{`@[',
  'àéîõüÿßµ÷×ÀÉ«»º¿ ',
  'ąćęłńśźżčďěňřšťžőűŉſıİǆǅǰ',
  'αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώΐΰϊϋϗϐϲϳͅΑΩ',
  'абвгдежзийклмнопрстуфхцчшщъыьэюяёђѓєѕѣѵҁґԥАЯЁ',
  'աբգև֊אבגدرسابت',
  'ạảấầẩẫậẖẗẘẙẚẞệ ἀᾀᾷῷῒῗ',
  'აბგჰᲐᏸᏽꭰꮿᲀᵹ',
  '天地玄黃かなカナ、。！？ｆａｕｌｔ',
  '가나다키스입술 ꙁꜣꟊʼnﬁﬃﬗ',
  '“…”—€ⅷⓐⰰⱥⴀ',
  '😀🎉👩‍👧𐐨𐓘𞤢𑣀𝒜𐵰',
].map((text) => [...text]);
const escapes = ['\\n', '\\"', '\\\\', '\\/', '\\u0061', '\\u00E9', '\\u0390', '\\ud801\\udc28', '\\udc28', '\\ud83d'];

/** Words of one alphabet each, some of them with escapes in between. */
const mixedToken = fc
  .array(
    fc
      .constantFrom(...alphabets, escapes)
      .chain((alphabet) => fc.array(fc.constantFrom(...alphabet), { minLength: 1, maxLength: 40 })),
    { maxLength: 12, size: 'max' },
  )
  .map((words) => `"${words.map((word) => word.join('')).join('')}"`);

/** The text that `upper` makes of another one. */
function upperOf(engine: Engine, text: string): string {
  const answer = answerWhole(engine, bodyOf(JSON.stringify(text)));
  assert.is(answer.kind, 'reply');
  return (JSON.parse(Buffer.from((answer as { body: Uint8Array }).body).toString()) as { result: string }).result;
}

/** Replaces `toUpperCase` until the test ends; the object counts its calls. */
function patchUpperCase(t: TestContext, others: Readonly<Record<string, string>>): { calls: number } {
  const original = String.prototype.toUpperCase;
  const seen = { calls: 0 };
  t.after(() => {
    String.prototype.toUpperCase = original;
  });
  String.prototype.toUpperCase = function (this: string) {
    seen.calls++;
    return [...this].map((each) => others[each] ?? original.call(each)).join('');
  };
  return seen;
}

for (const { name, module, engine } of builds) {
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

  test(`${name}: every code point, alone`, { timeoutMs: 120_000 }, () => {
    for (const point of everyPoint) {
      const text = String.fromCodePoint(point);
      const { frame } = engine.answer(bodyOf(JSON.stringify(text))) as { frame: Uint8Array };
      const wanted = `{"id":"1","ok":true,"result":${JSON.stringify(text.toUpperCase())}}`;
      if (Buffer.from(frame.buffer, frame.byteOffset + 4, frame.length - 4).toString() !== wanted)
        check(JSON.stringify(text));
    }
  });

  test(`${name}: every character with another upper case, at every place of a vector, among other scripts`, {
    timeoutMs: 120_000,
  }, () => {
    const letters = withCase.concat(escapes);
    for (const letter of letters) {
      for (const around of ['k', 'é', 'ł', 'ω', 'я', 'ạ', '語', '😀']) {
        const places = Array.from({ length: 17 }, (_, before) => `${around.repeat(before)}${letter}`);
        check(`"${places.join('.')}"`);
      }
    }
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

  test(`${name}: text of the large scripts asks nothing of the host`, (t) => {
    const fresh = new Engine(module);
    assert.is(upperOf(fresh, 'é'), 'É');
    const texts = [
      'El pingüino añoraba a su crío; «straße»',
      'ο καλός γείτονας, ΐ',
      'Съешь ещё — чаю',
      '天地玄黃、ｆ',
      '가나',
    ];
    const wanted = texts.map((text) => text.toUpperCase());
    const seen = patchUpperCase(t, {});
    const results = texts.map((text) => upperOf(fresh, text));
    assert.is(seen.calls, 0);
    assert.equal(results, wanted);
  });

  test(`${name}: a host with another version of Unicode is asked where it differs, and only there`, (t) => {
    const others = { ƛ: 'ƛ', ก: '1', ɪ: '22', ꟊ: '333', 𐐀: '4', ᏸ: '5', '\u{16fff}': '6' };
    const seen = patchUpperCase(t, others);
    const fresh = new Engine(module);
    for (const text of Object.keys(others)) {
      assert.is(upperOf(fresh, `aé語${text}яω`), `aé語${text}яω`.toUpperCase());
      assert.is(upperOf(fresh, text), text.toUpperCase());
    }
    const { calls } = seen;
    assert.is(upperOf(fresh, 'ÿ ł ω я ệ ა ꙁ ะ 😀 天'), 'Ÿ Ł Ω Я Ệ Ა Ꙁ ะ 😀 天');
    assert.is(seen.calls, calls + 1, 'of the block of ก');
    assert.is(upperOf(fresh, 'ÿ ł ω я ệ ა ꙁ 😀 天'), 'Ÿ Ł Ω Я Ệ Ა Ꙁ 😀 天');
    assert.is(seen.calls, calls + 1);
  });

  test(`${name}: a host that sees Cyrillic in another way is asked for every text that is not ASCII`, (t) => {
    const seen = patchUpperCase(t, { я: 'R' });
    const fresh = new Engine(module);
    assert.is(upperOf(fresh, 'aяé'), 'ARÉ');
    const { calls } = seen;
    assert.is(upperOf(fresh, 'é'), 'É');
    assert.is(seen.calls, calls + 1);
    assert.is(upperOf(fresh, 'a\n'), 'A\n');
    assert.is(seen.calls, calls + 1);
  });

  test(`${name}: any text of many scripts and escapes`, { timeoutMs: 120_000 }, () => {
    fc.assert(fc.property(mixedToken, check), fuzzed(5_000));
  });

  test(`${name}: any string, however it is escaped`, { timeoutMs: 120_000 }, () => {
    fc.assert(fc.property(jsonStringOf(60), check), fuzzed(3_000));
  });
}

test('the table is what its generator writes for this version of Unicode', () => {
  const project = new URL('../../../', import.meta.url);
  const script = fileURLToPath(new URL('scripts/write-case-data.mjs', project));
  const written = execFileSync(process.execPath, [script], { encoding: 'utf8' });
  const kept = readFileSync(new URL('assembly/case-data.ts', project), 'utf8');
  const versionOf = (text: string) =>
    /^\/\/ Generated by scripts\/write-case-data\.mjs from Unicode ([\d.]+)\./.exec(text)?.[1];
  assert.is(versionOf(written), process.versions.unicode);
  if (versionOf(kept) === process.versions.unicode) assert.is(kept, written);
});

test.run();
