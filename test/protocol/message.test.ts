import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { FrameReader } from '../../src/protocol/frame.js';
import { asResponse, encodeRequest, encodeRequestEnvelope, readReplyHead } from '../../src/protocol/message.js';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';

const test = suite('messages');

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The one body in the pieces of a frame, as text. */
function bodyOf(pieces: readonly Uint8Array[]): string {
  const reader = new FrameReader();
  const bodies = pieces.flatMap((piece) => reader.push(piece));
  assert.is(bodies.length, 1);
  return Buffer.from(bodies[0]!).toString();
}

test('a request says its id and its operation before its data', () => {
  assert.is(
    bodyOf(encodeRequest({ id: '1', op: 'sum', timeoutMs: 1.5, traceparent: '00-a' }, '[1]')),
    '{"id":"1","op":"sum","timeoutMs":1.5,"traceparent":"00-a","data":[1]}',
  );
});

test('a request without data has no such member', () => {
  assert.is(bodyOf(encodeRequest({ id: '1', op: '$ops' })), '{"id":"1","op":"$ops"}');
});

test('names with quotes and controls are escaped', () => {
  const id = 'a"\\\n\u2028\ud800';
  assert.equal(JSON.parse(bodyOf(encodeRequest({ id, op: id }, 'null'))), { id, op: id, data: null });
});

test('data is written byte for byte, as text, as bytes, and in an envelope, however large', () => {
  const small = '12345678901234567890.10';
  const large = JSON.stringify('ñ'.repeat(100_000));
  for (const data of [small, large]) {
    const expected = `{"id":"x","op":"echo","data":${data}}`;
    const request = { id: 'x', op: 'echo' };
    assert.ok(bodyOf(encodeRequest(request, data)) === expected);
    assert.ok(bodyOf(encodeRequest(request, bytes(data))) === expected);
    const { head, tail } = encodeRequestEnvelope(request, bytes(data).length);
    assert.ok(bodyOf([head, bytes(data), tail]) === expected);
  }
});

test('a small request is one piece, and large bytes are not copied', () => {
  assert.is(encodeRequest({ id: 'x', op: 'echo' }, bytes('1')).length, 1);
  const large = new Uint8Array(1_000_000);
  assert.is(encodeRequest({ id: 'x', op: 'echo' }, large)[1], large);
});

test('a request that no frame can hold is refused', () => {
  const fits = 0xffff_ffff - '{"id":"x","op":"sum","data":}'.length;
  assert.not.throws(() => encodeRequestEnvelope({ id: 'x', op: 'sum' }, fits));
  assert.throws(() => encodeRequestEnvelope({ id: 'x', op: 'sum' }, fits + 1), /does not fit a frame/);
});

test('id and ok are read without a look at what follows them', () => {
  assert.equal(readReplyHead(bytes('{"id":"7","ok":true,"result":!!')), { id: '7', ok: true });
  assert.equal(readReplyHead(bytes('{"id":null,"ok":false,"error":"x"')), { id: null, ok: false });
  assert.equal(readReplyHead(bytes(' {\n"id" : "a\\"\\u0062" ,\t"ok":true')), { id: 'a"b', ok: true });
  assert.equal(readReplyHead(Buffer.concat([bytes('{"id":"7","ok":true,"result":"'), Buffer.alloc(2000, 0xff)])), {
    id: '7',
    ok: true,
  });
});

test('id and ok are read from shared memory too, and what is no Uint8Array is refused', () => {
  const text = bytes('{"id":"7","ok":true,"result":1}');
  const shared = new Uint8Array(new SharedArrayBuffer(text.length));
  shared.set(text);
  assert.equal(readReplyHead(shared), { id: '7', ok: true });
  assert.throws(() => readReplyHead('{"id":"7","ok":true}' as never), /^readReplyHead takes a body as a Uint8Array/);
});

/** Any UTF-16, lone surrogates too. */
const anyString = fc.array(fc.nat(0xffff), { maxLength: 40 }).map((units) => String.fromCharCode(...units));

test('any id comes back from a reply, in compact and in spaced JSON', () => {
  fc.assert(
    fc.property(anyString, fc.boolean(), (id, ok) => {
      const reply = { id, ok, result: [1] };
      assert.equal(readReplyHead(bytes(JSON.stringify(reply))), { id, ok });
      assert.equal(readReplyHead(bytes(JSON.stringify(reply, null, 2))), { id, ok });
    }),
    fuzzed(2_000),
  );
});

test('what does not begin as a reply does is none', () => {
  const others = [
    '',
    '{',
    '[]',
    '{"id":7,"ok":true}',
    '{"ok":true,"id":"7"}',
    '{"id":"7"}',
    '{"id":"7","ok":1}',
    '{"id":"\\x","ok":true}',
    '{"id":"\n","ok":true}',
    '\ufeff{"id":"7","ok":true}',
    `{"id":"${'7'.repeat(2000)}","ok":true}`,
  ];
  for (const each of others) assert.is(readReplyHead(bytes(each)), undefined, each.slice(0, 40));
});

test('a value is a response only with the members of one', () => {
  const responses = [
    { id: '1', ok: true, result: null },
    { id: null, ok: false, error: 'e' },
    { id: '1', ok: false, error: 'e', code: 'BAD_DATA' },
  ];
  for (const each of responses) assert.is(asResponse(each), each);
  const others = [null, 1, [], {}, { id: '1', ok: true }, { id: null, ok: true, result: 1 }, { id: '1', ok: false }];
  for (const each of others) assert.is(asResponse(each), undefined);
});

test.run();
