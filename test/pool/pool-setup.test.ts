import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { answerOf, call, makePool, scratch, startPool, usersOf } from './support.js';

const test = suite('pool: setup and teardown', { timeoutMs: 60_000 });

/** A module whose text can write into a journal, with `note(line)`; `switch()` reads a file that the test can write. */
function moduleOf(t: TestContext, text: string) {
  const files = scratch(t);
  const journal = files.journal();
  const flag = `${journal.file}.flag`;
  writeFileSync(flag, '');
  const write = (more: string) =>
    files.module(
      'ops.mjs',
      `import { appendFileSync, readFileSync } from 'node:fs';
       const note = (line) => appendFileSync(${JSON.stringify(journal.file)}, line + '\\n');
       const flag = () => readFileSync(${JSON.stringify(flag)}, 'utf8');
       export const die = defineOperation({ description: 'Dies.', run: () => process.exit(1) });
       ${more}`,
    );
  const url = pathToFileURL(write(text)).href;
  return { url, write, lines: journal.lines, setFlag: (value: string) => writeFileSync(flag, value) };
}

const counted = `
  let made = 0;
  const database = {
    setup: async ({ log }) => {
      made += 1;
      note('set up');
      log.info({ made }, 'connected');
      return { made, queries: 0 };
    },
    teardown: (state, { log }) => {
      note('torn down after ' + state.queries);
      log.info({}, 'closed');
    },
  };
  const query = (_, { state }) => [state.made, ++state.queries];
  export const a = defineOperation({ ...database, description: 'a', run: query });
  export const b = defineOperation({ ...database, description: 'b', run: query });
  export const bare = defineOperation({ description: 'c', run: (_, { state }) => state === undefined });
`;

test('setup is called once a thread, and operations with the same one share what it returns', async (t) => {
  const { url, lines } = moduleOf(t, counted);
  const { pool, lines: log } = await startPool(t, { operationModules: [url], spares: 0 });
  assert.equal(lines(), ['set up']);
  assert.equal(await answerOf(call(pool, 'a')), [1, 1]);
  assert.equal(await answerOf(call(pool, 'b')), [1, 2]);
  assert.is(await answerOf(call(pool, 'bare')), true);
  const { op, made, message } = log.find((line) => line.message === 'connected')!;
  assert.equal({ op, made, message }, { op: 'a', made: 1, message: 'connected' });
});

test('teardown is called in each thread when the pool is closed, and the end waits for it', async (t) => {
  const { url, lines } = moduleOf(t, counted);
  const { pool, lines: log } = await startPool(t, { operationModules: [url] });
  await answerOf(call(pool, 'a'));
  assert.is(await pool.close(), true);
  assert.equal(lines().sort(), ['set up', 'set up', 'torn down after 0', 'torn down after 1']);
  assert.is(log.filter(({ message }) => message === 'closed').length, 2);
  assert.is(log.filter(({ level }) => level === 'warn').length, 0);
});

test('at a reload the old threads tear down, one that is busy after its task', async (t) => {
  const wait = `export const slow = defineOperation({ description: 's', run: async () => {
    note('runs');
    while (flag() === '') await new Promise((resolve) => setTimeout(resolve, 5));
    return 'done';
  } });`;
  const { url, write, lines, setFlag } = moduleOf(t, counted + wait);
  const { pool } = await startPool(t, { operationModules: [url], spares: 0 });
  const slow = call(pool, 'slow');
  await until('it runs', () => lines().includes('runs'));
  write("export const fresh = defineOperation({ description: 'f', run: () => 'fresh' });");
  await pool.reload();
  assert.is(await answerOf(call(pool, 'fresh')), 'fresh');
  assert.equal(lines(), ['set up', 'runs']);
  setFlag('go on');
  assert.is(await answerOf(slow), 'done');
  await until('it is torn down', () => lines().includes('torn down after 0'));
});

test('a thread that dies is not torn down, and the one in its place is set up', async (t) => {
  const { url, lines } = moduleOf(t, counted);
  const { pool } = await startPool(t, { operationModules: [url], spares: 0 });
  await answerOf(call(pool, 'a'));
  assert.is(await answerOf(call(pool, 'die')), 'WORKER_LOST');
  assert.equal(await answerOf(call(pool, 'b')), [1, 1]);
  assert.equal(lines(), ['set up', 'set up']);
});

test('teardowns run in the opposite order of the setups, also where one of them fails', async (t) => {
  const one = (name: string, end: string) => `export const ${name} = defineOperation({
    description: 'x', run: () => 1,
    setup: () => note('set up ${name}'),
    teardown: async () => { note('torn down ${name}'); ${end} },
  });`;
  const { url, lines } = moduleOf(t, one('a', '') + one('b', "throw new Error('no more');") + one('c', ''));
  const { pool, lines: log } = await startPool(t, { operationModules: [url], spares: 0 });
  await pool.close();
  const order = ['set up a', 'set up b', 'set up c', 'torn down c', 'torn down b', 'torn down a'];
  assert.equal(lines(), order);
  const told = log.find(({ level }) => level === 'error')!;
  assert.is(told.message, 'the `teardown` of `b` failed');
  assert.match(JSON.stringify(told), /no more/);
});

