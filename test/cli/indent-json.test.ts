import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { indentJson } from '../../src/cli/indent-json.js';
import { fuzzed } from '../support/seed.js';
import { suite } from '../support/suite.js';
import { runProgram } from './run-cli.js';

const test = suite('indented JSON');

const indent = (json: string): string => Buffer.concat([...indentJson(Buffer.from(json))]).toString();

test('any value comes out as JSON.stringify puts it on lines, whatever its white space was', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t\r\n '), (json, space) => {
      const value = JSON.parse(json);
      assert.is(indent(JSON.stringify(value, null, space)), JSON.stringify(value, null, 2));
    }),
    fuzzed(3_000),
  );
});

test('tokens keep their bytes', () => {
  assert.is(indent('[1.0,-0,1E+2,12345678901234567890.10]'), '[\n  1.0,\n  -0,\n  1E+2,\n  12345678901234567890.10\n]');
  assert.is(indent('{"\\u0061\\"[,:":"\\/ñ\\\\"}'), '{\n  "\\u0061\\"[,:": "\\/ñ\\\\"\n}');
  assert.is(indent('{"a":1,"a":2}'), '{\n  "a": 1,\n  "a": 2\n}');
});

test('what is empty stays on its line', () => {
  assert.is(indent(' [ ] '), '[]');
  assert.is(indent('{"a":{ },"b":[[],\n[]]}'), '{\n  "a": {},\n  "b": [\n    [],\n    []\n  ]\n}');
});

test('large and deep JSON comes in many blocks and is whole', () => {
  const value = Array.from({ length: 50_000 }, (_, n) => [n, `ñ${n}`]);
  const blocks = [...indentJson(Buffer.from(JSON.stringify(value)))];
  assert.ok(blocks.length > 10);
  assert.ok(Buffer.concat(blocks).toString() === JSON.stringify(value, null, 2));
  const deep = '['.repeat(1024) + ']'.repeat(1024);
  assert.is(indent(deep), JSON.stringify(JSON.parse(deep), null, 2));
});

test('what is not JSON comes to an end all the same', () => {
  for (const json of ['', ']]]', '{"a', '"\\', '[[[', '{,,:}']) assert.type(indent(json), 'string');
});

test.needs('python3', 'lines are those of the reference client, Python’s json.dumps(…, indent=2)', async () => {
  const json = '{"id":"x","ok":true,"result":[10.0,[],{},{"a":[true,null,"b"]},[[1]]]}';
  const program = 'import json, sys; sys.stdout.write(json.dumps(json.load(sys.stdin), indent=2))';
  const { stdout } = await runProgram('python3', ['-c', program], json);
  assert.is(indent(json), stdout);
});

test.run();
