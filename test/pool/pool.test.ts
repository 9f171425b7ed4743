import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import {
  answerOf,
  call,
  dataTask,
  engineModule,
  frameTask,
  keepLog,
  makePool,
  scratch,
  sharePool,
  startPool,
  submit,
  usersOf,
} from './support.js';

const test = suite('pool');
const shared = sharePool(test);

const textOf = (frame: Uint8Array) => new TextDecoder().decode(frame.subarray(4));

test('an operation runs and its result comes back as JSON', async () => {
  const pool = shared();
  assert.is(await answerOf(call(pool, 'double', 21)), 42);
  assert.is(await answerOf(call(pool, 'returned', 'text')), 'ñ');
});

test('data that is absent is null, and a result that JSON has no word for is null', async () => {
  const pool = shared();
  assert.equal(await answerOf(call(pool, 'echoed')), [null]);
  assert.is(await answerOf(call(pool, 'returned', 'nothing')), null);
});

test('data that does not fit the schema is refused with the place', async () => {
  const pool = shared();
  assert.equal(await call(pool, 'items', { items: [1, 2, 3, '4'] }).outcome, {
    kind: 'error',
    code: 'BAD_DATA',
    message: 'data/items/3 must be number',
  });
  assert.equal(await call(pool, 'items', { items: [], more: 1 }).outcome, {
    kind: 'error',
    code: 'BAD_DATA',
    message: 'data must NOT have additional properties (`more`)',
  });
});

test('an error that is the caller’s business travels with its message', async () => {
  const pool = shared();
  const badData = { kind: 'error', code: 'BAD_DATA', message: 'data has too many corners' };
  assert.equal(await call(pool, 'fail', 'badData').outcome, badData);
  assert.equal(await call(pool, 'fail', 'outOfRange').outcome, {
    kind: 'error',
    code: 'OUT_OF_RANGE',
    message: 'too far away',
  });
});

test('any other error is INTERNAL, tells the caller nothing, and the log everything', async (t) => {
  for (const how of ['error', 'text', 'overloaded']) {
    const { pool, lines } = await startPool(t);
    const outcome = await call(pool, 'fail', how).outcome;
    assert.is(outcome.kind === 'error' && outcome.code, 'INTERNAL');
    assert.not.match(JSON.stringify(outcome), /secret|business/);
    const line = lines.find((each) => each.op === 'fail');
    assert.match(JSON.stringify(line), /secret|business/);
    await pool.close();
  }
});

test('all lines of a run have the id of its request, also where the operation logs later', async (t) => {
  const { pool, lines } = await startPool(t);
  for (const [label, op, data] of [
    ['r-1', 'fail', 'error'],
    ['r-2', 'talk', { lines: 1 }],
    ['r-3', 'talk', { lines: 1, print: true }],
    ['r-4', 'talkLater', { ms: 20 }],
    [undefined, 'talk', { lines: 1 }],
  ] as const) {
    await submit(pool, { ...dataTask(op, data), label }).outcome;
  }
  await until('the last line has come', () => lines.length === 5);
  await submit(pool, { ...dataTask('dieOnce', { how: 'timer' }), label: 'r-6' }).outcome;
  assert.is(lines.length, 6);
  assert.equal(lines.map(({ op, id }) => `${op} ${id}`).sort(), [
    'dieOnce r-6',
    'fail r-1',
    'talk r-2',
    'talk r-3',
    'talk undefined',
    'talkLater r-4',
  ]);
});

test('a result that is no JSON, or more than fits into a frame, is INTERNAL with the cause in the log', async (t) => {
  const { pool, lines } = await startPool(t, { resultBytesMax: 1000 });
  assert.is(await answerOf(call(pool, 'returned', 'bigint')), 'INTERNAL');
  assert.is(await answerOf(call(pool, 'returned', 'cycle')), 'INTERNAL');
  assert.is(await answerOf(call(pool, 'returned', 'large')), 'INTERNAL');
  assert.match(lines[0]!.message!, /result is a BigInt/);
  assert.match(lines[1]!.message!, /result\.self is result again/);
  assert.match(lines[2]!.message!, /returned 2002 bytes/);
});

test('an operation that nobody has is UNKNOWN_OP, also one of the engine’s or of an object’s own', async () => {
  const pool = shared();
  for (const op of ['nope', 'sum', '__proto__', 'constructor', '']) {
    assert.is(await answerOf(call(pool, op, [])), 'UNKNOWN_OP', op);
  }
});