for (const [how, body, reason] of [
  ['never ends', 'await new Promise((resolve) => setInterval(() => {}, 1000));', /^not done after 200 ms$/],
  ['ends its thread', 'process.exit(3);', /^it exited with status 3$/],
  [
    'throws where nobody waits',
    "setImmediate(() => { throw new Error('late'); }); await new Promise(() => {});",
    /late/,
  ],
] as const) {
  test(`a teardown that ${how} keeps nobody waiting, and is told`, async (t) => {
    const { url } = moduleOf(
      t,
      `export const a = defineOperation({ description: 'a', run: () => 1, setup: () => 1, teardown: async () => { ${body} } });`,
    );
    const { pool, lines } = await startPool(t, { operationModules: [url], spares: 0, teardownTimeoutMs: 200 });
    assert.is(await pool.close(), true);
    const told = lines.find(({ message }) => message === 'a worker thread was gone before its `teardown` was done')!;
    assert.match(String(told.reason), reason);
  });
}

const failing: [what: string, text: string, expected: RegExp, startTimeoutMs?: number][] = [
  ['throws', "throw new Error('no database');", /the `setup` of `a` failed: Error: no database$/],
  ['waits for ever', 'await new Promise(() => {});', /the `setup` of `a` waits for something that never comes$/],
  [
    'takes too long',
    'setInterval(() => {}, 1000); await new Promise(() => {});',
    /the `setup` of `a` was not done after 1500 ms$/,
    1500,
  ],
];

for (const [what, text, expected, startTimeoutMs = 30_000] of failing) {
  test(`a setup that ${what} ends the start with one sentence that names it`, async (t) => {
    const { url } = moduleOf(
      t,
      `export const a = defineOperation({ description: 'a', run: () => 1, setup: async () => { ${text} } });`,
    );
    const { pool } = makePool(t, { operationModules: [url], startTimeoutMs });
    const error: Error = await pool.start().then(
      () => new Error('it started'),
      (reason) => reason,
    );
    assert.match(error.message, /^--ops: cannot load operations from .*ops\.mjs: /);
    assert.match(error.message, expected);
  });
}

test('where a setup fails, those before it are torn down', async (t) => {
  const { url, lines } = moduleOf(
    t,
    `export const a = defineOperation({ description: 'a', run: () => 1, setup: () => 1, teardown: () => note('a') });
     export const b = defineOperation({ description: 'b', run: () => 1, setup: () => { throw 'no'; } });`,
  );
  const { pool } = makePool(t, { operationModules: [url] });
  const error: Error = await pool.start().then(
    () => new Error('it started'),
    (reason) => reason,
  );
  assert.match(error.message, /the `setup` of `b` failed: it threw no$/);
  assert.equal(lines(), ['a']);
});

for (const [how, body, expected, startTimeoutMs] of [
  [
    'waits for ever',
    'await new Promise(() => {});',
    /the `setup` of `b` failed: Error: no; then the `teardown` of `a` waits for something that never comes$/,
    30_000,
  ],
  [
    'takes too long',
    'setInterval(() => {}, 1000); await new Promise(() => {});',
    /the `setup` of `b` failed: Error: no; then the `teardown` of `a` was not done after 4000 ms$/,
    4000,
  ],
] as const) {
  test(`where a setup fails, it is told also if the teardown of one before ${how}`, async (t) => {
    const { url } = moduleOf(
      t,
      `const run = () => 1;
       export const a = defineOperation({ description: 'a', run, setup: () => 1, teardown: async () => { ${body} } });
       export const b = defineOperation({ description: 'b', run, setup: () => { throw new Error('no'); } });`,
    );
    const { pool } = makePool(t, { operationModules: [url], startTimeoutMs });
    const error: Error = await pool.start().then(
      () => new Error('it started'),
      (reason) => reason,
    );
    assert.match(error.message, expected);
  });
}

test('one setup with two teardowns is refused before any setup is called', async (t) => {
  const { url, lines } = moduleOf(
    t,
    `const setup = () => note('set up');
     export const a = defineOperation({ description: 'a', run: () => 1, setup, teardown: () => {} });
     export const b = defineOperation({ description: 'b', run: () => 1, setup });`,
  );
  const { pool } = makePool(t, { operationModules: [url] });
  const error: Error = await pool.start().then(
    () => new Error('it started'),
    (reason) => reason,
  );
  assert.match(error.message, /ops\.mjs: `b` and `a` have the same `setup`, but not the same `teardown`$/);
  assert.equal(lines(), []);
});

test('a setup that fails in a later thread is told as what keeps threads from starting, until it does not', async (t) => {
  const { url, setFlag } = moduleOf(
    t,
    `export const a = defineOperation({ description: 'a', run: () => 1, setup: () => { if (flag() !== '') throw new Error(flag()); } });`,
  );
  const { pool, lines } = await startPool(t, { operationModules: [url], spares: 0 });
  setFlag('the database is away');
  assert.is(await answerOf(call(pool, 'die')), 'WORKER_LOST');
  await until('that is told', () => lines.some(({ message }) => message === 'a worker thread could not start'));
  const { reason } = lines.find(({ message }) => message === 'a worker thread could not start')!;
  assert.match(String(reason), /the `setup` of `a` failed: Error: the database is away$/);
  setFlag('');
  await until('one has started', () => usersOf(pool).workers.idle === 1);
  assert.is(await answerOf(call(pool, 'a')), 1);
});

test.run();
