/** Sums without a server: what `engine.sum`, builders and states promise, and what they refuse. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { Engine, loadEngine, SumError } from '../../src/engine/index.js';
import { RequestError } from '../../src/errors.js';
import { builds } from '../support/engines.js';
import { Random } from '../support/random.js';
import { forSeeds } from '../support/seed.js';
import { suite } from '../support/suite.js';

const test = suite('engine: sums as values');

const bytesOf = (text: string) => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const state = (text: string) => Uint8Array.from(Buffer.from(text.replace(/[^0-9a-f]/g, ''), 'hex'));
const bigBytes = (value: bigint) => {
  const digits = value.toString(16);
  return digits.padStart(digits.length + (digits.length % 2), '0');
};

function thrownBy(action: () => unknown): SumError {
  try {
    action();
  } catch (error) {
    if (error instanceof SumError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const zeroState = '01 00 0000 0000000000000000';

/** Faults of a text: its code, the index of the item, the offset of the byte. */
const faults: readonly (readonly [text: string, code: string, index: number | undefined, offset: number])[] = [
  ['[1,"2",3]', 'BAD_DATA', 1, 3],
  [' [ 1 , null ]', 'BAD_DATA', 1, 7],
  ['[1,[2]]', 'BAD_DATA', 1, 3],
  ['["é",1]', 'BAD_DATA', 0, 1],
  ['{"a":[1]}', 'BAD_DATA', undefined, 0],
  ['\n17', 'BAD_DATA', undefined, 1],
  ['[1,1e309]', 'OUT_OF_RANGE', 1, 3],
  ['[1e309,-1e309]', 'OUT_OF_RANGE', 0, 1],
  ['[-1e99999999999999999999]', 'OUT_OF_RANGE', 0, 1],
  [`[${'1,'.repeat(5000)}2e308]`, 'OUT_OF_RANGE', 5000, 10_001],
  [`[${'1,'.repeat(5000)}true]`, 'BAD_DATA', 5000, 10_001],
  [`[${'1,'.repeat(5000)}tru]`, 'BAD_JSON', 5000, 10_001],
  ['', 'BAD_JSON', undefined, 0],
  ['  ', 'BAD_JSON', undefined, 2],
  ['[', 'BAD_JSON', 0, 1],
  ['[1', 'BAD_JSON', 0, 2],
  ['[1,', 'BAD_JSON', 1, 3],
  ['[1,]', 'BAD_JSON', 1, 3],
  ['[,1]', 'BAD_JSON', 0, 1],
  ['[1 2]', 'BAD_JSON', 0, 3],
  ['[1}', 'BAD_JSON', 0, 2],
  ['[1,02]', 'BAD_JSON', 1, 4],
  ['[1,2.]', 'BAD_JSON', 1, 5],
  ['[1,-]', 'BAD_JSON', 1, 4],
  ['[1] 2', 'BAD_JSON', undefined, 4],
  ['[1],[2]', 'BAD_JSON', undefined, 3],
  ['{} []', 'BAD_DATA', undefined, 0],
  ['\ufeff[1]', 'BAD_JSON', undefined, 0],
  ['[1,"2",x]', 'BAD_DATA', 1, 3],
  ['[1e999,"2",{"a":}]', 'OUT_OF_RANGE', 0, 1],
];

/** What the bytes of a state must not be, each a change of a sound one. */
const badStates: readonly (readonly [name: string, text: string, offset: number])[] = [
  ['nothing', '', 0],
  ['half a header', '01 00 0000 000000', 7],
  ['version 0', '00 00 0000 0000000000000000 07', 0],
  ['version 2', '02 00 0000 0000000000000000 07', 0],
  ['a flag that is not known', '01 02 0000 0000000000000000 07', 1],
  ['an exponent below the least', '01 00 fb4f 0000000000000000 07', 2],
  ['an exponent above the greatest', '01 00 0154 0000000000000000 07', 2],
  ['tails above the greatest count', '01 00 0000 0020000000000000 07', 4],
  ['tails below the least count', '01 00 0000 ffe0000000000000 07', 4],
  ['the least i64 as tails', '01 00 0000 8000000000000000 07', 4],
  ['a zero byte in front', '01 00 0000 0000000000000000 0007', 12],
  ['a magnitude of one zero byte', '01 00 0000 0000000000000000 00', 12],
  ['a decimal zero at the end', '01 00 0000 0000000000000000 0a', 12],
  ['zero with a sign', '01 01 0000 0000000000000000', 1],
  ['zero with an exponent', '01 00 0001 0000000000000000', 2],
  ['a value of 341 places', '01 00 0153 0000000000000000 0b', 12],
  ['all digits and one', `01 00 fb50 0000000000000000 ${bigBytes(10n ** 1540n + 1n)}`, 12],
  ['more bytes than any sum has', `01 00 fb50 0000000000000000 ${'ff'.repeat(641)}`, 652],
];

