/** What the engine's methods do with arguments that are not what they take, or only look as if they were not. */
import { createContext, runInContext } from 'node:vm';
import * as assert from 'uvu/assert';
import { Engine, SumError } from '../../src/engine/index.js';
import { builds } from '../support/engines.js';
import { suite } from '../support/suite.js';
import { request } from '../support/wire.js';

const test = suite('engine: what its methods are given');

const { engine } = builds[0];
const body = Buffer.from('{"id":"1","op":"echo","data":"x"}');
const array = Buffer.from('[0.1, 0.2]');
const { bodyStateBytes } = engine;

/** Every method that takes bytes, with bytes that it takes. */
const takers: Record<string, { bytes: Uint8Array; call: (bytes: Uint8Array) => unknown }> = {
  run: { bytes: request('1', 'echo', '"x"'), call: (bytes) => engine.run(bytes) },
  answer: { bytes: body, call: (bytes) => engine.answer(bytes) },
  peek: { bytes: body, call: (bytes) => engine.peek(bytes) },
  check: { bytes: array, call: (bytes) => engine.check(bytes) },
  sum: { bytes: array, call: (bytes) => engine.sum(bytes) },
  'beginSum().push': { bytes: array, call: (bytes) => engine.beginSum().push(bytes).end() },
  sumResult: { bytes: engine.beginSum().push(array).end(), call: (bytes) => engine.sumResult(bytes) },
  mergeSums: { bytes: engine.beginSum().push(array).end(), call: (bytes) => engine.mergeSums(bytes, bytes) },
  'answerPart, the state before': {
    bytes: new Uint8Array(bodyStateBytes),
    call: (bytes) => engine.answerPart(bytes, new Uint8Array(bodyStateBytes), [body], false),
  },
  'answerPart, the state after': {
    bytes: new Uint8Array(bodyStateBytes),
    call: (bytes) => engine.answerPart(new Uint8Array(bodyStateBytes), bytes, [Buffer.from('{"op":"sum"')], false),
  },
  'answerPart, a piece': {
    bytes: Buffer.from('{"id":"1","op":"sum","data":[1]}'),
    call: (bytes) => {
      const state = new Uint8Array(bodyStateBytes);
      return engine.answerPart(state, state, [bytes], true);
    },
  },
};

function ofAnotherRealm(bytes: Uint8Array): Uint8Array {
  return runInContext('new Uint8Array(list)', createContext({ list: [...bytes] })) as Uint8Array;
}

function inSharedMemory(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

function transferredAway(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes);
  structuredClone(copy, { transfer: [copy.buffer] });
  return copy;
}

for (const [name, { bytes, call }] of Object.entries(takers)) {
  test(`${name} takes bytes of another realm, and bytes in shared memory`, () => {
    const plain = call(Uint8Array.from(bytes));
    assert.equal(call(ofAnotherRealm(bytes)), plain);
    assert.equal(call(inSharedMemory(bytes)), plain);
  });

  test(`${name} refuses bytes that were transferred away, which are not an empty array`, () => {
    assert.throws(
      () => call(transferredAway(bytes)),
      /as a Uint8Array; the memory of the one it was given was transferred/,
    );
  });

  test(`${name} refuses what is no Uint8Array with what it was given`, () => {
    const given: [unknown, string][] = [
      ['[1]', 'a string'],
      [undefined, 'undefined'],
      [null, 'null'],
      [[1], 'an Array'],
      [new ArrayBuffer(8), 'an ArrayBuffer'],
      [new Uint16Array(4), 'a Uint16Array'],
      [new DataView(new ArrayBuffer(8)), 'a DataView'],
      [Object.create(Uint8Array.prototype), 'an Object'],
    ];
    for (const [value, kind] of given) {
      try {
        call(value as Uint8Array);
      } catch (error) {
        assert.instance(error, TypeError);
        const { message } = error as TypeError;
        assert.ok(message.endsWith(`as a Uint8Array; it was given ${kind}`), message);
        continue;
      }
      assert.unreachable(`${kind} was taken`);
    }
  });
}

test('a state of a body has its length, and no other', () => {
  const state = new Uint8Array(bodyStateBytes);
  for (const wrong of [new Uint8Array(0), new Uint8Array(bodyStateBytes + 1)]) {
    for (const [from, to] of [
      [wrong, state],
      [state, wrong],
    ]) {
      assert.throws(
        () => engine.answerPart(from!, to!, [body], false),
        /takes a body's state of \d+ bytes; this one has/,
      );
    }
  }
});

test('an empty array is no array of numbers, and not an absent one', () => {
  assert.is(engine.run(new Uint8Array(0)), 0);
  assert.is(engine.check(new Uint8Array(0)), 0);
  assert.throws(
    () => engine.sum(new Uint8Array(0)),
    (error: unknown) => error instanceof SumError,
  );
});

test('an engine is made of a module, and only of its own', () => {
  for (const wrong of [undefined, {}, new Uint8Array(8)]) {
    assert.throws(() => new Engine(wrong as never), /^new Engine takes a WebAssembly.Module/);
  }
});

test('a body that no memory holds is refused with how much it would take, and the engine works on', () => {
  const own = new Engine(builds[0].module);
  const huge = new Uint8Array(1_500_000_000);
  assert.throws(() => own.answer(huge), /^the engine needs \d+ bytes of memory for this body and its reply: too many$/);
  assert.is(own.sum(array), '0.3');
});

test.run();