test('a task that cannot be taken hears so after submit, not inside', async () => {
  const pool = shared();
  let returned = false;
  const heardAfter = new Promise<boolean>((resolve) => {
    pool.submit({ kind: 'data', op: 'nope', payload: new Uint8Array() }, () => resolve(returned));
  });
  returned = true;
  assert.is(await heardAfter, true);
});

test('a task that was refused and is ended at once has one outcome', async () => {
  const pool = shared();
  const refused = call(pool, 'nope');
  refused.handle.end('CANCELLED', 'not wanted');
  assert.is(await answerOf(refused), 'CANCELLED');
  assert.is(await answerOf(call(pool, 'double', 1)), 2);
  assert.is(refused.outcomes.length, 1);
});

test('a whole frame is answered by the engine, byte for byte', async (t) => {
  const { pool } = await startPool(t, { operationModules: [] });
  const outcome = await submit(pool, frameTask('sum', '{"id":"7","op":"sum","data":[0.1,0.2]}')).outcome;
  if (outcome.kind !== 'frame') throw new Error(outcome.kind);
  assert.is(new TextDecoder().decode(outcome.frame.subarray(4)), '{"id":"7","ok":true,"result":0.3}');
  assert.is(outcome.frame[3], outcome.frame.length - 4);
  const bad = await submit(pool, frameTask('sum', '{"id":"7"')).outcome;
  assert.is(bad.kind === 'frame' && bad.code, 'BAD_JSON');
});

test('a large frame in shared memory is answered, and its reply is not cut', async (t) => {
  const { pool } = await startPool(t, { operationModules: [] });
  const text = 'é'.repeat(1_000_000);
  const body = new TextEncoder().encode(`{"id":"1","op":"echo","data":"${text}"}`);
  const payload = new Uint8Array(new SharedArrayBuffer(body.length));
  payload.set(body);
  const outcome = await submit(pool, { kind: 'frame', op: 'echo', payload }).outcome;
  if (outcome.kind !== 'frame') throw new Error(outcome.kind);
  assert.is(JSON.parse(new TextDecoder().decode(outcome.frame.subarray(4))).result, text);
});

test('a frame for an operation of a user is decoded, run and answered in one thread', async () => {
  const pool = shared();
  const outcome = await submit(pool, frameTask('double', '{"id":"ñ","op":"double","data": 4 }')).outcome;
  if (outcome.kind !== 'frame') throw new Error(outcome.kind);
  assert.is(textOf(outcome.frame), '{"id":"ñ","ok":true,"result":8}');
  assert.equal([outcome.op, outcome.code], ['double', undefined]);
  const bad = await submit(pool, frameTask('double', '{"id":"1","op":"double","data":"x"}')).outcome;
  if (bad.kind !== 'frame') throw new Error(bad.kind);
  assert.is(textOf(bad.frame), '{"id":"1","ok":false,"error":"data must be number","code":"BAD_DATA"}');
  assert.is(bad.code, 'BAD_DATA');
  const broken = await submit(pool, frameTask('double', '{"id":"1","op":"double","data":4')).outcome;
  assert.is(broken.kind === 'frame' && broken.code, 'BAD_JSON');
});

test('a frame that hides its operation from the first look comes back with the places of its parts', async () => {
  const pool = shared();
  const body = '{"id":"1","op":"double","timeoutMs":12.5,"data": 4 }';
  const outcome = await submit(pool, frameTask('unknown', body)).outcome;
  if (outcome.kind !== 'handout') throw new Error(outcome.kind);
  const { dataOffset, dataLength, timeoutMs } = outcome.envelope;
  assert.is(body.slice(dataOffset, dataOffset + dataLength).trim(), '4');
  assert.is(timeoutMs, 12.5);
});

