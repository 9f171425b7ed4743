import * as assert from 'uvu/assert';
import { defineOperation, isOperation, type OperationDefinition } from '../../src/ops/define-operation.js';
import { suite } from '../support/suite.js';

const test = suite('defineOperation');
const run = () => 1;

test('it keeps what it is given, frozen and marked', () => {
  const definition = { description: 'One.', input: true, idempotent: true, concurrency: 3, timeoutMs: 1.5, run };
  const operation = defineOperation(definition);
  assert.ok(isOperation(operation));
  assert.ok(Object.isFrozen(operation));
  assert.equal({ ...definition }, Object.fromEntries(Object.entries(operation)));
});

test('what it did not make is no operation', () => {
  for (const value of [{ description: 'One.', run }, null, undefined, 7, run]) assert.not.ok(isOperation(value));
});

const faults: [definition: unknown, expected: RegExp][] = [
  [undefined, /takes an object/],
  [{ run }, /`description` of an operation must be a sentence/],
  [{ description: ' ', run }, /`description`/],
  [{ description: 'x' }, /`run` of an operation must be a function/],
  [{ description: 'x', run: 'f' }, /`run`/],
  [{ description: 'x', run, input: 'string' }, /`input` of an operation must be a JSON Schema/],
  [{ description: 'x', run, input: null }, /`input`/],
  [{ description: 'x', run, output: [] }, /`output`/],
  [{ description: 'x', run, idempotent: 1 }, /`idempotent` of an operation must be true or false/],
  [{ description: 'x', run, concurrency: 0 }, /`concurrency` of an operation must be a whole number from 1/],
  [{ description: 'x', run, concurrency: 1.5 }, /`concurrency`/],
  [{ description: 'x', run, timeoutMs: 0 }, /`timeoutMs`/],
  [{ description: 'x', run, timeoutMs: 1e-320 }, /`timeoutMs` of an operation must be milliseconds, a number from 1/],
  [{ description: 'x', run, timeoutMs: Number.NaN }, /`timeoutMs`/],
  [{ description: 'x', run, setup: {} }, /`setup` of an operation must be a function/],
  [{ description: 'x', run, teardown: run }, /`teardown` of an operation needs a `setup`/],
  [{ description: 'x', run, timeout: 5 }, /no member `timeout`; did you mean `timeoutMs`\?/],
  [{ description: 'x', run, retries: 5 }, /no member `retries`; it may have description, run/],
];

test('what is wrong is named', () => {
  for (const [definition, expected] of faults) {
    assert.throws(() => defineOperation(definition as OperationDefinition), expected);
  }
});

test.run();
