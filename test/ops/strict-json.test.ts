import { runInNewContext } from 'node:vm';
import * as assert from 'uvu/assert';
import { guardJson, JsonFaultError, stringifyStrictly } from '../../src/ops/strict-json.js';
import { suite } from '../support/suite.js';

const test = suite('strict JSON');

class Point {
  x = 1;
  #hidden = 2;
  get sum() {
    return this.x + this.#hidden;
  }
}
class Sealed {
  #hidden = 2;
  get hidden() {
    return this.#hidden;
  }
}
class Money {
  toJSON() {
    return { cents: 100 };
  }
}

const shared = { a: 1 };
const inCycle: { list: unknown[] } = { list: [1] };
inCycle.list.push({ back: inCycle });
const toItself: unknown[] = [];
toItself.push(toItself);
const deep = { at: [{ 'two words': { ä: [new Map()] } }] };
const farDown = (depth: number, end: unknown): unknown => {
  let value: unknown = end;
  for (let n = 0; n < depth; n += 1) value = { n: value };
  return value;
};

/** What JSON says as it is, and what it says of it. */
const said: [value: unknown, json: string | undefined][] = [
  [undefined, undefined],
  [null, 'null'],
  [-0, '0'],
  ['null {}', '"null {}"'],
  [{}, '{}'],
  [Object.create(null), '{}'],
  [{ a: undefined, b: Symbol('x') }, '{}'],
  [[null, {}, [], 'x', true], '[null,{},[],"x",true]'],
  [{ a: null, b: [shared, shared] }, '{"a":null,"b":[{"a":1},{"a":1}]}'],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  [new Point(), '{"x":1}'],
  [[new Money(), null], '[{"cents":100},null]'],
  [Object.assign(new Map(), { toJSON: () => 'mine' }), '"mine"'],
  [Object.assign(() => 1, { toJSON: () => null }), 'null'],
  [[new Number(1), new String('a'), new Boolean(false), null], '[1,"a",false,null]'],
  [runInNewContext('({ a: [null, {}] })'), '{"a":[null,{}]}'],
  [new Proxy({ a: null }, {}), '{"a":null}'],
  [farDown(500, null), `${'{"n":'.repeat(500)}null${'}'.repeat(500)}`],
  // Bytes.
  [Buffer.from('hello'), '"aGVsbG8="'],
  [new Uint8Array(0), '""'],
  [{ a: [new Uint8Array([255, 254]), null] }, '{"a":["//4=",null]}'],
  [new Uint8Array([9, 1, 2, 9]).subarray(1, 3), '"AQI="'],
  [new Uint8ClampedArray([1]), '"AQ=="'],
  [new Uint8Array([1, 2]).buffer, '"AQI="'],
  [new Uint8Array(new SharedArrayBuffer(1)), '"AA=="'],
  [Object.assign(new Uint8Array(1), { toJSON: () => 'own' }), '"own"'],
  [{ a: { toJSON: () => Buffer.from('hello') } }, '{"a":"aGVsbG8="}'],
  [[{ toJSON: () => new Uint8Array(0) }, { toJSON: () => new Uint8Array([1, 2]).buffer }], '["","AQI="]'],
  [Object.assign(new Uint8Array(1), { toJSON: () => new Uint8Array([1, 2]) }), '"AQI="'],
  [{ a: runInNewContext('new Uint8Array([1, 2])'), b: new Uint8Array([3]) }, '{"a":"AQI=","b":"Aw=="}'],
  [[runInNewContext('new Uint8ClampedArray([1, 2]).buffer'), new Point(), null], '["AQI=",{"x":1},null]'],
  [Object.assign(new Point(), { 0: 'a', at: [new Date(0)] }), '{"0":"a","x":1,"at":["1970-01-01T00:00:00.000Z"]}'],
];

/** What it cannot say, with the words for it. */
const faults: [value: unknown, words: string | RegExp][] = [
  [Number.NaN, /^result is NaN; /],
  [[1, Number.POSITIVE_INFINITY], /^result\[1\] is Infinity; /],
  [{ a: { b: Number.NEGATIVE_INFINITY } }, /^result\.a\.b is -Infinity; /],
  [{ items: [0, 1, 2, { tags: new Map() }] }, /^result\.items\[3\]\.tags is a Map; Object\.fromEntries/],
  [deep, 'result.at[0]["two words"]["ä"][0] is a Map; Object.fromEntries(it) is an object that can be sent'],
  [new Set([1]), /^result is a Set; /],
  [{ m: runInNewContext('new Map()') }, /^result\.m is a Map; /],
  [Object.assign(new Map(), { extra: 1 }), /^result is a Map; /],
  [{ n: [1n] }, /^result\.n\[0\] is a BigInt; /],
  [() => 1, /^result is a function; is a call of it missing\?$/],
  [{ a: 1, count: [].at }, /^result\.count is a function/],
  [[Symbol('x')], /^result\[0\] is a symbol/],
  [Symbol('x'), /^result is a symbol/],
  [[1, undefined], /^result\[1\] is undefined; /],
  [new Array(1), /^result\[0\] is undefined; /],
  [{ at: new Date(Number.NaN) }, 'result.at is an invalid Date'],
  [{ rows: Promise.resolve() }, /^result\.rows is a promise; is an await missing\?/],
  [{ re: /x/ }, /^result\.re is a regular expression/],
  [[Object.assign(new Error('x'), { code: 'E' })], /^result\[0\] is an error/],
  [{ f: new Float64Array(2) }, /^result\.f is a Float64Array; Array\.from/],
  [new DataView(new ArrayBuffer(1)), /^result is a DataView/],
  [new WeakMap(), 'result is a WeakMap'],
  [new WeakSet(), 'result is a WeakSet'],
  [new Sealed(), 'result is a Sealed without members; give its class a toJSON, or return its parts'],
  [[new Map([[1, 2]]).values()], /^result\[0\] is an? .* without members; /],
  [new URLSearchParams('a=1'), /^result is a URLSearchParams without members/],
  [[new Number(Number.NaN)], 'result[0] is not a finite number'],
  [{ a: { toJSON: () => [Number.NaN] } }, /^result\.a\[0\] is NaN/],
  [{ a: [{ toJSON: () => new Float64Array(2) }] }, /^result\.a\[0\] is a Float64Array; Array\.from/],
  [runInNewContext('[new Int8Array(1)]'), /^result\[0\] is an Int8Array; Array\.from/],
  [inCycle, 'result.list[1].back is result again, in which it is'],
  [{ a: toItself }, 'result.a[0] is result.a again, in which it is'],
  [farDown(500, Number.NaN), /^result(\.n){97}.*….*(\.n)+ is NaN/],
];

