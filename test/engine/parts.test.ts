import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { EchoAnswer, Engine, FrameAnswer } from '../../src/engine/index.js';
import { faultOf } from '../reference/compare.js';
import { expectBody } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { fuzzed } from '../support/seed.js';
import { answerWhole, cutAt } from '../support/stream.js';
import { suite } from '../support/suite.js';
import { splitFrames } from '../support/wire.js';
import { numberToken } from '../vectors/numbers.js';

const test = suite('engine: bodies in parts');

/** The body of the response to a body that is given in parts, and the index of the part that brought it. */
function answerParts(engine: Engine, parts: readonly Uint8Array[]): { reply: string; part: number } {
  const state = new Uint8Array(engine.bodyStateBytes);
  for (const [part, bytes] of parts.entries()) {
    // Another body's part in between leaves nothing.
    engine.answer(Buffer.from('{"id":"other","op":"sum","data":[1e300,1e-300,7]}'));
    const answer = engine.answerPart(state, state, [bytes], part === parts.length - 1);
    if (answer) {
      const frame = frameOf(answer, Buffer.concat(parts));
      return { reply: Buffer.from(splitFrames(frame).bodies[0]!).toString('latin1'), part };
    }
  }
  throw new Error('the last part was given, and there is no answer');
}

/** The whole reply frame. */
function frameOf(answer: FrameAnswer | EchoAnswer, body: Buffer): Buffer {
  if (answer.kind === 'frame') return Buffer.from(answer.frame);
  const { head, dataOffset, dataLength } = answer;
  return Buffer.concat([head, body.subarray(dataOffset, dataOffset + dataLength), Buffer.from('}')]);
}

const everyCut = (body: Uint8Array) => Array.from({ length: body.length + 1 }, (_, at) => cutAt(body, [at]));
const byteByByte = (body: Uint8Array) => Array.from(body, (_, at) => body.subarray(at, at + 1));

const long = (bytes: number) => '7'.repeat(bytes);
const request = (data: string) => `{"id":"a","op":"sum","data":${data}}`;

