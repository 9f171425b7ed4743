import * as assert from 'uvu/assert';
import type { JsonSchema } from '../../src/ops/define-operation.js';
import { makeInputCheck, writeInputCheck } from '../../src/ops/input-check.js';
import { suite } from '../support/suite.js';

const test = suite('input check');

const check = async (schema: JsonSchema, data: unknown) => makeInputCheck(await writeInputCheck(schema))(data);

const cases: [schema: JsonSchema, data: unknown, expected: string | undefined][] = [
  [{ type: 'number' }, 1, undefined],
  [{ type: 'number' }, '1', 'data must be number'],
  [{ type: 'array', items: { type: 'number' } }, [1, 2, null], 'data/2 must be number'],
  [{ properties: { 'a/b': { const: 1 } } }, { 'a/b': 2 }, 'data/a~1b must be equal to constant'],
  [{ enum: ['a', { b: 1 }] }, { b: 1 }, undefined],
  [{ enum: ['a', 'b'] }, 'c', 'data must be equal to one of the allowed values: "a", "b"'],
  [{ type: 'string', minLength: 2 }, '👩', 'data must NOT have fewer than 2 characters'],
  [
    { type: 'array', uniqueItems: true },
    [{ a: 1 }, { a: 1 }],
    'data must NOT have duplicate items (items ## 0 and 1 are identical)',
  ],
  [
    { properties: { a: true }, unevaluatedProperties: false },
    { b: 1 },
    'data must NOT have unevaluated properties (`b`)',
  ],
  [{ prefixItems: [{ type: 'string' }, { type: 'integer' }] }, ['a', 'b'], 'data/1 must be integer'],
  [{ type: 'string', format: 'email' }, 'no address', undefined],
  [{ type: 'string', pattern: '^\\p{L}+$' }, 'é1', 'data must match pattern "^\\p{L}+$"'],
  [
    {
      $defs: { tree: { properties: { kids: { items: { $ref: '#/$defs/tree' } } }, type: 'object' } },
      $ref: '#/$defs/tree',
    },
    { kids: [{ kids: [1] }] },
    'data/kids/0/kids/0 must be object',
  ],
  [{ $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }, [1], 'data/0 must be string'],
  [{ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'null' }, 1, 'data must be null'],
  [false, 1, 'data boolean schema is false'],
];

test('it says what is wrong with data, and where', async () => {
  for (const [schema, data, expected] of cases) assert.is(await check(schema, data), expected, JSON.stringify(schema));
});

test('one fault is enough: the search ends there', async () => {
  assert.is(await check({ items: { type: 'number' } }, ['a', 'b', 'c']), 'data/0 must be number');
});

test('data is looked at, not changed', async () => {
  const data = { n: '1' };
  await check({ type: 'object', properties: { n: { type: 'string' }, m: { type: 'number' } } }, data);
  assert.equal(data, { n: '1' });
});

test('a schema that ajv does not take is refused, with the keyword', async () => {
  const faults: [schema: JsonSchema, expected: RegExp][] = [
    [{ type: 'nubmer' }, /type/],
    [{ type: 'number', minimun: 1 }, /unknown keyword: "minimun"/],
    [{ $ref: 'other.json' }, /can't resolve reference other.json/],
    [{ pattern: '(' }, /regular expression/i],
  ];
  for (const [schema, expected] of faults) {
    const error = await writeInputCheck(schema).then(
      () => new Error('it was taken'),
      (reason: Error) => reason,
    );
    assert.match(error.message, expected);
  }
});

test.run();
