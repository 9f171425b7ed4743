import * as assert from 'uvu/assert';
import { Engine, type Envelope } from '../../src/engine/index.js';
import { operationMask } from '../../src/engine/layout.js';
import { frameBytesMaxDefault, inlineBytesMax } from '../../src/protocol/limits.js';
import { faultOf } from '../reference/compare.js';
import { expectBody, expectStream } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { answerWhole, EngineStream, firstFault } from '../support/stream.js';
import { suite } from '../support/suite.js';
import { frame, request, splitFrames } from '../support/wire.js';

const test = suite('engine: what its class promises');

/** An `echo` body of exactly so many bytes. */
function echoOfBytes(bodyBytes: number): Buffer {
  const empty = '{"id":"1","op":"echo","data":""}';
  return Buffer.from(empty.replace('""', `"${'x'.repeat(bodyBytes - empty.length)}"`));
}

for (const { name: build, module, engine } of builds) {
  test(`${build}: run() leaves an unfinished frame where it is`, () => {
    const [one, two] = [request('1', 'echo', '[1]'), request('2', 'echo', '[2]')];
    assert.is(engine.run(Buffer.concat([one, two.subarray(0, -1)])), one.length);
    assert.is(engine.stop, 'input');
    assert.is(splitFrames(Buffer.from(engine.replies)).bodies.length, 1);
    assert.is(engine.run(two.subarray(0, 3)), 0);
    assert.is(engine.stop, 'input');
    assert.is(engine.replies.length, 0);
    assert.is(engine.run(new Uint8Array(0)), 0);
    assert.is(engine.stop, 'input');
  });

  test(`${build}: a time that is too short or too long for a binary64 is meant, and never absent`, () => {
    for (const [text, timeoutMs] of [
      ['1e-400', Number.MIN_VALUE],
      ['0.00001e-999', Number.MIN_VALUE],
      ['1e400', Number.POSITIVE_INFINITY],
      ['0.5', 0.5],
    ] as const) {
      engine.run(frame(`{"id":"1","op":"mine","timeoutMs":${text}}`));
      assert.is(engine.handout(0).timeoutMs, timeoutMs, text);
    }
  });

  test(`${build}: a body at the inline limit is answered, one above it is the host's`, () => {
    const atLimit = frame(echoOfBytes(inlineBytesMax));
    assert.is(engine.run(atLimit), atLimit.length);
    assert.is(engine.stop, 'input');
    const above = frame(echoOfBytes(inlineBytesMax + 1));
    assert.is(engine.run(above.subarray(0, 4)), 0, 'the header alone says so');
    assert.is(engine.stop, 'large');
    assert.is(engine.run(Buffer.from('ffffffff', 'hex')), 0);
    assert.is(engine.stop, 'large');
    const small = request('1', 'echo');
    assert.is(engine.run(Buffer.concat([small, above])), small.length);
    assert.is(engine.stop, 'large');
    assert.is(splitFrames(Buffer.from(engine.replies)).bodies.length, 1);
  });

  test(`${build}: where the output is full, run() is called again`, () => {
    // Refusals are longer than the bodies that they answer, and an upper case may be three times as long.
    const growing = frame(`{"id":"1","op":"upper","data":"${'ΐ'.repeat(10_000)}"}`);
    for (const each of [frame('{'), frame(''), growing, frame(echoOfBytes(inlineBytesMax))]) {
      const stream = Buffer.concat(Array<Buffer>(Math.min(20_000, Math.ceil(400_000 / each.length))).fill(each));
      const fault = firstFault(new EngineStream(engine).feed(stream).answers, expectStream(stream));
      if (fault !== undefined) assert.unreachable(fault.slice(0, 500));
    }
  });

  test(`${build}: where the table of handouts is full, run() is called again`, () => {
    const stream = Buffer.concat(Array.from({ length: 5000 }, (_, index) => request(`${index}`, 'mine', `${index}`)));
    const { answers } = new EngineStream(engine).feed(stream);
    assert.is(answers.length, 5000);
    assert.is(firstFault(answers, expectStream(stream)), undefined);
    const ids = answers.map((answer) => (answer.kind === 'handout' ? answer.handout.id : ''));
    assert.equal(
      ids,
      Array.from({ length: 5000 }, (_, index) => `"${index}"`),
    );
  });

  test(`${build}: with handOutAll every valid request is handed out, and faults are still answered`, () => {
    const bodies = ['{"id":"1","op":"sum","data":[1,"2"]}', '{"id":"2","op":"echo"}', '{', '{"id":"3"}'];
    const stream = Buffer.concat(bodies.map(frame));
    assert.is(engine.run(stream, true), stream.length);
    assert.is(engine.handouts, 2);
    for (const index of [-1, 2, Number.NaN]) assert.throws(() => engine.handout(index), /^no handout .*: there are 2$/);
    const codes = splitFrames(Buffer.from(engine.replies)).bodies.map((body) => JSON.parse(body.toString()).code);
    assert.equal(codes, ['BAD_JSON', 'BAD_REQUEST']);
  });

  test(`${build}: answer() takes bodies up to the default limit, and keeps its memory for the next`, {
    timeoutMs: 60_000,
  }, () => {
    const own = new Engine(module);
    const large = echoOfBytes(frameBytesMaxDefault);
    const numbers = Buffer.from(`{"id":"1","op":"sum","data":[${'0.125,'.repeat(200_000)}0]}`);
    const text = Buffer.from(`{"id":"1","op":"upper","data":"${'straße '.repeat(100_000)}"}`);
    const cut = large.subarray(0, -1);
    for (const body of [large, numbers, text, cut, Buffer.from('{"id":"1","op":"echo","data":[]}'), large]) {
      const answer = answerWhole(own, body);
      const fault = faultOf(answer, expectBody(body));
      if (fault !== undefined) assert.unreachable(fault.slice(0, 500));
    }
    const small = request('1', 'echo', '"still here"');
    assert.is(own.run(small), small.length);
    assert.match(Buffer.from(own.replies).toString(), /"still here"/);
  });

  test(`${build}: an answer is a copy`, () => {
    const first = engine.answer(Buffer.from('{"id":"1","op":"echo","data":"first"}'));
    engine.answer(Buffer.from('{"id":"2","op":"echo","data":"other"}'));
    assert.match(first.kind === 'frame' ? Buffer.from(first.frame).toString() : '', /"id":"1".*"first"/);
  });

  test(`${build}: answer() names operation and code`, () => {
    const answer = (text: string) => {
      const { kind, ...rest } = engine.answer(Buffer.from(text));
      return 'op' in rest ? [kind, rest.op, rest.code] : [kind];
    };
    assert.equal(answer('{"id":"1","op":"echo"}'), ['frame', 'echo', undefined]);
    assert.equal(answer('{"id":"1","op":"$ping"}'), ['frame', '$ping', undefined]);
    assert.equal(answer('{"id":"1","op":"sum"}'), ['frame', 'sum', 'BAD_DATA']);
    assert.equal(answer('{"id":"1","op":"sum","data":[1e999]}'), ['frame', 'sum', 'OUT_OF_RANGE']);
    assert.equal(answer('{"id":"1","op":"mine"}'), ['handout']);
    assert.equal(answer('{}'), ['frame', 'unknown', 'BAD_REQUEST']);
  });

  test(`${build}: frames are counted by operation and outcome`, () => {
    const own = new Engine(module);
    const bodies = [
      '{"id":"1","op":"echo"}',
      '{"id":"1","op":"echo"}',
      '{',
      '{"id":"1","op":"sum"}',
      '{"id":"1","op":"x"}',
    ];
    for (const body of bodies) own.run(frame(body));
    const counted = own.counts().filter(({ count }) => count > 0);
    assert.equal(counted, [
      { op: 'unknown', outcome: 'BAD_JSON', count: 1 },
      { op: 'echo', outcome: 'ok', count: 2 },
      { op: 'sum', outcome: 'BAD_DATA', count: 1 },
    ]);
  });

  test(`${build}: peek() reads no token that the whole body does not have`, () => {
    const body = Buffer.from(
      '{ "x" : [ {} ], "timeoutMs" : 1234, "id" : "\\u0041b", "op" : "sum" , "traceparent":"00-1", "data" : [ 1, 2',
    );
    const token = (offset: number, length: number) => body.subarray(offset, offset + length).toString();
    const tokens = (envelope: Envelope) => ({
      id: token(envelope.idOffset, envelope.idLength),
      op: token(envelope.opOffset, envelope.opLength),
      timeoutMs: String(envelope.timeoutMs ?? ''),
      traceparent: token(envelope.traceparentOffset, envelope.traceparentLength),
    });
    const whole = { id: '"\\u0041b"', op: '"sum"', timeoutMs: '1234', traceparent: '"00-1"' };
    assert.equal(tokens(engine.peek(body)), whole);
    for (let length = 0; length < body.length; length++) {
      const seen = tokens(engine.peek(body.subarray(0, length)));
      for (const [name, text] of Object.entries(seen)) {
        const full = whole[name as keyof typeof whole];
        assert.ok(text === '' || text === full, `${name} is ${text} after ${length} bytes`);
        if (body.subarray(0, length).toString().includes(`${full} `)) assert.is(text, full);
      }
    }
  });

  test(`${build}: check() says where the fault is`, () => {
    const place = (text: string) => engine.check(Buffer.from(text));
    for (const text of ['1', ' {"a":[1,2,{}]} ', '"x"', 'null', '\n[]\n', '-0.5e+10']) assert.is(place(text), -1, text);
    assert.is(place(''), 0);
    assert.is(place('  '), 2);
    assert.is(place('[1,2'), 4);
    assert.is(place('[1,x]'), 3);
    assert.is(place('1 1'), 2);
    assert.is(place('nul'), 0);
    assert.is(place('"a\u0001"'), 2);
    assert.is(place('{"a" 1}'), 5);
    assert.is(place('1\0'), 1);
  });
}