/** A body, what it is answered with, and what it shows. */
const cases: readonly (readonly [string, string, string])[] = [
  ['integers', request('[1,2,3,4]'), '{"id":"a","ok":true,"result":10.0}'],
  ['an empty array', request(' [ ] '), '{"id":"a","ok":true,"result":0.0}'],
  ['one number', request('[-12.5e-1]'), '{"id":"a","ok":true,"result":-1.25}'],
  [
    'white space everywhere',
    ' { "id" : "a" , "op" : "sum" , "data" : [ 1 ,\n2 , 3.5\t] } ',
    '{"id":"a","ok":true,"result":6.5}',
  ],
  ['escaped names', '{"\\u0069d":"a","\\u006fp":"sum","d\\u0061ta":[1]}', '{"id":"a","ok":true,"result":1.0}'],
  ['the id after the data', '{"op":"sum","data":[1,2],"id":"ü\\n"}', '{"id":"ü\\n","ok":true,"result":3.0}'],
  [
    'other members',
    '{"x":[{"y":"\\"€"},true,false,null,-1.5e3],"id":"a","op":"sum","data":[1],"z":{}}',
    '{"id":"a","ok":true,"result":1.0}',
  ],
  [
    'a letter',
    request('[1,2,x]'),
    '{"id":null,"ok":false,"error":"expected a JSON value at byte 33","code":"BAD_JSON"}',
  ],
  ['NaN', request('[NaN,1]'), '{"id":null,"ok":false,"error":"expected a JSON value at byte 29","code":"BAD_JSON"}'],
  [
    'a nested array',
    request('[1,[2],3]'),
    '{"id":"a","ok":false,"error":"sum takes an array of numbers: index 1, byte 3","code":"BAD_DATA"}',
  ],
  [
    'a string',
    request('[1,2, "a,b"]'),
    '{"id":"a","ok":false,"error":"sum takes an array of numbers: index 2, byte 6","code":"BAD_DATA"}',
  ],
  [
    'null',
    request('[1,null]'),
    '{"id":"a","ok":false,"error":"sum takes an array of numbers: index 1, byte 3","code":"BAD_DATA"}',
  ],
  [
    'a word that only begins like one',
    request('[1,nul]'),
    '{"id":null,"ok":false,"error":"expected a JSON value at byte 31","code":"BAD_JSON"}',
  ],
  [
    'a fault before the id',
    '{"op":"sum","data":[1,{"b":[2,3]},"c"],"id":"a"}',
    '{"id":"a","ok":false,"error":"sum takes an array of numbers: index 1, byte 3","code":"BAD_DATA"}',
  ],
  [
    'a number that is too large',
    request('[1,1e400]'),
    '{"id":"a","ok":false,"error":"a number has no finite binary64: index 1, byte 3","code":"OUT_OF_RANGE"}',
  ],
  [
    'a sum that is too large',
    request('[1e308,1e308]'),
    '{"id":"a","ok":false,"error":"the sum has no finite binary64","code":"OUT_OF_RANGE"}',
  ],
  [
    'no array',
    request('{"a":1}'),
    '{"id":"a","ok":false,"error":"sum takes an array of numbers as data","code":"BAD_DATA"}',
  ],
  [
    'no data',
    '{"id":"a","op":"sum"}',
    '{"id":"a","ok":false,"error":"sum takes an array of numbers as data","code":"BAD_DATA"}',
  ],
  ['no id', '{"op":"sum","data":[1]}', '{"id":null,"ok":false,"error":"the request has no id","code":"BAD_REQUEST"}'],
  [
    'a second data',
    '{"id":"a","op":"sum","data":[1], "data":[2]}',
    '{"id":"a","ok":false,"error":"a member appears twice at byte 33","code":"BAD_REQUEST"}',
  ],
  [
    'a second op',
    '{"id":"a","op":"sum","data":[1],"op":"sum"}',
    '{"id":"a","ok":false,"error":"a member appears twice at byte 32","code":"BAD_REQUEST"}',
  ],
  [
    'trailing junk',
    `${request('[1]')} ,`,
    '{"id":null,"ok":false,"error":"there is something after the JSON object at byte 33","code":"BAD_JSON"}',
  ],
  [
    'an end inside the array',
    '{"id":"a","op":"sum","data":[1,',
    '{"id":null,"ok":false,"error":"the body ends at byte 31, where it should go on: expected a JSON value","code":"BAD_JSON"}',
  ],
  [
    'an end inside a number',
    '{"id":"a","op":"sum","data":[1.',
    '{"id":null,"ok":false,"error":"the body ends at byte 31, where it should go on: expected a digit","code":"BAD_JSON"}',
  ],
  [
    'an end inside a string',
    '{"id":"a","x":"abc',
    '{"id":null,"ok":false,"error":"the body ends at byte 18, where it should go on: control character in a string","code":"BAD_JSON"}',
  ],
  [
    'bytes that are no UTF-8',
    '{"id":"a","op":"sum","x":"\xed\xa0\x80"}',
    '{"id":null,"ok":false,"error":"not UTF-8 at byte 26","code":"BAD_JSON"}',
  ],
  [
    'a time budget that is none',
    '{"id":"a","op":"sum","data":[1],"timeoutMs":0}',
    '{"id":"a","ok":false,"error":"timeoutMs must be a number above 0 at byte 44","code":"BAD_REQUEST"}',
  ],
  [
    'a time budget that is an object',
    '{"id":"a","op":"sum","timeoutMs":{"a":[1]},"data":[1]}',
    '{"id":"a","ok":false,"error":"timeoutMs must be a number above 0 at byte 33","code":"BAD_REQUEST"}',
  ],
  [
    'a trace context that is no string',
    '{"traceparent":5,"id":"a","op":"sum","data":[1]}',
    '{"id":"a","ok":false,"error":"traceparent must be a string at byte 15","code":"BAD_REQUEST"}',
  ],
  [
    'an id that is no string',
    '{"id":[5],"op":"sum","data":[1]}',
    '{"id":null,"ok":false,"error":"id must be a string at byte 6","code":"BAD_REQUEST"}',
  ],
];

