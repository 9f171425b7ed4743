/**
 * What types follow from schemas. The compiler checks this file: a line below `@ts-expect-error` must not compile, and all
 * others must. What runs checks that the two ways of `defineOperation` are the same.
 */
import * as assert from 'uvu/assert';
import type { DataOf } from '../../src/ops/data-of.js';
import { defineOperation, isOperation, type JsonSchema } from '../../src/ops/define-operation.js';
import { suite } from '../support/suite.js';

const test = suite('types of data');

/** True where two types are the same, and not only alike. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <Claim extends true>(claim?: Claim) => claim;

holds<Same<DataOf<true>, unknown>>();
holds<Same<DataOf<false>, never>>();
holds<Same<DataOf<JsonSchema>, unknown>>();
holds<Same<DataOf<{ type: 'string'; minLength: 1 }>, string>>();
holds<Same<DataOf<{ type: 'integer' }>, number>>();
holds<Same<DataOf<{ type: readonly ['string', 'null'] }>, string | null>>();
holds<Same<DataOf<{ minimum: 1 }>, unknown>>();
holds<Same<DataOf<{ const: 'a' }>, 'a'>>();
holds<Same<DataOf<{ enum: readonly ['a', 1, null] }>, 'a' | 1 | null>>();
holds<Same<DataOf<{ type: 'array' }>, unknown[]>>();
holds<Same<DataOf<{ type: 'array'; items: { type: 'number' } }>, number[]>>();
type Pair = readonly [{ type: 'string' }, { type: 'number' }];
holds<Same<DataOf<{ type: 'array'; prefixItems: Pair; items: false; minItems: 2 }>, [string, number]>>();
holds<Same<DataOf<{ type: 'array'; prefixItems: Pair; items: false }>, [string?, number?]>>();
holds<Same<DataOf<{ type: 'array'; prefixItems: Pair; minItems: 2 }>, [string, number, ...unknown[]]>>();
holds<Same<DataOf<{ type: 'object' }>, { [name: string]: unknown }>>();
holds<Same<DataOf<{ type: 'object'; additionalProperties: { type: 'number' } }>, { [name: string]: number }>>();
holds<
  Same<
    DataOf<{
      type: 'object';
      properties: { a: { type: 'number' }; b: { type: 'string' } };
      required: readonly ['a', 'c'];
    }>,
    { a: number; b?: string; c: unknown }
  >
>();
holds<Same<DataOf<{ anyOf: readonly [{ type: 'string' }, { type: 'number' }] }>, string | number>>();
holds<Same<DataOf<{ oneOf: readonly [{ const: 1 }, { type: 'null' }] }>, 1 | null>>();
type Together = readonly [
  { type: 'object'; properties: { a: { type: 'number' } }; required: readonly ['a'] },
  { type: 'object'; properties: { b: { type: 'string' } } },
];
holds<Same<DataOf<{ allOf: Together }>, { a: number } & { b?: string }>>();
type Tree = DataOf<{
  $ref: '#/$defs/tree';
  $defs: {
    tree: {
      type: 'object';
      properties: { name: { type: 'string' }; kids: { type: 'array'; items: { $ref: '#/$defs/tree' } } };
      required: readonly ['name', 'kids'];
    };
  };
}>;
const tree: Tree = { name: 'a', kids: [{ name: 'b', kids: [] }] };
// @ts-expect-error: a kid is a tree, and no text
const noTree: Tree = { name: 'a', kids: ['b'] };
holds<Same<DataOf<{ $ref: 'other.json' }>, unknown>>();

const sized = defineOperation({
  description: 'Takes what its schema says.',
  input: {
    type: 'object',
    properties: { text: { type: 'string' }, times: { type: 'integer' }, mode: { enum: ['fast', 'exact'] } },
    required: ['text', 'mode'],
    additionalProperties: false,
  },
  run: (data) => {
    holds<Same<typeof data, { text: string; mode: 'fast' | 'exact'; times?: number }>>();
    // @ts-expect-error: there is no such member
    data.txet;
    // @ts-expect-error: it need not be there
    data.times.toFixed();
    return data.text.repeat(data.times ?? 1);
  },
});
holds<Same<Parameters<typeof sized.run>[0], { text: string; mode: 'fast' | 'exact'; times?: number }>>();

const connected = defineOperation({
  description: 'Has a state.',
  setup: async ({ log }) => {
    log.info({}, 'set up');
    return { queries: 0 };
  },
  teardown: (state) => holds<Same<typeof state, { queries: number }>>(),
  run: (data, { state, signal }) => {
    holds<Same<typeof data, unknown>>();
    // @ts-expect-error: the state has no such member
    state.query;
    return signal.aborted ? 0 : state.queries;
  },
});

const named = defineOperation<number, string>({
  description: 'Has types that are named.',
  input: { type: 'number' },
  run: (n) => n.toFixed(),
});
holds<Same<Parameters<typeof named.run>[0], number>>();
const flag = defineOperation<boolean, boolean>({ description: 'Is one.', run: (is) => !is });
holds<Same<Parameters<typeof flag.run>[0], boolean>>();

const schema: JsonSchema = { type: 'number' };
const unknowing = defineOperation({ description: 'Has a schema from elsewhere.', input: schema, run: (data) => data });
holds<Same<Parameters<typeof unknowing.run>[0], unknown>>();

// @ts-expect-error: what `run` takes is not what the schema says
const wrong = defineOperation({ description: 'x', input: { type: 'string' }, run: (n: number) => n });

test('an operation is one, however its types came about', () => {
  for (const operation of [sized, connected, named, flag, unknowing, wrong]) assert.ok(isOperation(operation));
  assert.equal([tree.kids.length, noTree.kids.length], [1, 1]);
});

test.run();