test('bytes that are to be one JSON value are looked at by themselves first', async () => {
  const pool = shared();
  for (const op of ['double', 'echo']) {
    const start = `{"id":"1","op":"${op}","data":`;
    for (const [data, byte] of [
      ['7,"id":"2"', 1],
      ['', 0],
      ['[1,]', 3],
    ] as const) {
      const task = frameTask(op, `${start}${data}}`);
      if (task.kind === 'part') throw new Error('a part');
      const dataPlace = { offset: start.length, length: data.length };
      assert.equal(await submit(pool, { ...task, dataPlace }).outcome, {
        kind: 'error',
        code: 'BAD_JSON',
        message: `the body is not one JSON value in UTF-8: see byte ${byte}`,
      });
    }
    const task = frameTask(op, `${start}21}`);
    if (task.kind === 'part') throw new Error('a part');
    const outcome = await submit(pool, { ...task, dataPlace: { offset: start.length, length: 2 } }).outcome;
    assert.is(outcome.kind === 'frame' && outcome.code, undefined);
  }
});

test('a view on a larger buffer is sent without what is around it, and the buffer stays usable', async () => {
  const pool = shared();
  const buffer = new TextEncoder().encode('{"secret":1}21{"secret":2}');
  const outcome = submit(pool, { kind: 'data', op: 'double', payload: buffer.subarray(12, 14) });
  assert.is(await answerOf(outcome), 42);
  assert.is(buffer.length, 26);
});

test('names of frames that the server does not know share one queue', async () => {
  const pool = shared();
  const before = pool.snapshot().queues.length;
  const answers = Array.from({ length: 20 }, (_, n) => submit(pool, frameTask(`made-up-${n}`, '{"id":"1","op":"x"}')));
  assert.is(pool.snapshot().queues.length, before);
  for (const answer of answers) assert.is((await answer.outcome).kind, 'handout');
});

test('a queue that is full refuses at once and says when to come back; others are not touched', async (t) => {
  const { pool } = await startPool(t, { queueMax: 3 });
  const running = call(pool, 'wait', { ms: 60_000 });
  const waiting = Array.from({ length: 3 }, () => call(pool, 'wait', { ms: 1 }));
  const refused = await call(pool, 'wait', { ms: 1 }).outcome;
  assert.is(refused.kind === 'error' && refused.code, 'OVERLOADED');
  assert.ok(refused.kind === 'error' && (refused.retryAfterMs ?? 0) > 0);
  const other = call(pool, 'double', 1);
  assert.is(pool.snapshot().queues.find(({ op }) => op === 'wait')?.waiting, 3);
  running.handle.end('CANCELLED', 'enough');
  assert.is(await answerOf(other), 2);
  for (const each of waiting) assert.is(await answerOf(each), 'waited');
});

test('a cancelled waiting task makes room in its queue', async (t) => {
  const { pool } = await startPool(t, { queueMax: 2 });
  const running = call(pool, 'wait', { ms: 60_000 });
  const [first, second] = [call(pool, 'double', 1), call(pool, 'double', 2)];
  first.handle.end('CANCELLED', 'changed my mind');
  assert.is(await answerOf(first), 'CANCELLED');
  const third = call(pool, 'double', 3);
  assert.is(await answerOf(call(pool, 'double', 4)), 'OVERLOADED');
  running.handle.end('CANCELLED', 'enough');
  assert.equal([await answerOf(second), await answerOf(third)], [4, 6]);
});

test('an operation runs as often at once as it allows, and leaves the other threads to others', async (t) => {
  const { pool } = await startPool(t, { workers: 3 });
  const runs = Array.from({ length: 4 }, () => call(pool, 'alone', { ms: 40 }));
  const other = call(pool, 'double', 1);
  const { queues } = pool.snapshot();
  const { workers } = usersOf(pool);
  assert.is(queues.find(({ op }) => op === 'alone')?.running, 1);
  assert.equal([workers.busy, workers.idle, workers.spare], [2, 1, 1]);
  assert.is(await answerOf(other), 2);
  const spans = (await Promise.all(runs.map(answerOf))) as { from: number; to: number }[];
  for (let run = 1; run < spans.length; run += 1) assert.ok(spans[run]!.from >= spans[run - 1]!.to);
});

test('one task of an operation does not wait for a hundred of another', async () => {
  const pool = shared();
  const order: string[] = [];
  const many = Array.from({ length: 50 }, () => call(pool, 'wait', { ms: 1 }));
  const one = call(pool, 'double', 1);
  for (const each of many) void each.outcome.then(() => order.push('wait'));
  void one.outcome.then(() => order.push('double'));
  await Promise.all([...many, one].map((each) => each.outcome));
  assert.ok(order.indexOf('double') <= 4, order.slice(0, 5).join());
});