function faultOf(value: unknown): string {
  try {
    return `written: ${stringifyStrictly(value, 'result')}`;
  } catch (error) {
    assert.ok(JsonFaultError.isOne(error), String(error));
    return (error as Error).message;
  }
}

/** All of it is the same with the hidden `toJSON`, which cannot be taken back, and before. */
for (const when of ['before the types are guarded', 'when they are']) {
  test(`${when}, what JSON can say is said`, () => {
    if (when === 'when they are') guardJson();
    for (const [value, json] of said) assert.is(stringifyStrictly(value, 'result'), json);
  });

  test(`${when}, what it cannot say is an error that names the place`, () => {
    for (const [value, words] of faults) {
      const fault = faultOf(value);
      if (typeof words === 'string') assert.is(fault, words);
      else assert.match(fault, words);
    }
  });

  test(`${when}, a value that is nested too deeply is told so, where V8 has not the room to write it`, () => {
    const fault = faultOf(farDown(100_000, 1));
    assert.ok(fault === 'result is nested too deeply' || fault.startsWith('written: {"n":{"n":'), fault.slice(0, 100));
    assert.match(faultOf(farDown(100_000, Number.NaN)), /^result(\.n|….* is NaN| is nested too deeply)/);
  });

  test(`${when}, a value whose toJSON makes ever more of it is not searched once the stack is full`, () => {
    let calls = 0;
    const callsMax = 200_000;
    const one: object = { toJSON: () => (++calls < callsMax ? { other } : 1) };
    const other: object = { toJSON: () => (++calls < callsMax ? { one } : 1) };
    const fault = faultOf(one);
    // A V8 that needs no stack for it comes to the end.
    if (fault.startsWith('written: {"other":{"one":')) return;
    assert.is(fault, 'result is nested too deeply');
    assert.ok(calls < callsMax, `${calls} calls`);
  });

  test(`${when}, what a getter or a toJSON throws comes out as it is`, () => {
    const thrown = new Error('looked at');
    const explode = () => {
      throw thrown;
    };
    for (const value of [
      { toJSON: explode },
      { a: [Object.defineProperty({}, 'x', { enumerable: true, get: explode })] },
    ]) {
      assert.throws(
        () => stringifyStrictly(value, 'result'),
        (error: unknown) => error === thrown,
      );
    }
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    assert.throws(() => stringifyStrictly({ proxy }, 'result'), /revoked/);
  });
}

test('built-ins that users’ code has replaced change nothing of what is told', () => {
  const lie = (): never => {
    throw new TypeError('replaced');
  };
  const owners: [owner: object, names: string[]][] = [
    [RegExp.prototype, ['exec', 'test']],
    [Set.prototype, ['add', 'has', 'delete']],
    [globalThis, ['Set', 'String', 'Error', 'RangeError']],
  ];
  const values = [deep, { list: [new Sealed()] }, [new Error('x')], inCycle, farDown(100_000, 1)];
  const expected = values.map(faultOf);
  const told: unknown[] = [];
  const before = owners.map(([owner]) => Object.getOwnPropertyDescriptors(owner) as PropertyDescriptorMap);
  for (const [owner, names] of owners) for (const name of names) Object.defineProperty(owner, name, { value: lie });
  for (let at = 0; at < values.length; at += 1) {
    try {
      told[at] = `written: ${stringifyStrictly(values[at], 'result')}`;
    } catch (error) {
      told[at] = JsonFaultError.isOne(error) ? error.message : error;
    }
  }
  for (const [at, [owner, names]] of owners.entries())
    for (const name of names) Object.defineProperty(owner, name, before[at]![name]!);
  assert.equal(told, expected);
});

test('where nobody asks for it, the guarded types are written as ever', () => {
  assert.is(
    JSON.stringify([new Map(), Buffer.from('x'), new Uint8Array(1), () => 1]),
    '[{},{"type":"Buffer","data":[120]},{"0":0},null]',
  );
  assert.is(JSON.stringify({ f: () => 1 }), '{}');
});

test.run();
