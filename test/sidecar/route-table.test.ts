import * as assert from 'uvu/assert';
import { RouteTable } from '../../src/sidecar/route-table.js';
import { suite } from '../support/suite.js';

const test = suite('the methods that a path may be asked with');

const routes = new RouteTable();
routes.add('/', 'GET');
routes.add('/livez', 'GET');
routes.add('/livez', ['HEAD']);
routes.add('/v1/call/:op', 'POST');
routes.add('/docs/*', 'GET');

test('a path that has routes gives their methods, whatever its query', () => {
  assert.equal(routes.methodsOf('/livez'), ['GET', 'HEAD']);
  assert.equal(routes.methodsOf('/livez?x=/y'), ['GET', 'HEAD']);
  assert.equal(routes.methodsOf('/v1/call/sum'), ['POST']);
  assert.equal(routes.methodsOf('/docs/static/a.css'), ['GET']);
});

test('a path that only resembles one has none', () => {
  for (const path of ['/livez/', '/v1/call/', '/v1/call/sum/', '/v1/call/a/b', '/v1/call', '/livezX', '/x/livez', '']) {
    assert.equal(routes.methodsOf(path), [], path);
  }
});

test.run();
