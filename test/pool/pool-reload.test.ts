import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { PoolError } from '../../src/errors.js';
import type { Pool } from '../../src/pool/pool.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import {
  answerOf,
  call,
  engineModule,
  frameTask,
  keepLog,
  makePool,
  scratch,
  startPool,
  submit,
  usersOf,
} from './support.js';

const test = suite('pool: one version of the operations', { timeoutMs: 60_000 });

/** A module with an import of each kind, whose operations tell their version. */
function versioned(t: TestContext) {
  const files = scratch(t);
  const write = (version: number, more = '') => {
    files.module(
      'versioned.mjs',
      `import dep from './dep.cjs';
       import { fromJson, url } from './lib.mjs';
       export const version = defineOperation({ description: 'Tells it.', run: () => [${version}, dep.sub, fromJson, url] });
       export const slow = defineOperation({ description: 'Takes a while.', run: async (ms) => {
         await new Promise((resolve) => setTimeout(resolve, ms));
         return ${version};
       } });
       export const die = defineOperation({ description: 'Dies.', run: () => process.exit(1) });
       ${more}`,
    );
    const at = (name: string) => file.replace('versioned.mjs', name);
    writeFileSync(at('dep.cjs'), `module.exports = { sub: require('./sub.cjs') };`);
    writeFileSync(at('sub.cjs'), `module.exports = ${10 * version};`);
    writeFileSync(at('data.json'), `{ "n": ${100 * version} }`);
    writeFileSync(
      at('lib.mjs'),
      `import { createRequire } from 'node:module';
       export const fromJson = createRequire(import.meta.url)('./data.json').n;
       export const url = import.meta.url;`,
    );
  };
  const file = files.module('versioned.mjs', '');
  const tells = (version: number) => [
    version,
    10 * version,
    100 * version,
    pathToFileURL(file).href.replace('versioned', 'lib'),
  ];
  return { file, write, tells };
}

/** Has each thread of users' operations replaced by another. */
async function replaceAll(pool: Pool): Promise<void> {
  for (let thread = 0; thread < 2; thread += 1) {
    assert.is(await answerOf(call(pool, 'die')), 'WORKER_LOST');
    await until('the pool is whole', () => usersOf(pool).workers.idle + usersOf(pool).workers.spare === 2);
  }
}

test('threads that come later run what the first has loaded, whatever was written to the files meanwhile', async (t) => {
  const { file, write, tells } = versioned(t);
  write(1);
  const { pool } = await startPool(t, { operationModules: [pathToFileURL(file).href] });
  assert.equal(await answerOf(call(pool, 'version')), tells(1));
  write(2, 'this is no JavaScript');
  await replaceAll(pool);
  for (let n = 0; n < 4; n += 1) assert.equal(await answerOf(call(pool, 'version')), tells(1));
  assert.is(pool.trouble, undefined);
});

test('a reload runs the new version, and what runs comes to its end in the old one', async (t) => {
  const { file, write, tells } = versioned(t);
  write(1, "export const gone = defineOperation({ description: 'Goes.', run: () => 1 });");
  const { pool } = await startPool(t, { operationModules: [pathToFileURL(file).href] });
  const running = call(pool, 'slow', 1500);
  await until('it runs', () => usersOf(pool).workers.busy === 1);
  const waiting = [
    call(pool, 'version'),
    call(pool, 'gone'),
    submit(pool, frameTask('gone', '{"id":"1","op":"gone"}')),
  ];
  write(2, "export const fresh = defineOperation({ description: 'Comes.', run: () => 2 });");
  const operations = await pool.reload();
  assert.equal(operations.map(({ name }) => name).sort(), ['die', 'fresh', 'slow', 'version']);
  assert.equal(pool.operations(), operations);
  assert.equal(await answerOf(waiting[0]!), tells(2));
  assert.is(await answerOf(waiting[1]!), 'UNKNOWN_OP');
  assert.is((await waiting[2]!.outcome).kind, 'handout');
  assert.is(await answerOf(call(pool, 'gone')), 'UNKNOWN_OP');
  assert.is(await answerOf(call(pool, 'fresh')), 2);
  assert.is(await answerOf(running), 1);
  await until('the old threads are gone', () => {
    const { workers } = usersOf(pool);
    return workers.busy === 0 && workers.idle + workers.spare === 2;
  });
  assert.ok(pool.ready);
  await replaceAll(pool);
  assert.equal(await answerOf(call(pool, 'version')), tells(2));
  assert.is(usersOf(pool).threads.lost, 2);
});