test('a spare is never put to work beside the others', async (t) => {
  const { pool } = await startPool(t, { workers: 2, spares: 1 });
  const runs = Array.from({ length: 6 }, () => call(pool, 'wait', { ms: 5 }));
  const { queues } = pool.snapshot();
  const { workers } = usersOf(pool);
  assert.equal([workers.busy, workers.idle, workers.spare], [2, 0, 1]);
  assert.is(queues.find(({ op }) => op === 'wait')?.waiting, 4);
  await Promise.all(runs.map((run) => run.outcome));
});

test('lines of an operation’s log and what it prints reach the server’s log, not its streams', async (t) => {
  const { pool, lines } = await startPool(t);
  await call(pool, 'talk', { lines: 1 }).outcome;
  await call(pool, 'talk', { lines: 1, print: true }).outcome;
  await until('both lines are there', () => lines.length >= 2);
  assert.is(lines[0]?.message, 'logged');
  assert.is(lines[0]?.op, 'talk');
  assert.match(String(lines[0]?.thread), /^trama-users-/);
  assert.match(JSON.stringify(lines[0]?.err), /told/);
  assert.is(lines[1]?.message, 'printed 0');
  assert.is(lines[1]?.stream, 'stdout');
});

test('a thread heeds the level of the server’s log', async (t) => {
  const { lines, log } = keepLog();
  const { pool } = await startPool(t, { log: { ...log, level: 'warn' } });
  await call(pool, 'talk', { lines: 3 }).outcome;
  await call(pool, 'fail', 'error').outcome;
  assert.equal(
    lines.map((line) => line.level),
    ['error'],
  );
});

test('an operation that logs in a loop cannot flood the server', async (t) => {
  const { pool, lines } = await startPool(t);
  await call(pool, 'talk', { lines: 20_000 }).outcome;
  await call(pool, 'talk', { lines: 20_000, print: true }).outcome;
  assert.ok(lines.length < 1000, `${lines.length} lines`);
});

test('closing answers what waits and what runs, and nothing is taken after', async (t) => {
  const { pool } = await startPool(t, { workers: 2 });
  const { file, lines } = scratch(t).journal();
  const tasks = [
    call(pool, 'spin', { journal: file }),
    call(pool, 'wait', { ms: 60_000 }),
    call(pool, 'wait', { ms: 60_000 }),
    call(pool, 'double', 1),
  ];
  await until('the loop runs', () => lines().length === 1);
  await pool.close();
  for (const task of tasks) assert.is(await answerOf(task), 'SHUTTING_DOWN');
  assert.is(await answerOf(call(pool, 'double', 1)), 'SHUTTING_DOWN');
  assert.is(pool.ready, false);
  assert.equal(usersOf(pool).workers, { idle: 0, busy: 0, starting: 0, spare: 0 });
  for (const task of tasks) assert.is(task.outcomes.length, 1);
  await pool.close();
});

test('tasks that come before any thread is there wait for it, and their time counts', async (t) => {
  const { pool } = makePool(t, { queueMax: 3 });
  const early = [call(pool, 'double', 1), call(pool, 'nope'), call(pool, 'double', 1, 0.001)];
  const tooMany = call(pool, 'double', 1);
  const frame = submit(pool, frameTask('upper', '{"id":"1","op":"upper","data":"a"}'));
  assert.is(await answerOf(tooMany), 'OVERLOADED');
  const started = pool.start();
  assert.equal(await Promise.all(early.map(answerOf)), [2, 'UNKNOWN_OP', 'DEADLINE_EXCEEDED']);
  assert.is((await frame.outcome).kind, 'frame');
  await started;
});

test('a pool that was closed does not start', async (t) => {
  const { pool } = makePool(t);
  await pool.close();
  const error = await pool.start().then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.match(error?.message ?? 'it started', /closed/);
});

test('a pool closed before its start has ended rejects the start', async (t) => {
  const { pool } = makePool(t, { engineModule });
  const started = pool.start();
  const known = pool.operationsKnown();
  const early = call(pool, 'double', 1);
  await pool.close();
  assert.is(await answerOf(early), 'SHUTTING_DOWN');
  for (const promise of [started, known]) {
    const error = await promise.then(
      () => undefined,
      (reason: Error) => reason,
    );
    assert.match(error?.message ?? 'it resolved', /closed/);
  }
});

test.run();
