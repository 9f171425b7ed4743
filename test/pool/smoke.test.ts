import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { answerOf, call, frameTask, startPool, submit } from './support.js';
const test = suite('smoke');
test('works', async (t) => {
  const t0 = performance.now();
  const { pool, lines } = await startPool(t, { workers: 2 });
  console.log(performance.now() - t0, pool.snapshot(), lines);
  assert.is(await answerOf(call(pool, 'double', 4)), 8);
  console.log(await call(pool, 'items', { items: [1, 'x'] }).outcome);
  console.log(await submit(pool, frameTask('sum', '{"id":"1","op":"sum","data":[1,2]}')).outcome);
  console.log(await submit(pool, frameTask('double', '{"id":"1","op":"double","timeoutMs":12.5,"data":[1,2]}')).outcome);
  console.log(await call(pool, 'spin', {}, 100).outcome, pool.snapshot());
  console.log(await call(pool, 'dieOnce', {how:'memory'}).outcome, lines);
  console.log(await call(pool, 'dieIdempotent', {how:'portClosed'}).outcome, lines, pool.snapshot());
});
test.run();