/** Bodies of an `echo`, and what they show. */
const echoes: readonly (readonly [string, string])[] = [
  ['a string', '{"id":"a","op":"echo","data":"é\\u00e9\\n\\ud83d\\ude00 x"}'],
  ['a number', '{"id":"a","op":"echo","data":-12.50e+1}'],
  ['a literal', '{"id":"a","op":"echo","data": null}'],
  ['nested values', '{"id":"a","op":"echo","data":{"data":[{"op":"sum","id":1},[],{}," , "],"a":{"b":[[1]]}}}'],
  ['white space around the data', ' { "op" : "echo" , "data" : \t[ 1 , 2 ]\r\n , "id" : "ü" } \n'],
  ['the op after the data', '{"data":[1, 2] ,"id":"a","op":"echo"}'],
  ['no data', '{"id":"a","op":"echo"}'],
  ['a long string and a long name', `{"id":"a","${'n'.repeat(600)}":1,"op":"echo","data":"${'€'.repeat(300)}"}`],
  ['a bad escape', '{"id":"a","op":"echo","data":"\\x"}'],
  ['a comma too many', '{"id":"a","op":"echo","data":[1,]}'],
  ['no id', '{"op":"echo","data":[1]}'],
  ['data twice', '{"id":"a","op":"echo","data":1,"data":2}'],
  ['something after it', '{"id":"a","op":"echo","data":1}x'],
  ['an end that is missing', '{"id":"a","op":"echo","data":[1]'],
];

