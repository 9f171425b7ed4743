/** The code of docs/operations-guide.md: what a page says that nobody runs is soon wrong. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { testOperations } from '../../src/testing/index.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('docs/operations-guide.md');

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/operations-guide.md'), 'utf8');
const blocks = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, text]) => text!);

/** A project that has the package, with the page's blocks as files: those that name themselves, and `block-N.mjs`. */
function project(t: TestContext): { folder: string; names: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'trama-guide-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'trama'));
  const names = blocks.map((text, index) => /^\/\/ (\S+)\n/.exec(text)?.[1] ?? `block-${index}.mjs`);
  for (const [index, name] of names.entries()) writeFileSync(join(folder, name), blocks[index]!);
  return { folder, names };
}

/** node:sqlite is newer than Node 20. */
const canRun = (text: string) => !text.includes('node:sqlite') || builtinModules.includes('node:sqlite');

test('its operations do what it says', async (t) => {
  const { folder, names } = project(t);
  const calls: [op: string, data: unknown, expected: unknown][] = [
    ['primes', 100, 25],
    ['sha256', 'a', 'ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='],
    ['shout', 'a', 'A!'],
    ['addCity', { name: 'a', people: 3 }, null],
    ['people', null, 3],
  ];
  const found: string[] = [];
  for (const [index, name] of names.entries()) {
    if (name.includes('.test.') || !canRun(blocks[index]!)) continue;
    const tested = await testOperations(join(folder, name));
    for (const [op, data, expected] of calls) {
      if (tested.operations.every((each) => each.name !== op)) continue;
      assert.equal(await tested.call(op, data), expected, op);
    }
    found.push(...tested.operations.map((each) => each.name));
    await tested.close();
  }
  assert.equal(
    ['primes', 'dice', 'sha256', 'shout'].filter((name) => !found.includes(name)),
    [],
  );
});

test('its test passes, in a runner that it did not know of', (t) => {
  const { folder, names } = project(t);
  const name = names.find((each) => each.includes('.test.'))!;
  // The runner looks at this variable to know whether it is run by another.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const run = spawnSync(process.execPath, ['--test', join(folder, name)], { encoding: 'utf8', env, timeout: 15_000 });
  assert.is(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /pass 2/);
});

test.run();
