/**
 * Sums of random arrays against the oracle, to the last bit: as a frame that is cut anywhere, shuffled, through
 * `engine.sum`, and divided into parts that are merged in any order. TRAMA_TEST_FULL=1 takes 100,000 arrays.
 */
import * as assert from 'uvu/assert';
import { type Engine, SumError } from '../../src/engine/index.js';
import { addDecimals, roundSum, type SumOutcome } from '../reference/exact-sum.js';
import { stateBytes } from '../reference/sum-state.js';
import { builds } from '../support/engines.js';
import { Random } from '../support/random.js';
import { forSeeds } from '../support/seed.js';
import { cutAt, EngineStream } from '../support/stream.js';
import { suite } from '../support/suite.js';
import { frame } from '../support/wire.js';
import { arrayText, sumFamilies, sumTokens } from '../vectors/sums.js';

const test = suite('engine: random sums');

const bytesOf = (text: string) => Buffer.from(text);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** The text, or the code of what was thrown. */
function outcomeOf(action: () => string): string {
  try {
    return action();
  } catch (error) {
    if (error instanceof SumError) return error.code;
    throw error;
  }
}

const wantedText = (outcome: SumOutcome) => (outcome.kind === 'ok' ? outcome.text : 'OUT_OF_RANGE');

/** The result or the code of a `sum` that comes as a frame in random pieces. */
function throughStream(engine: Engine, random: Random, array: string): string {
  const bytes = frame(`{"id":"1","op":"sum","data":${array}}`);
  const cuts = Array.from({ length: random.integer(0, 5) }, () => random.integer(0, bytes.length));
  const stream = new EngineStream(engine);
  for (const piece of cutAt(bytes, cuts)) stream.feed(piece);
  const [answer, ...others] = stream.answers;
  if (answer?.kind !== 'reply' || others.length > 0 || stream.restBytes > 0) throw new Error('not one reply');
  const reply = Buffer.from(answer.body).toString();
  const found = /^\{"id":"1","ok":true,"result":(.*)\}$/.exec(reply) ?? /"code":"(\w+)"\}$/.exec(reply);
  return found?.[1] ?? reply;
}

/** The state of the numbers when several builders share them, and their states are merged in any order. */
function throughParts(engine: Engine, random: Random, tokens: readonly string[]): Uint8Array {
  const cuts = Array.from({ length: random.integer(0, 6) }, () => random.integer(0, tokens.length));
  const edges = [0, ...cuts.sort((a, b) => a - b), tokens.length];
  const parts = edges.slice(1).map((end, index) => tokens.slice(edges[index], end));
  const builders = Array.from({ length: random.integer(1, 4) }, () => engine.beginSum());
  for (const part of random.shuffled(parts)) random.pick(builders).push(bytesOf(arrayText(random, part)));
  const states = builders.map((builder) => builder.end());
  while (states.length > 1) {
    const [a, b] = [0, 1].map(() => states.splice(random.integer(0, states.length - 1), 1)[0]!);
    states.push(engine.mergeSums(a!, b!));
  }
  return states[0]!;
}

function check(tokens: readonly string[], random: Random): void {
  const exact = addDecimals(tokens);
  const wanted = exact === undefined ? 'OUT_OF_RANGE' : wantedText(roundSum(exact));
  const shuffled = random.shuffled(tokens);
  for (const { name, engine } of builds) {
    const say = (what: string) => `${name}: ${what} of ${arrayText(new Random(0), tokens).slice(0, 3000)}`;
    assert.is(throughStream(engine, random, arrayText(random, tokens)), wanted, say('the cut frame'));
    assert.is(throughStream(engine, random, `[${shuffled.join()}]`), wanted, say('the shuffled frame'));
    const own = outcomeOf(() => engine.sum(bytesOf(arrayText(random, shuffled))));
    assert.is(own, wanted, say('engine.sum'));
    if (exact === undefined) {
      assert.is(
        outcomeOf(() => hex(throughParts(engine, random, tokens))),
        'OUT_OF_RANGE',
        say('the parts'),
      );
      continue;
    }
    const state = throughParts(engine, random, tokens);
    assert.is(hex(state), hex(stateBytes(exact)), say('the state'));
    assert.is(
      outcomeOf(() => engine.sumResult(state)),
      wanted,
      say('the text of the state'),
    );
  }
}

// Debug builds check their own invariants and are not optimised: both take all arrays.
test('arrays of every kind, cut, shuffled, in parts', { timeoutMs: 1_200_000 }, () => {
  forSeeds(5000, 100_000, (seed) => {
    const random = new Random(seed);
    check(sumTokens(random), random);
  });
});

for (const [name, family] of Object.entries(sumFamilies)) {
  test(`one kind alone: ${name}`, () => {
    forSeeds(20, 200, (seed) => {
      const random = new Random(seed);
      check(family(random), random);
    });
  });
}

test('a million equal terms are that term times a million', { timeoutMs: 60_000 }, () => {
  for (const term of ['0.1', '-7', '1e-1200', '1.7976931348623157e302', '12345678901234567890.5', '5e-324', '-0']) {
    const array = bytesOf(`[${`${term},`.repeat(999_999)}${term}]`);
    const exact = addDecimals([/e/.test(term) ? term.replace(/-?\d+$/, (e) => `${Number(e) + 6}`) : `${term}e6`])!;
    for (const { name, engine } of builds) {
      const state = engine.beginSum().push(array).end();
      assert.is(hex(state), hex(stateBytes(exact)), `${name}: ${term}`);
      assert.is(engine.sum(array), wantedText(roundSum(exact)), `${name}: ${term}`);
    }
  }
});

test('a million tails are counted', { timeoutMs: 60_000 }, () => {
  const array = bytesOf(`[${'1e-1201,'.repeat(999_999)}-1e-1201,9007199254740993]`);
  for (const { name, engine } of builds) {
    const state = engine.beginSum().push(array).end();
    assert.is(hex(state), hex(stateBytes({ digits: 9007199254740993n, exponent: 0, tails: 999_998 })), name);
    assert.is(engine.sumResult(state), '9007199254740994.0', name);
  }
});

test.run();
