import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import {
  formatTokenFile,
  type IdentityEntry,
  identitiesMax,
  parseTokenFile,
  TokenFileError,
  threadsOf,
} from '../../../src/server/access/token-file.js';
import { Random } from '../../support/random.js';
import { forSeeds } from '../../support/seed.js';
import { suite } from '../../support/suite.js';

const test = suite('the file of tokens as text');

/** Files that the fuzzer begins with; those that begin with `bad-` are to be refused. */
const corpusFolder = fileURLToPath(new URL('../../../../test/server/access/token-files/', import.meta.url));
const corpus = readdirSync(corpusFolder).map((name) => ({
  name,
  text: readFileSync(join(corpusFolder, name), 'utf8'),
}));

const sha256 = 'ab'.repeat(32);
const fileOf = (...identities: readonly unknown[]) => JSON.stringify({ version: 1, identities });

function faultOf(text: string): string {
  try {
    parseTokenFile(text);
  } catch (error) {
    if (error instanceof TokenFileError) return error.message;
    throw error;
  }
  throw new Error(`it was taken: ${text.slice(0, 200)}`);
}

test('what is written is read again', () => {
  const entries: readonly IdentityEntry[] = [
    { name: 'billing', sha256, created: '2026-11-28T12:00:00.000Z', expires: '2027-01-31', allow: ['sum', 'a"b'] },
    { name: 'Ünïted "x"', maxRequests: 1, requestsPerSecond: 0.5, bytesPerSecond: 1e6, workerShare: '50%' },
    { name: 'anonymous', allow: [], workerShare: 2 },
  ];
  assert.equal(parseTokenFile(formatTokenFile(entries)), entries);
});

test('whatever is not understood is refused, with the place and without the text around it', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /^is not JSON$/],
    ['{"version":1,"identities":[', /^is not JSON$/],
    ['[]', /it must be an object/],
    ['{"version":2,"identities":[]}', /has the version 2; this server reads 1/],
    ['{"identities":[]}', /has the version none/],
    ['{"version":1}', /no array "identities"/],
    ['{"version":1,"identities":[],"more":1}', /it has "more", which this version does not know/],
    [fileOf({ name: 'a', alow: ['sum'] }), /identities\[0\] has "alow"/],
    [fileOf({}), /identities\[0\] has no "name"/],
    [fileOf({ name: '' }), /name of identities\[0\] must be/],
    [fileOf({ name: 'a\nb' }), /name of identities\[0\] must be/],
    [fileOf({ name: 'a' }, 5), /identities\[1\] must be an object/],
    [fileOf({ name: 'a', sha256: 'AB'.repeat(32) }), /sha256 of identities\[0\] must be 64 hexadecimal/],
    [fileOf({ name: 'a', expires: 'tomorrow' }), /expires of identities\[0\]/],
    [fileOf({ name: 'a', allow: 'sum' }), /allow of identities\[0\]/],
    [fileOf({ name: 'a', maxRequests: 0 }), /maxRequests of identities\[0\]/],
    [fileOf({ name: 'a', requestsPerSecond: -1 }), /requestsPerSecond of identities\[0\]/],
    [fileOf({ name: 'a', bytesPerSecond: '1' }), /bytesPerSecond of identities\[0\]/],
    [fileOf({ name: 'a', workerShare: '0%' }), /workerShare of identities\[0\]/],
    [fileOf({ name: 'a', sha256 }, { name: 'a' }), /two identities have the name "a"/],
    [fileOf({ name: 'a', sha256 }, { name: 'b', sha256 }), /two identities have the sha256/],
    [fileOf({ name: 'anonymous', sha256 }), /stands for all without a token/],
    [fileOf(...Array.from({ length: identitiesMax + 1 }, (_, n) => ({ name: `${n}` }))), /more than 10000 identities/],
  ];
  for (const [text, pattern] of cases) assert.match(faultOf(text), pattern, text.slice(0, 100));
});

test('a share is a number of threads, or a percentage of them and at least one', () => {
  assert.equal([threadsOf(3, 8), threadsOf('50%', 8), threadsOf('1%', 8), threadsOf('100%', 8)], [3, 4, 1, 8]);
  for (const share of [0, -1, 1.5, '50', '101%', '0%', 'x%', null, undefined, Number.NaN]) {
    assert.is(threadsOf(share, 8), undefined, String(share));
  }
});

test('the files of the corpus are read or refused, as their names say', () => {
  assert.ok(corpus.length >= 6);
  for (const { name, text } of corpus) {
    if (name.startsWith('bad-')) assert.ok(faultOf(text), name);
    else assert.ok(parseTokenFile(text).length > 0, name);
  }
});

/** Changes a text as a bad editor, a full disk or somebody who means harm would. */
function mutated(random: Random, text: string): string {
  const at = random.integer(0, text.length);
  const end = Math.min(text.length, at + random.size(1, 40));
  const other = random.pick(corpus).text;
  switch (random.integer(0, 6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, end) + text.slice(at);
    case 3:
      return text.slice(0, at) + String.fromCharCode(random.integer(0, 0xffff)) + text.slice(at + 1);
    case 4:
      return text.slice(0, at) + other.slice(random.integer(0, other.length));
    case 5:
      return text.replace(/\d+/, () => random.pick(['-1', '1e999', '0', '1e-400', '99999999999999999999', '0.0001']));
    default:
      return (
        text.slice(0, at) + random.pick(['"__proto__":{},', '[', '{', 'null', '"', '\\', ',', 'true']) + text.slice(end)
      );
  }
}

test('no text brings the reader down: it gives entries that hold what they promise, or says in one line what is wrong', () => {
  let taken = 0;
  forSeeds(4000, 100_000, (seed) => {
    const random = new Random(seed);
    let { text } = random.pick(corpus);
    for (let changes = random.integer(1, 4); changes > 0; changes--) text = mutated(random, text);
    let entries: readonly IdentityEntry[];
    try {
      entries = parseTokenFile(text);
    } catch (error) {
      assert.instance(error, TokenFileError);
      assert.match((error as Error).message, /^[^\n]{1,300}$/);
      return;
    }
    taken++;
    assert.equal(parseTokenFile(formatTokenFile(entries)), entries);
    for (const { name, sha256: digest, allow, maxRequests = 1, requestsPerSecond = 1, bytesPerSecond = 1 } of entries) {
      assert.ok(name.length >= 1 && name.length <= 128);
      assert.ok(digest === undefined || /^[0-9a-f]{64}$/.test(digest));
      assert.ok(allow === undefined || allow.every((op) => typeof op === 'string'));
      for (const limit of [maxRequests, requestsPerSecond, bytesPerSecond]) assert.ok(limit > 0 && limit <= 1e12);
    }
  });
  assert.ok(taken > 0, 'some of the texts are files');
});

test.run();
