import { constants } from 'node:buffer';
import { Worker } from 'node:worker_threads';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { answerOf, call, frameTask, sharePool, startPool, submit, usersOf } from './support.js';

const test = suite('pool: code that cannot be trusted');
const shared = sharePool(test);

for (const how of ['codeGetter', 'messageGetter', 'nameGetter', 'primitive', 'revoked', 'nothing']) {
  test(`what an operation throws or logs may be unreadable (${how}): the thread lives, and the caller hears INTERNAL`, async () => {
    const pool = shared();
    assert.is(await answerOf(call(pool, 'throwHostile', how)), 'INTERNAL');
    assert.is(await answerOf(call(pool, 'logHostile', how)), 'logged');
    assert.is(usersOf(pool).threads.lost, 0);
  });
}

test('an error that is the caller’s business may be of another realm, no Error at all, or have a message that is no text', async () => {
  const pool = shared();
  assert.equal(await call(pool, 'fail', 'otherRealm').outcome, {
    kind: 'error',
    code: 'OUT_OF_RANGE',
    message: 'from afar',
  });
  assert.equal(await call(pool, 'fail', 'noText').outcome, {
    kind: 'error',
    code: 'BAD_DATA',
    message: 'the operation gave no reason as text',
  });
});

test('a message that is cut is cut between characters', async () => {
  const outcome = await call(shared(), 'fail', 'pairs').outcome;
  assert.is(outcome.kind === 'error' && outcome.message, `${'a'.repeat(999)}…`);
});

const strange: [what: string, told: string][] = [
  ['map', 'result.items[3] is a Map; Object.fromEntries(it) is an object that can be sent'],
  ['bigint', 'result is a BigInt; String(it) or Number(it) can be sent'],
  ['cycle', 'result.self is result again, in which it is'],
  ['promise', 'result.rows is a promise; is an await missing?'],
  ['functionMember', 'result.f is a function; is a call of it missing?'],
  ['numbers', 'result[1] is NaN; null says that there is no number'],
];

test('a result that JSON cannot say is an error that names the place, to the caller and in the log', async (t) => {
  const { pool, lines } = await startPool(t);
  for (const [what, told] of strange) {
    const message = `operation \`returned\` returned what JSON cannot say: ${told}`;
    assert.equal(await call(pool, 'returned', what).outcome, { kind: 'error', code: 'INTERNAL', message });
    const { level, message: logged } = lines.at(-1)!;
    assert.equal([level, logged], ['error', message]);
  }
  assert.is(await answerOf(call(pool, 'returned', 'hostileGetter')), 'INTERNAL');
});

test('bytes in a result are base64', async () => {
  const pool = shared();
  assert.is(await answerOf(call(pool, 'returned', 'buffer')), 'eA==');
  assert.equal(await answerOf(call(pool, 'returned', 'typedArray')), { a: ['AAA='] });
  assert.equal(await answerOf(call(pool, 'returned', 'arrayBuffer')), { b: 'AAA=' });
});

test('what JSON says in its own way stays as it was', async () => {
  const pool = shared();
  assert.is(await answerOf(call(pool, 'returned', 'date')), '1970-01-01T00:00:00.000Z');
  assert.is(await answerOf(call(pool, 'returned', 'ownJson')), 'mine');
});

test('a result that is too large for a frame is told with its size, the limit and the option', async (t) => {
  const { pool } = await startPool(t, { resultBytesMax: 1000 });
  const outcome = await call(pool, 'returned', 'large').outcome;
  assert.equal(outcome, {
    kind: 'error',
    code: 'INTERNAL',
    message: 'operation `returned` returned 2002 bytes, and 1000 are allowed (--max-frame-bytes)',
  });
  const [{ MAX_STRING_LENGTH: unitsMax }, beyond] = [constants, await call(pool, 'returned', 'beyondText').outcome];
  assert.equal(beyond, {
    kind: 'error',
    code: 'INTERNAL',
    message: `operation \`returned\` returned more than ${unitsMax} bytes, and 1000 are allowed (--max-frame-bytes)`,
  });
});

for (const what of ['set', 'subarray', 'global', 'stringify', 'parse', 'encode', 'store', 'post', 'immediate']) {
  test(`an operation that replaces a built-in (${what}) changes nothing for others`, async (t) => {
    const { pool } = await startPool(t, { spares: 0 });
    const locked = ['set', 'subarray', 'global', 'encode'].includes(what);
    assert.is(await answerOf(call(pool, 'replaceBuiltIn', what)), locked ? 'INTERNAL' : 'replaced');
    for (let n = 0; n < 5; n += 1) {
      assert.equal(await answerOf(call(pool, 'echoed', { n })), [{ n }]);
      const body = `{"id":"é${n}","op":"echoed","data":"${'x'.repeat(n)}"}`;
      const outcome = await submit(pool, frameTask('echoed', body)).outcome;
      if (outcome.kind !== 'frame') throw new Error(outcome.kind);
      const reply = JSON.parse(new TextDecoder().decode(outcome.frame.subarray(4)));
      assert.equal(reply, { id: `é${n}`, ok: true, result: ['x'.repeat(n)] });
    }
    assert.equal(usersOf(pool).threads, { started: 1, lost: 0, stopped: 0 });
  });
}

test('what an operation posts on the port in its reach never comes to the I/O thread', async (t) => {
  const { emit } = Worker.prototype;
  const heard: unknown[] = [];
  Worker.prototype.emit = function (this: Worker, event: never, ...values: never[]): boolean {
    if (event === 'message') heard.push(values);
    return emit.call(this, event, ...values);
  };
  t.after(() => {
    Worker.prototype.emit = emit;
  });
  const { pool } = await startPool(t);
  assert.is(await answerOf(call(pool, 'shout', { times: 1000 })), 'posted');
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  await until('a turn has passed', () => true);
  assert.equal(heard, []);
});

test.run();
