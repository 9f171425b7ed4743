import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type Answer, faultOf } from '../reference/compare.js';
import { expectBody, expectStream } from '../reference/decoder.js';
import { builds } from '../support/engines.js';
import { fuzzed } from '../support/seed.js';
import { answerWhole, cutAt, EngineStream, firstFault } from '../support/stream.js';
import { suite } from '../support/suite.js';
import { frame } from '../support/wire.js';
import { mutatedBody } from '../vectors/json.js';
import { numberTokens } from '../vectors/numbers.js';

const test = suite('engine: random input');

const cut = fc.double({ min: 0, max: 1, noNaN: true });
const stream = fc.tuple(fc.array(mutatedBody, { minLength: 1, maxLength: 4 }), fc.array(cut, { maxLength: 6 }));

/** Replies, then handouts: how the two are mixed is up to the cuts. */
const byKind = (answers: readonly Answer[]) => [
  ...answers.flatMap((answer) => (answer.kind === 'reply' ? Buffer.from(answer.body).toString('latin1') : [])),
  ...answers.flatMap((answer) => (answer.kind === 'handout' ? JSON.stringify(answer.handout) : [])),
];

test('mutated frames at random cuts are answered as the oracle says', { timeoutMs: 200_000 }, () => {
  fc.assert(
    fc.property(stream, ([bodies, cuts]) => {
      const bytes = Buffer.concat(bodies.map(frame));
      const expected = expectStream(bytes);
      const pieces = cutAt(
        bytes,
        cuts.map((part) => Math.floor(part * bytes.length)),
      );
      const uncut = byKind(new EngineStream(builds[0].engine).feed(bytes).answers);
      for (const { name, engine } of builds) {
        const fed = new EngineStream(engine);
        for (const piece of pieces) fed.feed(piece);
        assert.equal(
          byKind(fed.answers),
          uncut,
          `${name}: the cut shows in the answers to ${bytes.toString('latin1')}`,
        );
        const fault = firstFault(fed.answers, expected);
        if (fault !== undefined) assert.unreachable(`${name}: ${fault} in ${bytes.toString('latin1')}`);
      }
    }),
    fuzzed(10_000),
  );
});

test('rubbish between sound frames does no harm to them', { timeoutMs: 60_000 }, () => {
  const rubbish = fc.array(fc.uint8Array({ maxLength: 64 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(rubbish, (bodies) => {
      const ping = Buffer.from('{"id":"p","op":"$ping"}');
      const bytes = Buffer.concat(bodies.flatMap((body) => [frame(body), frame(ping)]));
      for (const { engine } of builds) {
        const fault = firstFault(new EngineStream(engine).feed(bytes).answers, expectStream(bytes));
        if (fault !== undefined) assert.unreachable(fault);
      }
    }),
    fuzzed(2_000),
  );
});

test('sums are those of the exact oracle, whatever the order of the numbers', { timeoutMs: 200_000 }, () => {
  const arrays = numberTokens.chain((tokens) =>
    fc.tuple(fc.constant(tokens), fc.shuffledSubarray(tokens, { minLength: tokens.length, maxLength: tokens.length })),
  );
  fc.assert(
    fc.property(arrays, ([tokens, shuffled]) => {
      const bodies = [
        `{"id":"1","op":"sum","data":[${tokens.join()}]}`,
        `{"id":"1","data":[ ${shuffled.join(' , ')} ],"op":"sum"}`,
      ].map((text) => Buffer.from(text));
      const expected = expectBody(bodies[0]!);
      for (const { name, engine } of builds) {
        for (const body of bodies) {
          const fault = faultOf(answerWhole(engine, body), expected);
          if (fault !== undefined) assert.unreachable(`${name}: ${body}: ${fault}`);
        }
      }
    }),
    fuzzed(5_000),
  );
});

test.run();