test('a reload while the first threads still start is no end of the start: the new ones are waited for', async (t) => {
  const files = scratch(t);
  const write = (version: number, first: string) =>
    files.module(
      'slow-start.mjs',
      `import { existsSync, writeFileSync } from 'node:fs';
       ${first}
       export const version = defineOperation({ description: 'Tells it.', run: () => ${version} });`,
    );
  // The first thread is there at once, and the next ones never.
  const file = write(
    1,
    `const flag = new URL('first-is-there', import.meta.url);
     if (existsSync(flag)) await new Promise((resolve) => setTimeout(resolve, 1e9));
     writeFileSync(flag, '');`,
  );
  const { pool } = makePool(t, { operationModules: [pathToFileURL(file).href] });
  const started = pool.start();
  started.catch(() => {});
  await pool.operationsKnown();
  write(2, '');
  await pool.reload();
  assert.is(await answerOf(call(pool, 'version')), 2);
  await started;
  assert.is(pool.ready, true);
  assert.is(await answerOf(call(pool, 'version')), 2);
});

test('a reload that fails says why in one sentence, and the old version stays', async (t) => {
  const { file, write, tells } = versioned(t);
  write(1);
  const { pool } = await startPool(t, { operationModules: [pathToFileURL(file).href] });
  write(2, 'throw new Error("no database");');
  const failure = await pool.reload().catch((error: unknown) => error);
  assert.instance(failure, PoolError);
  assert.match((failure as Error).message, /^--ops: cannot load operations from .*versioned\.mjs: Error: no database$/);
  assert.equal(await answerOf(call(pool, 'version')), tells(1));
  await replaceAll(pool);
  assert.equal(await answerOf(call(pool, 'version')), tells(1));
  assert.ok(pool.ready);
  write(3);
  const [first, second] = await Promise.all([pool.reload(), pool.reload()]);
  assert.equal(first, second);
  assert.equal(await answerOf(call(pool, 'version')), tells(3));
});

test('a reload after the pool was closed, or while it closes, fails', async (t) => {
  const { file, write } = versioned(t);
  write(1);
  const { pool } = await startPool(t, { operationModules: [pathToFileURL(file).href] });
  const reload = pool.reload().catch((error: unknown) => error);
  await pool.close();
  for (const failure of [await reload, await pool.reload().catch((error: unknown) => error)]) {
    assert.match((failure as Error).message, /the pool was closed/);
  }
});

test('without modules there is nothing to load anew', async (t) => {
  const { pool } = await startPool(t, { operationModules: [] });
  assert.equal(await pool.reload(), []);
  assert.equal(pool.moduleFiles(), []);
});

test('the users’ own files that are loaded are known, and no others', async (t) => {
  const { file, write } = versioned(t);
  write(1);
  const { pool } = await startPool(t, { operationModules: [pathToFileURL(file).href] });
  const names = ['data.json', 'dep.cjs', 'lib.mjs', 'sub.cjs', 'versioned.mjs'];
  assert.equal(
    [...pool.moduleFiles()].sort(),
    names.map((name) => file.replace('versioned.mjs', name)),
  );
});

test('threads start, and modules are loaded anew, where our own compiled files are gone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'trama-copy-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  cpSync(join(root, 'dist', 'src'), join(folder, 'dist', 'src'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), readFileSync(join(root, 'package.json')));
  const file = join(folder, 'ops.mjs');
  const write = (version: number) =>
    writeFileSync(
      file,
      `import { defineOperation } from '${folder}/dist/src/index.js';
       export const version = defineOperation({ description: 'x', input: { type: 'null' }, run: () => ${version} });
       export const die = defineOperation({ description: 'Dies.', run: () => process.exit(1) });`,
    );
  write(1);
  const copy: typeof import('../../src/pool/pool.js') = await import(join(folder, 'dist/src/pool/pool.js'));
  const { log } = keepLog();
  const operationModules = [pathToFileURL(file).href];
  const pool = new copy.Pool({ workers: 1, queueMax: 100, workerMemoryMb: 64, operationModules, engineModule, log });
  t.after(() => pool.close());
  await pool.start();
  rmSync(join(folder, 'dist'), { recursive: true });
  await replaceAll(pool);
  assert.is(await answerOf(call(pool, 'version')), 1);
  write(2);
  await pool.reload();
  assert.is(await answerOf(call(pool, 'version')), 2);
  rmSync(file);
  await replaceAll(pool);
  assert.is(await answerOf(call(pool, 'version')), 2);
});

test.run();