for (const { name: build, module } of builds) {
  test(`${build}: requests for operations that are not allowed are handed out, faults are answered`, () => {
    const engine = new Engine(module);
    const bodies = ['echo', 'upper', 'sum', '$ping'].map((op) => `{"id":"${op}","op":"${op}","data":[1]}`);
    const frames = bodies.map((body) => Buffer.concat([Buffer.from([0, 0, 0, body.length]), Buffer.from(body)]));
    for (const allowed of ['echo', 'upper', 'sum', '$ping']) {
      for (const [index, frame] of frames.entries()) {
        const isAllowed = bodies[index]!.includes(`"${allowed}"`);
        engine.run(frame, false, operationMask([allowed]));
        assert.equal([engine.answered, engine.handouts], isAllowed ? [1, 0] : [0, 1]);
      }
    }
    engine.run(Buffer.from([0, 0, 0, 1, 0x7b]), false, 0);
    assert.equal([engine.answered, engine.handouts], [1, 0]);
    engine.run(frames[0]!, false, 0);
    assert.is(engine.handouts, 1);
    // A mask is for its call only.
    engine.run(frames[0]!);
    assert.is(engine.answered, 1);
    engine.run(frames[0]!, false, 0);
    assert.is(engine.answer(Buffer.from(bodies[0]!)).kind, 'frame');
  });
}

test.run();