for (const { name: build, engine } of builds) {
  for (const [what, body, reply] of cases) {
    // Latin-1 where the bytes must not be UTF-8.
    const isUtf8 = !body.includes('\xed');
    const bytes = Buffer.from(body, isUtf8 ? 'utf8' : 'latin1');
    const expected = Buffer.from(reply).toString('latin1');
    test(`${build}: ${what}, cut at every byte, and into single bytes`, () => {
      for (const parts of [[bytes], byteByByte(bytes), ...everyCut(bytes)]) {
        assert.is(answerParts(engine, parts).reply, expected, `cut into ${parts.map((part) => part.length)}`);
      }
    });
  }

  test(`${build}: tokens longer than what is carried are read in pieces`, () => {
    const text = `é\\u00e9\\"${'x'.repeat(700)}€`;
    const digits = long(900);
    const longCases: readonly (readonly [string, string])[] = [
      [`{"${text}":"${text}","id":"a","op":"sum","data":[1]}`, '{"id":"a","ok":true,"result":1.0}'],
      [
        `{"x":-${digits}.${digits}e-${'0'.repeat(600)}5,"id":"a","op":"sum","data":[1]}`,
        '{"id":"a","ok":true,"result":1.0}',
      ],
      [
        request(`[${digits}e-900,0.${'0'.repeat(600)}1${digits}e601,-${digits}e-900]`),
        '{"id":"a","ok":true,"result":1.7777777777777777}',
      ],
      [request(`[0.${'0'.repeat(2000)},-0.${'0'.repeat(900)}e999999,2]`), '{"id":"a","ok":true,"result":2.0}'],
      [
        request(`[1,${digits}]`),
        '{"id":"a","ok":false,"error":"a number has no finite binary64: index 1, byte 3","code":"OUT_OF_RANGE"}',
      ],
      [
        request(`[1,${digits}.x]`),
        `{"id":null,"ok":false,"error":"expected a digit at byte ${32 + 900}","code":"BAD_JSON"}`,
      ],
      [
        `{"op":"sum","data":[1,${digits},[2]],"id":"a"}`,
        '{"id":"a","ok":false,"error":"a number has no finite binary64: index 1, byte 3","code":"OUT_OF_RANGE"}',
      ],
      [
        `{"id":"${long(600)}","op":"sum","data":[1]}`,
        '{"id":null,"ok":false,"error":"id is longer than 256 bytes at byte 6","code":"BAD_REQUEST"}',
      ],
      [
        `{"id":"a","op":"sum","data":[1],"op":"${long(600)}"}`,
        '{"id":"a","ok":false,"error":"a member appears twice at byte 32","code":"BAD_REQUEST"}',
      ],
      [
        `{"id":"a","op":"sum","timeoutMs":0.${long(600)},"data":[1]}`,
        '{"id":"a","ok":false,"error":"timeoutMs must be a number above 0 at byte 33","code":"BAD_REQUEST"}',
      ],
    ];
    for (const [body, reply] of longCases) {
      const bytes = Buffer.from(body);
      for (const parts of [[bytes], byteByByte(bytes), cutAt(bytes, [600, 1200]), cutAt(bytes, [bytes.length - 3])]) {
        assert.is(answerParts(engine, parts).reply, reply, `${body.slice(0, 40)}… cut into ${parts.length}`);
      }
    }
  });

  test(`${build}: a fault is answered as soon as it is certain, and the rest is not wanted`, () => {
    const body = Buffer.from(request(`[1,"x",${'1,'.repeat(100)}1]`));
    assert.is(answerParts(engine, cutAt(body, [40, 80])).part, 0);
    assert.is(answerParts(engine, cutAt(Buffer.from('{"op":"sum","data":["x"],"z":1,"id":"a"}'), [30, 38])).part, 2);
  });

  test(`${build}: a request for something else is nothing for it`, () => {
    const state = new Uint8Array(engine.bodyStateBytes);
    const body = Buffer.from('{"id":"a","op":"upper","data":"x"}');
    assert.throws(() => engine.answerPart(state, state, [body], true), /only an echo, or a sum/);
  });

  for (const [what, body] of echoes) {
    test(`${build}: an echo in parts, ${what}, is answered as a whole one is`, () => {
      const bytes = Buffer.from(body);
      const expected = answerWhole(engine, bytes);
      assert.is(expected.kind, 'reply');
      const reply = expected.kind === 'reply' ? Buffer.from(expected.body).toString('latin1') : '';
      for (const parts of [[bytes], byteByByte(bytes), ...everyCut(bytes)]) {
        assert.is(answerParts(engine, parts).reply, reply, `cut into ${parts.map((part) => part.length)}`);
      }
    });
  }
}

