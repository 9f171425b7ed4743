import * as assert from 'uvu/assert';
import type { Answer } from '../reference/compare.js';
import { expectStream } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { answerWhole, cutAt, EngineStream, firstFault } from '../support/stream.js';
import { suite } from '../support/suite.js';
import { frame } from '../support/wire.js';
import { bodyOf, type Case, cases } from '../vectors/protocol.js';

const test = suite('engine: the case table');

const bytewise = (stream: Uint8Array) => Array.from(stream, (_, index) => stream.subarray(index, index + 1));
const ping = frame('{"id":"next","op":"$ping"}');
const pong = '{"id":"next","ok":true,"result":{"pong":true}}';
const textOf = (answer: Answer | undefined) => (answer?.kind === 'reply' ? Buffer.from(answer.body).toString() : '');

/** Holds an answer to what the table says, literally. */
function check(answer: Answer | undefined, { expect }: Case): void {
  const latin1 = (text: string | undefined) => text && Buffer.from(text).toString('latin1');
  if ('reply' in expect) {
    assert.is(textOf(answer), expect.reply);
  } else if ('handout' in expect) {
    const { op, data, timeoutMs } = expect.handout;
    assert.equal(answer, { kind: 'handout', handout: { id: '"1"', op: latin1(op), data: latin1(data), timeoutMs } });
  } else {
    const text = textOf(answer);
    assert.ok(text.startsWith(`{"id":${expect.id},"ok":false,"error":"`), text);
    const { error, code } = JSON.parse(text) as { error: string; code: string };
    assert.is(code, expect.code);
    assert.match(error, expect.says);
  }
}

for (const { name, engine } of builds) {
  for (const each of cases) {
    test(`${name}: ${each.name}`, { timeoutMs: 60_000 }, () => {
      const stream = Buffer.concat([frame(bodyOf(each)), ping]);
      const whole = new EngineStream(engine).feed(stream).answers;
      const own = 'handout' in each.expect ? whole.find(({ kind }) => kind === 'handout') : whole[0];
      check(own, each);
      assert.is(textOf(whole.find((answer) => answer !== own)), pong);
      assert.is(whole.length, 2);

      const pieces = [bytewise(stream), ...bytewise(stream).map((_, offset) => cutAt(stream, [offset]))];
      for (const [index, cut] of pieces.entries()) {
        const fed = new EngineStream(engine);
        for (const piece of cut) fed.feed(piece);
        assert.is(fed.restBytes, 0);
        const answers = fed.answers.sort((a) => (a === own || textOf(a) !== pong ? -1 : 1));
        assert.is(answers.length, 2, `cut ${index}`);
        assert.equal(answers[0], own, `cut ${index}`);
        assert.is(textOf(answers[1]), pong, `cut ${index}`);
      }
      assert.equal(answerWhole(engine, bodyOf(each)), own, 'answer() says the same as run()');
    });
  }

  test(`${name}: all cases one after the other, cut at every byte`, { timeoutMs: 60_000 }, () => {
    const short = cases.filter((each) => bodyOf(each).length < 120);
    const stream = Buffer.concat(short.map((each) => frame(bodyOf(each))));
    const expected = expectStream(stream);
    assert.is(expected.length, short.length);
    for (let offset = 0; offset <= stream.length; offset++) {
      const fed = new EngineStream(engine);
      for (const piece of cutAt(stream, [offset])) fed.feed(piece);
      assert.is(firstFault(fed.answers, expected), undefined, `cut at ${offset}`);
    }
  });
}

test.run();
