import { readFileSync } from 'node:fs';
import { parse as parseLossless } from 'lossless-json';
import * as assert from 'uvu/assert';
import {
  type ColumnFault,
  ColumnScanner,
  columnStops,
  compileColumnScanner,
  lineBytesMax,
  type Wanted,
} from '../../src/engine/column-scanner.js';
import { numberFault, referenceColumn } from '../reference/table.js';
import { Random } from '../support/random.js';
import { forSeeds } from '../support/seed.js';
import { suite } from '../support/suite.js';

const test = suite('column scanner');

let module: WebAssembly.Module;
test.before(async () => {
  module = await compileColumnScanner();
});

const table = (column: number, delimiter = ','): Wanted => ({ column, delimiter: delimiter.charCodeAt(0) });

/** Which faults a caller cannot go on after. */
const isFatal = ({ stop }: ColumnFault) => stop === 'unclosed quote' || stop === 'too long';

/** Scans pieces of a text; a fatal fault ends it. */
function scan(wanted: Wanted, pieces: Iterable<Uint8Array>) {
  const faults: ColumnFault[] = [];
  const fatal = new Error('fatal');
  const scanner = new ColumnScanner(module, wanted, (fault) => {
    faults.push(fault);
    if (isFatal(fault)) throw fatal;
  });
  let text = '';
  let isWhole = true;
  try {
    for (const piece of pieces) text += Buffer.from(scanner.push(piece)).toString();
    text += Buffer.from(scanner.end()).toString();
  } catch (error) {
    if (error !== fatal) throw error;
    isWhole = false;
  }
  return { text, faults, isWhole, numbers: scanner.numbers };
}

const whole = (text: string | Uint8Array) => [Buffer.from(text)];

function* cut(text: Uint8Array, random: Random): Generator<Uint8Array> {
  for (let at = 0; at < text.length; ) {
    const end = Math.min(text.length, at + random.size(1, 200));
    yield text.subarray(at, end);
    at = end;
  }
}

const placeOf = ({ stop, line, column }: ColumnFault) => ({ stop, line, column });

const tableParts = [
  ',',
  ',',
  ',',
  '\n',
  '\n',
  '\r\n',
  '"',
  '"',
  '""',
  ' ',
  '\t',
  '\r',
  'x',
  '12',
  '-3.50',
  '0',
  '1e5',
  '00',
  '.',
  '+1',
  '12345678901234567.5',
  '0.12345678901234567890123456789012345',
  '1e309',
  '1e308',
  '-1e400',
  'name of something long',
  '"1.5"',
  '"a,b"',
  '"line\nline"',
  '"a""b"',
]; // prettier-ignore

test('random tables, cut anywhere, give the items and the faults of a reader that takes one character at a time', () => {
  forSeeds(500, 40_000, (seed) => {
    const random = new Random(seed);
    const parts = Array.from({ length: random.size(1, 60) }, () => random.pick(tableParts));
    const delimiter = random.pick([',', ',', ';', '\t']);
    const text = parts.join('').replaceAll(',', delimiter);
    const column = random.integer(0, 2);
    const expected = referenceColumn(text, delimiter, column);
    const actual = scan(table(column, delimiter), cut(Buffer.from(text), random));
    const message = JSON.stringify({ text, column });
    assert.equal(actual.faults.map(placeOf), expected.faults, message);
    if (actual.isWhole) assert.is(actual.text, `[${expected.items.join()}]`, message);
  });
});

test('every cut of a table gives the same', () => {
  const text = Buffer.from('a,"b\n""c",1.50\r\n\r\nx,,"-2"\r\ny,"z" ,3\n,,\n1,2\n"q"r,s,4\na,b,55555555555555555.125');
  const expected = scan(table(2), [text]);
  assert.is(expected.text, '[1.50,-2,55555555555555555.125]');
  assert.equal(expected.faults.map(placeOf), [
    { stop: 'text after a quote', line: 5, column: 6 },
    { stop: 'empty', line: 6, column: 3 },
    { stop: 'too few columns', line: 7, column: 4 },
    { stop: 'text after a quote', line: 8, column: 4 },
  ]);
  for (let at = 1; at < text.length; at++) {
    assert.equal(scan(table(2), [text.subarray(0, at), text.subarray(at)]), expected);
  }
  assert.equal(
    scan(
      table(2),
      [...text].map((byte) => Uint8Array.of(byte)),
    ),
    expected,
  );
});

