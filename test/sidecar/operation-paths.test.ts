import * as assert from 'uvu/assert';
import type { OperationInfo } from '../../src/ops/operation-info.js';
import { type OpenApi, withOperations } from '../../src/sidecar/operation-paths.js';
import { suite } from '../support/suite.js';

const test = suite('operations in the OpenAPI document');

const document: OpenApi = {
  paths: { '/v1/call/{op}': { post: { parameters: [{ in: 'path' }, { in: 'query' }], responses: { '4XX': {} } } } },
  components: { schemas: {} },
};

function operation(name: string, schemas: Pick<OperationInfo, 'input' | 'output'> = {}): OperationInfo {
  return { name, description: `Does ${name}.`, streaming: false, idempotent: true, concurrency: 1, ...schemas };
}

// biome-ignore lint/suspicious/noExplicitAny: a document is walked here by hand
const build = (...operations: OperationInfo[]): any => withOperations(document, operations);

test('each operation has a path of its own, and there is one for any', () => {
  const { paths } = build(operation('sum'), operation('größe'));
  assert.equal(Object.keys(paths), ['/v1/call/{op}', '/v1/call/sum', '/v1/call/gr%C3%B6%C3%9Fe']);
  const { post } = paths['/v1/call/sum'];
  assert.is(post.summary, 'Does sum.');
  assert.equal(post.parameters, [{ in: 'query' }]);
  assert.equal(Object.keys(post.responses).sort(), ['200', '4XX']);
});

test('data may be left out where the operation declares nothing of it', () => {
  const { paths } = build(operation('any'), operation('some', { input: { type: 'string' } }));
  assert.is(paths['/v1/call/any'].post.requestBody.required, false);
  assert.is(paths['/v1/call/some'].post.requestBody.required, true);
});

test('a schema that refers into itself still does so from its new place', () => {
  const input = {
    $id: 'https://example.org/tree',
    type: 'object',
    properties: { next: { $ref: '#' }, at: { $ref: '#/$defs/point' }, $ref: { type: 'string' } },
    $defs: { point: { type: 'number' } },
  };
  const { paths, components } = build(operation('walk.tree', { input, output: false }));
  const name = 'walk.2etree.input';
  assert.is(
    paths['/v1/call/walk.tree'].post.requestBody.content['application/json'].schema.$ref,
    `#/components/schemas/${name}`,
  );
  const moved = components.schemas[name];
  assert.is(moved.properties.next.$ref, `#/components/schemas/${name}`);
  assert.is(moved.properties.at.$ref, `#/components/schemas/${name}/$defs/point`);
  assert.equal(moved.properties.$ref, { type: 'string' });
  assert.is(moved.$id, undefined);
  assert.is(components.schemas['walk.2etree.output'], false);
});

test.run();
