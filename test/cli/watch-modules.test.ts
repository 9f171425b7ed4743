import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { watchModules } from '../../src/cli/watch-modules.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

const test = suite('--watch');

/** A watch of files in a folder of the test's own. `next` resolves when a reload beyond those so far was asked for. */
function watching(t: TestContext, names: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'trama-watch-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const state = { reloads: 0, files: names.map((name) => join(folder, name)), warnings: [] as string[] };
  for (const file of state.files) writeFileSync(file, 'first');
  const ends: (() => void)[] = [];
  const run = async () => {
    state.reloads++;
    for (const end of ends) end();
    return [];
  };
  const onEnd = (end: () => void) => void ends.push(end);
  const log = { warn: (_fields: object, message: string) => void state.warnings.push(message) };
  t.after(watchModules(() => state.files, { run, onEnd }, log as never));
  return { ...state, folder, state };
}

const reloaded = (state: { reloads: number }, count: number) =>
  until(`${count} reloads were asked for`, () => state.reloads >= count);

/** Longer than a change takes to be acted on. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 400));

test('a file that is written anew is loaded anew, once for several writes together', async (t) => {
  const { state, files } = watching(t, ['ops.mjs', 'more.mjs']);
  writeFileSync(files[0]!, 'second');
  writeFileSync(files[0]!, 'second, at greater length');
  writeFileSync(files[1]!, 'second');
  await reloaded(state, 1);
  await quiet();
  assert.is(state.reloads, 1);
  writeFileSync(files[1]!, 'third version');
  await reloaded(state, 2);
});

test('a file that an editor replaces by another of its name is seen, again and again', async (t) => {
  const { state, files, folder } = watching(t, ['ops.mjs']);
  for (let round = 1; round <= 3; round++) {
    const draft = join(folder, '.ops.mjs.swp');
    writeFileSync(draft, `round ${round}`);
    renameSync(draft, files[0]!);
    await reloaded(state, round);
    await quiet();
  }
  assert.is(state.reloads, 3);
});

test('a file that is away for a moment is waited for', async (t) => {
  const { state, files } = watching(t, ['ops.mjs']);
  rmSync(files[0]!);
  await quiet();
  assert.is(state.reloads, 0);
  writeFileSync(files[0]!, 'back');
  await reloaded(state, 1);
});

test('other files of the folder, and a file that is only looked at, change nothing', async (t) => {
  const { state, folder } = watching(t, ['ops.mjs']);
  writeFileSync(join(folder, 'notes.txt'), 'x');
  await quiet();
  assert.is(state.reloads, 0);
});

test('files that a reload brings in are watched from then on', async (t) => {
  const { state, files, folder } = watching(t, ['ops.mjs']);
  const inner = join(folder, 'lib');
  mkdirSync(inner);
  const helper = join(inner, 'helper.mjs');
  writeFileSync(helper, 'first');
  state.files.push(helper);
  writeFileSync(files[0]!, 'imports the helper');
  await reloaded(state, 1);
  await quiet();
  writeFileSync(helper, 'second version');
  await reloaded(state, 2);
});

test('a folder that cannot be watched is told, and the others still are', async (t) => {
  const { state, files, folder } = watching(t, ['ops.mjs']);
  state.files.push(join(folder, 'no-such-folder', 'x.mjs'));
  writeFileSync(files[0]!, 'second');
  await reloaded(state, 1);
  await until('it is told', () => state.warnings.length === 1);
  assert.match(state.warnings[0]!, /^--watch cannot watch a folder/);
});

test.run();