test('arrays of any numbers, cut anywhere, are answered as the oracle says', { timeoutMs: 200_000 }, () => {
  const space = fc.constantFrom('', '', ' ', '\n  ');
  const item = fc.oneof(
    { weight: 40, arbitrary: numberToken },
    { weight: 1, arbitrary: fc.constantFrom('"s,"', '[1]', 'nul', 'true', '{"a":1}', '1.', '-', '01', '1e400') },
  );
  const body = fc
    .tuple(
      fc.array(fc.tuple(space, item, space), { maxLength: 60 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
    )
    .map(([items, cuts]) => {
      const bytes = Buffer.from(request(`[${items.map((each) => each.join('')).join(',')}]`));
      return { bytes, cuts: cuts.map((cut) => Math.floor(cut * bytes.length)) };
    });
  fc.assert(
    fc.property(body, ({ bytes, cuts }) => {
      for (const { engine } of builds) {
        const whole = answerParts(engine, [bytes]).reply;
        assert.is(answerParts(engine, cutAt(bytes, cuts)).reply, whole);
        assert.is(answerParts(engine, byteByByte(bytes)).reply, whole);
        const expected = expectBody(bytes);
        // Of several faults the first is told, where the oracle lets one of the grammar go first.
        const isEarly = expected.kind === 'error' && expected.codes.includes('BAD_JSON') && !whole.includes('BAD_JSON');
        if (!isEarly) assert.is(faultOf({ kind: 'reply', body: Buffer.from(whole, 'latin1') }, expected), undefined);
      }
    }),
    fuzzed(600),
  );
});

/** The engine takes so many bytes at once; longer pieces are cut there. */
const sliceBytes = 65_536;

/** A body in which the end of the engine's first slice cuts `token` after `before` bytes. */
function across(token: string, before: number, isInData: boolean): Buffer {
  const bytes = Buffer.from(token);
  const start = isInData ? '{"id":"a","op":"sum","data":[1,' : '{"id":"a","op":"sum","x":[';
  const room = sliceBytes - before - start.length;
  const filler = isInData ? ' '.repeat(room % 4) + '1.5,'.repeat(Math.floor(room / 4)) : `${' '.repeat(room - 1)} `;
  const after = isInData ? `,${'2,'.repeat(40_000)}3]}` : `],"data":[${'2,'.repeat(40_000)}3]}`;
  return Buffer.concat([Buffer.from(start + filler), bytes, Buffer.from(after)]);
}

test('a token that the end of a slice cuts is read as anywhere else, wherever it is cut', () => {
  const { engine } = builds[0]!;
  const inData = [
    '-123.456789e-10',
    '12345678901234567890.5',
    '0',
    '1e400',
    '-',
    '01',
    '1.',
    'true',
    'nul',
    '"é,€"',
    '[1]',
  ];
  const outside = ['"é€😀\\u00e9\\\\\\"\\ud83d"', 'false', 'nulll', '-0.5E+7', '{"a":[{}]}', '"\\u00g0"', '"\t"'];
  for (const [tokens, isInData] of [
    [inData, true],
    [outside, false],
  ] as const) {
    for (const token of tokens) {
      for (let before = 0; before <= Buffer.byteLength(token); before++) {
        const body = across(token, before, isInData);
        const expected = answerWhole(engine, body);
        const reply = expected.kind === 'reply' ? Buffer.from(expected.body).toString('latin1') : 'handed out';
        for (const cuts of [[], [sliceBytes], [sliceBytes - 1], [sliceBytes + 1], [sliceBytes - 100, 2 * sliceBytes]]) {
          assert.is(
            answerParts(engine, cutAt(body, cuts)).reply,
            reply,
            `${token}, ${before} bytes before, cut at ${cuts}`,
          );
        }
      }
    }
  }
});

test('a part leaves the state before it as it was, and run again, by any build, it leaves the same state', () => {
  const items = Array.from(
    { length: 30_000 },
    (_, index) => `${index % 7 ? '-' : ''}${index}.${index * 7919}e${(index % 300) - 150}`,
  );
  const body = Buffer.from(request(`[${items.join(', ')}]`));
  const expected = answerWhole(builds[0]!.engine, body);
  let from = new Uint8Array(builds[0]!.engine.bodyStateBytes);
  const parts = cutAt(
    body,
    Array.from({ length: 12 }, (_, index) => 29_989 * (index + 1)),
  );
  for (const [index, part] of parts.entries()) {
    const before = from.slice();
    const runs = [...builds, ...builds].map(({ engine }) => {
      const to = new Uint8Array(from.length).fill(0xa5);
      const answer = engine.answerPart(from, to, [part], index === parts.length - 1);
      assert.equal(from, before, 'the state before is not written to');
      return answer ? frameOf(answer, body) : Buffer.from(to);
    });
    assert.ok(
      runs.every((run) => run.equals(runs[0]!)),
      `part ${index}`,
    );
    from = new Uint8Array(runs[0]!);
  }
  assert.equal(expected, { kind: 'reply', body: Buffer.from(from.subarray(4)) });
});

test.run();