for (const { name: build, module, engine } of builds) {
  test(`${build}: an array has a sum, rounded once, visibly a float`, () => {
    for (const [text, sum] of [
      ['[1,2,3,4]', '10.0'],
      ['[0.1,0.2]', '0.3'],
      [' \n[ ]\t', '0.0'],
      ['[-0]', '0.0'],
      ['[1e308,1e308,-1e308]', '1e308'],
      ['[-1e21, -0.5e-7]', '-1e21'],
      ['[9007199254740993,1e-1300]', '9007199254740994.0'],
    ] as const) {
      assert.is(engine.sum(bytesOf(text)), sum, text);
      assert.is(engine.sumResult(engine.beginSum().push(bytesOf(text)).end()), sum, text);
    }
  });

  test(`${build}: a fault has its code, its item and its byte`, () => {
    for (const [text, code, index, offset] of faults) {
      for (const action of [() => engine.sum(bytesOf(text)), () => engine.beginSum().push(bytesOf(text))]) {
        const error = thrownBy(action);
        assert.equal([error.code, error.index, error.offset], [code, index, offset], text.slice(-60));
        assert.match(error.message, new RegExp(`byte ${offset}$`));
      }
    }
  });

  test(`${build}: bytes that are not UTF-8 are not JSON`, () => {
    const error = thrownBy(() => engine.sum(Uint8Array.from([0x5b, 0x31, 0x2c, 0xff, 0x5d])));
    assert.equal([error.code, error.index, error.offset], ['BAD_JSON', 1, 3]);
  });

  test(`${build}: what was in memory before is no part of a text that ends early`, () => {
    const long = bytesOf(`[${'12345678,'.repeat(100)}9]`);
    for (let length = 1; length < long.length; length++) {
      engine.sum(long);
      assert.is(thrownBy(() => engine.sum(long.subarray(0, length))).offset, length);
    }
  });

  test(`${build}: a sum beyond binary64 is a state, and another part may bring it back`, () => {
    const half = engine.beginSum().push(bytesOf('[1.5e308,1.5e308]')).end();
    const error = thrownBy(() => engine.sumResult(half));
    assert.equal([error.code, error.index, error.offset], ['OUT_OF_RANGE', undefined, undefined]);
    assert.is(thrownBy(() => engine.sum(bytesOf('[1.5e308,1.5e308]'))).code, 'OUT_OF_RANGE');
    const rest = engine.beginSum().push(bytesOf('[-1.5e308]')).end();
    assert.is(engine.sumResult(engine.mergeSums(half, rest)), '1.5e308');
  });

  test(`${build}: a failed push leaves the sum as it was, and its index counts in that push alone`, () => {
    const sum = engine.beginSum().push(bytesOf('[1,2,3]'));
    const before = hex(sum.end());
    for (const text of ['[4,5,"6"]', '[4,5,1e309]', '[4,5,', '[4,5,]']) {
      assert.is(thrownBy(() => sum.push(bytesOf(text))).index, 2, text);
      assert.is(hex(sum.end()), before, text);
    }
    assert.is(engine.sumResult(sum.push(bytesOf('[4]')).end()), '10.0');
  });

  test(`${build}: builders of one engine do not mix, and keep nothing of the bytes`, () => {
    const [a, b] = [engine.beginSum(), engine.beginSum()];
    const bytes = bytesOf('[1]');
    a.push(bytes);
    bytes.fill(0x20);
    b.push(bytesOf('[10]'));
    a.push(bytesOf('[2]'));
    engine.sum(bytesOf('[1000]'));
    assert.is(engine.sumResult(a.end()), '3.0');
    assert.is(engine.sumResult(b.end()), '10.0');
  });

  test(`${build}: a state that was given away does not change, and its builder goes on`, () => {
    const sum = engine.beginSum().push(bytesOf('[1]'));
    const early = sum.end();
    const late = sum.push(bytesOf('[2]')).end();
    assert.equal(
      [early, late].map((each) => engine.sumResult(each)),
      ['1.0', '3.0'],
    );
  });

  test(`${build}: equal sums have equal bytes`, () => {
    const stateOf = (...arrays: string[]) => {
      const sum = engine.beginSum();
      for (const array of arrays) sum.push(bytesOf(array));
      return hex(sum.end());
    };
    assert.is(stateOf('[0.5,0.5,99]'), stateOf('[100]'));
    assert.is(stateOf('[1e2]'), stateOf('[99,1]'));
    assert.is(stateOf('[1e300,7]', '[-1e300]'), stateOf('[7.000]'));
    assert.is(stateOf('[-5]', '[5]'), stateOf());
    assert.is(stateOf('[1e-1201]', '[-1e-9999]'), stateOf('[]'));
  });

  test(`${build}: states are the bytes that docs/engine.md draws`, () => {
    const stateOf = (text: string) => hex(engine.beginSum().push(bytesOf(text)).end());
    for (const [text, bytes] of [
      ['[]', zeroState],
      ['[1,2,3,4]', '01 00 0001 0000000000000000 01'],
      ['[-12.34]', '01 01 fffe 0000000000000000 04d2'],
      ['[1e-1200,1e-1201,1e-5000]', '01 00 fb50 0000000000000002 01'],
      ['[-1e-1201]', '01 00 0000 ffffffffffffffff'],
      ['[18446744073709551616]', '01 00 0000 0000000000000000 010000000000000000'],
    ] as const) {
      assert.is(stateOf(text), hex(state(bytes)), text);
      assert.is(hex(engine.mergeSums(state(bytes), state(zeroState))), hex(state(bytes)), text);
    }
  });

  test(`${build}: bytes that are no state are refused in one sentence, with the place`, () => {
    const sound = state('01 00 0000 0000000000000000 07');
    for (const [name, text, offset] of badStates) {
      const bytes = state(text);
      for (const action of [
        () => engine.sumResult(bytes),
        () => engine.mergeSums(bytes, sound),
        () => engine.mergeSums(sound, bytes),
      ]) {
        const error = thrownBy(action);
        assert.equal([error.code, error.index, error.offset], ['BAD_DATA', undefined, offset], name);
        assert.match(error.message, /^the state of a sum .*: byte \d+$/, name);
      }
    }
  });

  test(`${build}: the largest states are taken, and what two of them sum to beyond that is refused`, () => {
    const magnitude = 10n ** 1540n - 1n;
    const largest = state(`01 00 fb50 001fffffffffffff ${bigBytes(magnitude)}`);
    const negative = state(`01 01 fb50 ffe0000000000001 ${bigBytes(magnitude)}`);
    assert.is(hex(engine.mergeSums(largest, state(zeroState))), hex(largest));
    assert.is(hex(engine.mergeSums(largest, negative)), hex(state(zeroState)));
    for (const one of ['01 00 fb50 0000000000000000 01', '01 00 0000 0000000000000001']) {
      assert.is(thrownBy(() => engine.mergeSums(largest, state(one))).code, 'OUT_OF_RANGE', one);
    }
    assert.is(thrownBy(() => engine.sumResult(largest)).code, 'OUT_OF_RANGE');
  });

  test(`${build}: every text of an array that is cut short or has a byte changed gives a sum or a SumError`, () => {
    const text = bytesOf(' [1, -2.5e3,0.125 ,12345678901234567890.5, 1e-1300,99] ');
    const values = [0x00, 0x20, 0x22, 0x2b, 0x2c, 0x2d, 0x2e, 0x30, 0x39, 0x3a, 0x45, 0x5b, 0x5d, 0x7b, 0x80, 0xff];
    for (let at = 0; at < text.length; at++) {
      for (const value of values) {
        const changed = text.slice();
        changed[at] = value;
        const json = isJson(changed);
        try {
          assert.match(engine.sum(changed), /^-?\d/);
          assert.ok(json, Buffer.from(changed).toString('latin1'));
        } catch (error) {
          if (!(error instanceof SumError)) throw error;
          // Of several faults the first is told, so what is no JSON may be no array of numbers before that.
          assert.not(json && error.code === 'BAD_JSON', Buffer.from(changed).toString('latin1'));
        }
      }
    }
  });

  test(`${build}: an array of megabytes leaves the engine fit for the next`, () => {
    const own = new Engine(module);
    const megabytes = 8;
    const array = bytesOf(`[${'1.5,'.repeat((megabytes << 20) / 4)}0]`);
    assert.is(own.sum(array), `${(1.5 * (megabytes << 20)) / 4}.0`);
    assert.is(own.sum(bytesOf('[1]')), '1.0');
  });
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

const { engine } = builds[0];

/** A hostile state is refused with the typed error, or is canonical: then it is written again just as it came. */
function isHandled(bytes: Uint8Array): boolean {
  try {
    assert.is(hex(engine.mergeSums(bytes, state(zeroState))), hex(bytes));
  } catch (error) {
    if (!(error instanceof SumError)) throw error;
    assert.is(error.code, 'BAD_DATA');
    assert.is(thrownBy(() => engine.sumResult(bytes)).code, 'BAD_DATA');
    return false;
  }
  try {
    assert.match(engine.sumResult(bytes), /^-?\d/);
  } catch (error) {
    if (!(error instanceof SumError && error.code === 'OUT_OF_RANGE')) throw error;
  }
  return true;
}

const sampleStates = ['[]', '[7]', '[-0.000123]', '[1e308,1e308,3]', '[1e-1201,-12345678901234567890.25,1e-1200]'].map(
  (text) => engine.beginSum().push(bytesOf(text)).end(),
);

test('a state with any byte changed to any other is refused or canonical', () => {
  for (const sound of sampleStates) {
    for (let at = 0; at < sound.length; at++) {
      // All values in the header and at both ends of the magnitude; between them a few.
      const step = at < 16 || at > sound.length - 4 ? 1 : 37;
      for (let by = step; by < 256; by += step) {
        const changed = sound.slice();
        changed[at] = changed[at]! ^ by;
        isHandled(changed);
      }
    }
  }
});

test('a state that is cut short or goes on is refused or canonical', () => {
  for (const sound of sampleStates) {
    assert.ok(isHandled(sound));
    for (let length = 0; length < sound.length; length++) isHandled(sound.subarray(0, length));
    for (const more of [[0], [1], [255], [0, 0], sound]) isHandled(Uint8Array.from([...sound, ...more]));
  }
});

test('random bytes are refused or canonical, also after a sound header', () => {
  let canonical = 0;
  forSeeds(3000, 100_000, (seed) => {
    const random = new Random(seed);
    const bytes = Uint8Array.from({ length: random.integer(0, 700) }, () => random.integer(0, 255));
    isHandled(bytes);
    const header = [
      1,
      random.integer(0, 1),
      ...random.pick([
        [0, 0],
        [0xff, 0x38],
        [0xfb, 0x50],
      ]),
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      1,
    ];
    if (isHandled(Uint8Array.from([...header, ...bytes.subarray(0, random.integer(0, 100))]))) canonical++;
  });
  assert.ok(canonical > 0, 'some of them are states');
});

test('a SumError is the kind of error that a request dies of', () => {
  const error = thrownBy(() => engine.sum(bytesOf('[true]')));
  assert.ok(error instanceof RequestError);
  assert.equal([error.name, error.retryable], ['SumError', false]);
});

test('what is no Uint8Array is the caller’s mistake', () => {
  for (const wrong of ['[1]', [1], null, new ArrayBuffer(3)]) {
    const bytes = wrong as unknown as Uint8Array;
    const isTypeError = (error: unknown) => error instanceof TypeError;
    assert.throws(() => engine.sum(bytes), isTypeError);
    assert.throws(() => engine.beginSum().push(bytes), isTypeError);
    assert.throws(() => engine.sumResult(bytes), isTypeError);
    assert.throws(() => engine.mergeSums(bytes, state(zeroState)), isTypeError);
  }
});

test('a state may be a view in the middle of other bytes', () => {
  const around = Buffer.concat([Buffer.from('xyz'), state('01 00 0001 0000000000000000 01'), Buffer.from('xyz')]);
  assert.is(engine.sumResult(around.subarray(3, -3)), '10.0');
});

test('the example of docs/engine.md prints what its comments say', async () => {
  const page = readFileSync(fileURLToPath(new URL('../../../docs/engine.md', import.meta.url)), 'utf8');
  const [, code = ''] = /^```js\nimport .*\n([\s\S]*?)^```/m.exec(page) ?? [];
  const wanted = [...code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, text]) => text);
  assert.ok(wanted.length > 0);
  const printed: string[] = [];
  const log = (...values: unknown[]) => void printed.push(values.join(' '));
  const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (...values: unknown[]) => unknown;
  await new AsyncFunction('loadEngine', 'SumError', 'console', code)(loadEngine, SumError, { log });
  assert.equal(printed, wanted);
});

test.run();