const jsonParts = [
  '{"a":',
  '}',
  '[',
  ']',
  ',',
  '1.50',
  '-0',
  '"x"',
  '"a":',
  '"\\u0061":',
  '"b":',
  'null',
  ' ',
  '1e400',
  '{',
  '\\',
  '"',
  '\t',
  '9',
];

/** What a path leads to in a line, or why nothing. */
function valueAlong(line: string, path: readonly (string | number)[]): string | undefined {
  JSON.parse(line);
  let value: unknown = parseLossless(line, null, { onDuplicateKey: ({ newValue }) => newValue });
  for (const step of path) {
    const isFit = typeof step === 'number' ? Array.isArray(value) : !Array.isArray(value);
    if (typeof value !== 'object' || value === null || 'isLosslessNumber' in value || !isFit) return undefined;
    value = Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined;
  }
  const isNumber = typeof value === 'object' && value !== null && 'isLosslessNumber' in value;
  return isNumber ? String(value) : undefined;
}

function randomValue(random: Random, depth: number): string {
  const kind = depth === 0 ? 0 : random.integer(0, 3);
  const many = () => Array.from({ length: random.integer(0, 3) }, () => randomValue(random, depth - 1));
  const space = () => random.pick(['', '', '', ' ', '\t']);
  if (kind === 1) return `[${space()}${many().join(`${space()},${space()}`)}${space()}]`;
  if (kind === 2) {
    const members = many().map(
      (value) => `${random.pick(['"a"', '"\\u0061"', '"b"', '"a b"', '"é"'])}${space()}:${value}`,
    );
    return `{${space()}${members.join(`${space()},`)}}`;
  }
  return random.pick([
    '1',
    '-2.50',
    '12345678901234567890.10',
    '1e-7',
    '"1"',
    'null',
    'true',
    '1e309',
    '"\\ud83d\\ude00"',
  ]);
}

test('random lines of JSON, cut anywhere, give what JSON.parse takes and finds along the path', () => {
  forSeeds(500, 40_000, (seed) => {
    const random = new Random(seed);
    const lines = Array.from({ length: random.integer(1, 8) }, () => {
      if (random.oneIn(3)) return Array.from({ length: random.size(1, 8) }, () => random.pick(jsonParts)).join('');
      if (random.oneIn(8)) return random.pick(['', ' ', '\r', '\t \r']);
      return `${random.pick(['', ' '])}${randomValue(random, 4)}${random.pick(['', ' ', '\r'])}`;
    });
    const path = random.pick([[], ['a'], ['a', 'b'], ['a', 0], [1], [0, 'a'], ['é'], ['a b', 'a']]);
    const items: string[] = [];
    const faults: { line: number; stop: string }[] = [];
    for (const [index, line] of lines.entries()) {
      if (/^[ \t\r]*$/.test(line)) continue;
      let stop: string | undefined;
      try {
        const value = valueAlong(line, path);
        stop = value === undefined ? 'no number there' : numberFault(value);
        if (stop === undefined) items.push(value!);
      } catch {
        stop = 'not JSON';
      }
      if (stop !== undefined) faults.push({ line: index + 1, stop });
    }
    const text = lines.join('\n') + random.pick(['', '\n']);
    const actual = scan({ path }, cut(Buffer.from(text), random));
    const message = JSON.stringify({ text, path });
    assert.equal(
      actual.faults.map(({ line, stop }) => ({ line, stop })),
      faults,
      message,
    );
    assert.is(actual.text, `[${items.join()}]`, message);
  });
});

test('the last of members with the same name counts, whatever was below an earlier one', () => {
  const lines = [
    '{"a":{"b":1},"a":{"b":2}}',
    '{"a":{"b":1,"b":3}}',
    '{"a":{"b":4},"\\u0061":{}}',
    '{"a":{"b":5},"a":6}',
    '{"a":[],"a":{"b":7}}',
  ];
  const { text, faults } = scan({ path: ['a', 'b'] }, whole(lines.join('\n')));
  assert.is(text, '[2,3,7]');
  assert.equal(
    faults.map(({ line, column, isMissing }) => [line, column, isMissing]),
    [
      [3, 23, true],
      [4, 18, true],
    ],
  );
});

test('names are compared after unescaping, in every length of UTF-8', () => {
  const names = ['a"b', '\u0001\b\f\n\r\t/\\', 'é', '日本', '😀', 'x😀y', '\ud83d', ''];
  for (const name of names) {
    const forms = [
      JSON.stringify(name),
      `"${[...Array(name.length)].map((_, at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`,
    ];
    for (const form of forms) {
      const { text } = scan({ path: [name] }, whole(`{${form}:1}\n{${form.replace('"', '"x')}:2}`));
      // A lone surrogate has no UTF-8, so no path can name it.
      assert.is(text, name === '\ud83d' ? '[]' : '[1]', form);
    }
  }
});

