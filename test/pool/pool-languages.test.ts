import { mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { takesTypeScript } from '../../src/ops/explain-load-error.js';
import type { Pool } from '../../src/pool/pool.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { answerOf, call, startPool, usersOf } from './support.js';

const test = suite('pool: CommonJS and TypeScript, one version of each', { timeoutMs: 60_000 });

/** The files of a version. The first has the operations `version` and `die`; the others are what it needs. */
type Files = (version: number) => Record<string, string>;

const commonJs: Files = (version) => ({
  'ops.cjs': `
    const { defineOperation } = require('trama');
    const { dep } = require('./dep.cjs');
    const { n } = require('./data.json');
    module.exports = {
      version: defineOperation({ description: 'Tells it.', run: () => [${version}, dep, n, require('./late.cjs')] }),
      die: defineOperation({ description: 'Dies.', run: () => process.exit(1) }),
    };
    require('./late.cjs');`,
  'dep.cjs': `exports.dep = ${version};`,
  'data.json': `{ "n": ${version} }`,
  'late.cjs': `module.exports = ${version};`,
});

const requiresEsm: Files = (version) => ({
  'ops.cjs': `
    const { defineOperation } = require('trama');
    const { esm } = require('./esm.mjs');
    exports.version = defineOperation({ description: 'Tells it.', run: () => [${version}, esm] });
    exports.die = defineOperation({ description: 'Dies.', run: () => process.exit(1) });`,
  'esm.mjs': `export const esm = ${version};`,
});

const typeScript: Files = (version) => ({
  'ops.ts': `
    import { defineOperation } from 'trama';
    import { dep, type Version } from './dep.mts';
    import common from './common.cts';
    export const version = defineOperation<null, Version[]>({
      description: 'Tells it.',
      run: (): Version[] => [${version} as Version, dep, common.n as Version],
    });
    export const die = defineOperation({ description: 'Dies.', run: (): never => process.exit(1) });`,
  'dep.mts': `export type Version = number;\nexport const dep: Version = ${version};`,
  'common.cts': `const n: number = require('./deep.cts') as number;\nmodule.exports = { n };`,
  'deep.cts': `module.exports = ${version} as number;`,
});

function project(t: TestContext, files: Files) {
  const folder = mkdtempSync(join(tmpdir(), 'trama-languages-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(fileURLToPath(new URL('../../../', import.meta.url)), join(folder, 'node_modules', 'trama'));
  const names = Object.keys(files(0));
  return {
    url: pathToFileURL(join(folder, names[0]!)).href,
    paths: names.map((name) => join(folder, name)).sort(),
    write: (version: number) => {
      for (const [name, text] of Object.entries(files(version))) writeFileSync(join(folder, name), text);
    },
    spoil: () => {
      for (const name of names) writeFileSync(join(folder, name), 'this is neither');
    },
    remove: () => {
      for (const name of names) unlinkSync(join(folder, name));
    },
  };
}

async function replaceAll(pool: Pool): Promise<void> {
  for (let thread = 0; thread < 2; thread += 1) {
    assert.is(await answerOf(call(pool, 'die')), 'WORKER_LOST');
    await until('the pool is whole', () => usersOf(pool).workers.idle + usersOf(pool).workers.spare === 2);
  }
}

/** @param needsFiles what is said where a thread cannot start without the files, though it can where they have changed */
async function holdsToOneVersion(t: TestContext, files: Files, needsFiles?: string): Promise<void> {
  const { url, paths, write, spoil, remove } = project(t, files);
  write(1);
  const { pool, lines } = await startPool(t, { operationModules: [url] });
  const told = async () => [...new Set((await answerOf(call(pool, 'version'))) as number[])];
  assert.equal(await told(), [1]);
  assert.equal([...pool.moduleFiles()].sort(), paths);
  spoil();
  await replaceAll(pool);
  assert.equal(await told(), [1]);
  write(2);
  await pool.reload();
  assert.equal(await told(), [2]);
  remove();
  if (needsFiles) {
    assert.is(await answerOf(call(pool, 'die')), 'WORKER_LOST');
    await until('that is told', () => lines.some((line) => String(line.reason).endsWith(needsFiles)));
    return;
  }
  await replaceAll(pool);
  assert.equal(await told(), [2]);
  assert.is(pool.trouble, undefined);
  // Node has its warnings, such as of an experiment, and they would be lines for each thread.
  assert.equal(
    lines.filter((line) => 'stream' in line),
    [],
  );
}

test('a CommonJS module and all that it requires run in one version, and are loaded anew by a reload', (t) =>
  holdsToOneVersion(t, commonJs));

const isOlderNode = !('registerHooks' in nodeModule);

test('a CommonJS module that requires an ES module does too; before Node 22.15 its files must not be removed', (t) =>
  holdsToOneVersion(t, requiresEsm, isOlderNode ? 'esm.mjs then' : undefined));

if (takesTypeScript()) {
  test('a TypeScript module and all that it imports run in one version, and are loaded anew by a reload', (t) =>
    holdsToOneVersion(t, typeScript));
}

test.run();
