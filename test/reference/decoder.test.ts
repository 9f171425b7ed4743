import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { frame } from '../support/wire.js';
import { asEcho, suiteCases } from '../vectors/json-test-suite.js';
import { bodyOf, cases } from '../vectors/protocol.js';
import { type Answer, faultOf } from './compare.js';
import { expectBody, expectStream } from './decoder.js';

const test = suite('reference decoder');

for (const each of cases) {
  test(`the oracle agrees with the table: ${each.name}`, () => {
    const expected = expectBody(bodyOf(each));
    if ('reply' in each.expect) {
      const answer: Answer = { kind: 'reply', body: Buffer.from(each.expect.reply) };
      assert.is(faultOf(answer, expected), undefined);
    } else if ('handout' in each.expect) {
      assert.is(expected.kind, 'handout');
      if (expected.kind !== 'handout') return;
      const latin1 = (text: string) => Buffer.from(text).toString('latin1');
      const { op, data, timeoutMs } = each.expect.handout;
      assert.is(expected.op, latin1(op));
      assert.is(expected.data, data === undefined ? undefined : latin1(data));
      assert.is(expected.timeoutMs, timeoutMs);
    } else {
      assert.is(expected.kind, 'error');
      if (expected.kind !== 'error') return;
      assert.equal(expected.codes, [each.expect.code]);
      assert.ok(expected.ids.includes(each.expect.id), `${each.expect.id} among ${expected.ids}`);
    }
  });
}

test('the names of the table are different', () => {
  assert.is(new Set(cases.map(({ name }) => name)).size, cases.length);
});

test('a stream is answered frame by frame, and a partial frame not at all', () => {
  const stream = Buffer.concat([...cases.map((each) => frame(bodyOf(each))), Buffer.from([0, 0, 0, 9, 0x7b])]);
  assert.equal(
    expectStream(stream),
    cases.map((each) => expectBody(bodyOf(each))),
  );
});

test('a wrong answer is seen', () => {
  const expected = expectBody(Buffer.from('{"id":"1","op":"echo","data":"é"}'));
  const answer = (text: string): Answer => ({ kind: 'reply', body: Buffer.from(text) });
  assert.is(faultOf(answer('{"id":"1","ok":true,"result":"é"}'), expected), undefined);
  assert.ok(faultOf(answer('{"id":"2","ok":true,"result":"é"}'), expected));
  assert.ok(faultOf(answer('{"id":"1","ok":true,"result":"e"}'), expected));
  assert.ok(faultOf(answer('{"id":"1","ok":false,"error":"x","code":"BAD_JSON"}'), expected));
  assert.ok(faultOf(undefined, expected));

  const refused = expectBody(Buffer.from('{'));
  assert.is(faultOf(answer('{"id":null,"ok":false,"error":"x","code":"BAD_JSON"}'), refused), undefined);
  assert.ok(faultOf(answer('{"id":null,"ok":false,"error":"x","code":"BAD_DATA"}'), refused));
  assert.ok(faultOf(answer('{"id":null,"ok":false,"error":"","code":"BAD_JSON"}'), refused));
  assert.ok(faultOf(answer('{"id":null,"ok":false,"code":"BAD_JSON","error":"x"}'), refused));
});

test('JSONTestSuite: y_ is taken verbatim, n_ is refused', () => {
  for (const { name, kind, text } of suiteCases) {
    const expected = expectBody(asEcho(text));
    if (kind === 'y') {
      assert.is(expected.kind === 'ok' && expected.result, Buffer.from(text).toString('latin1').trim(), name);
    }
    if (kind === 'n') assert.equal(expected.kind === 'error' && expected.codes, ['BAD_JSON'], name);
  }
});

// An extra where the very bytes are beside the project; never counted on.
const folder = fileURLToPath(new URL('../../../../shared/data/json-test-suite/test_parsing/', import.meta.url));
if (existsSync(folder)) {
  test('JSONTestSuite: the cases made by hand are the very bytes', () => {
    const names = readdirSync(folder);
    assert.is(suiteCases.length, names.length);
    for (const { name, text } of suiteCases) assert.ok(readFileSync(folder + name).equals(text), name);
  });
}

test.run();