test('a line feed does not stand in the middle of a value', () => {
  const { faults } = scan({ path: ['a'] }, whole('{"a":1,\n"b":2}\n'));
  assert.equal(faults.map(placeOf), [
    { stop: 'not JSON', line: 1, column: 8 },
    { stop: 'not JSON', line: 2, column: 4 },
  ]);
});

test('what is not UTF-8 inside of a string is not JSON, and neither is a zero byte', () => {
  const lines = [Buffer.from('{"a":1,"b":"\xff"}\n', 'latin1'), Buffer.from('1\0\n'), Buffer.from('"\0"')];
  const { faults, text } = scan({ path: [] }, lines);
  assert.equal(
    faults.map(({ stop, line }) => `${line} ${stop}`),
    ['1 not JSON', '2 not JSON', '3 not JSON'],
  );
  assert.is(text, '[]');
});

test('numbers of every length keep their digits', () => {
  const numbers: string[] = [];
  for (let length = 1; length <= 70; length++) {
    const digits = '1234567890'.repeat(7).slice(0, length);
    numbers.push(digits, `-${digits}`, `0.${digits}`, `-${digits}.${digits}`, `${digits}e-${length}`);
  }
  assert.is(scan(table(0), whole(numbers.join('\n'))).text, `[${numbers.join()}]`);
  assert.is(scan({ path: [] }, whole(numbers.join('\r\n'))).text, `[${numbers.join()}]`);
});

test('a number beyond binary64 is told, and the last one below is not', () => {
  const below = [
    '1.7976931348623158e308',
    `1${'0'.repeat(308)}`,
    '0.01e310',
    '0e999999999999999999999',
    `0.${'0'.repeat(400)}1e700`,
  ];
  const beyond = ['1.7976931348623159e308', `2${'0'.repeat(308)}`, '-1e309', '1e99999999999999999999999'];
  const { text, faults } = scan(table(0), whole([...below, ...beyond, '7'].join('\n')));
  assert.is(text, `[${below.join()},7]`);
  assert.equal(
    faults.map(({ stop, line }) => `${stop} ${line}`),
    beyond.map((_, index) => `too large ${index + 6}`),
  );
});

test('a line of up to 16 MiB is taken, and a longer one is refused without the rest', { timeoutMs: 60_000 }, () => {
  const block = Buffer.alloc(64 * 1024, 'x');
  function* long(bytes: number) {
    for (let given = 0; given < bytes; given += block.length) yield block;
    yield Buffer.from(',5\n');
  }
  assert.is(scan(table(1), long(lineBytesMax - block.length)).text, '[5]');
  let given = 0;
  function* endless() {
    while (true) {
      given += block.length;
      yield block;
    }
  }
  const { faults } = scan(table(1), endless());
  assert.equal(faults.map(placeOf), [{ stop: 'too long', line: 1, column: 1 }]);
  assert.ok(given <= lineBytesMax + 2 * block.length, `${given} bytes were taken`);
});

test('an empty text, and one of line ends only, make an empty array', () => {
  for (const text of ['', '\n', '\r\n\n', '\n\n\n\r\n']) {
    assert.equal([scan(table(0), whole(text)).text, scan({ path: [] }, whole(text)).text], ['[]', '[]']);
  }
});

test('a path that does not fit is refused', () => {
  assert.throws(() => scan({ path: ['x'.repeat(40_000)] }, []), /the path is too long/);
});

test('the host knows the memory of the assembly', () => {
  const layout = readFileSync(new URL('../../../assembly/column-scanner/layout.ts', import.meta.url), 'utf8');
  const numbersOf = (name: string) => {
    const body = new RegExp(`namespace ${name} \\{([^}]*)\\}`).exec(layout)![1]!;
    return [...body.matchAll(/export const \w+: \w+ = (\d+);/g)].map((match) => Number(match[1]));
  };
  assert.equal(
    numbersOf('StatusField'),
    Array.from({ length: 11 }, (_, index) => 4 * index),
  );
  assert.equal(numbersOf('Stop'), [...columnStops.keys()]);
  const { exports } = new WebAssembly.Instance(module) as unknown as {
    exports: Record<string, WebAssembly.Global>;
  };
  const [nesting, status] = [0x16000, Number(exports.statusOffset!.value)];
  assert.ok(Number(exports.staticEnd!.value) <= nesting);
  assert.ok(status >= 0x20000);
});

test.run();
