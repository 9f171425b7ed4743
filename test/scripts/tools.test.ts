/** The tools of those who build, installed by the real npm from packages of this machine. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('the tools of those who build', { timeoutMs: 120_000 });

const { areToolsInstalled, installTools, toolFile } = await import(
  new URL('../../../scripts/tools.mjs', import.meta.url).href
);

const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd, stdio: 'pipe' });

/** A folder of tools with one in it, a hammer that weighs what it is told to. */
function makeTools(t: TestContext, weight: number): string {
  const root = mkdtempSync(join(tmpdir(), 'trama-tools-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'tools'));
  useHammer(root, weight);
  return join(root, 'tools');
}

function useHammer(root: string, weight: number): void {
  const hammer = join(root, `hammer-${weight}`);
  mkdirSync(hammer);
  const about = { name: 'hammer', version: `${weight}.0.0`, main: 'hammer.js' };
  writeFileSync(join(hammer, 'package.json'), JSON.stringify(about));
  writeFileSync(join(hammer, 'hammer.js'), `export const weight = ${weight};`);
  npm(hammer, 'pack');
  const packed = join(hammer, `hammer-${weight}.0.0.tgz`);
  const tools = { name: 'tools', private: true, dependencies: { hammer: `file:${packed}` } };
  writeFileSync(join(root, 'tools/package.json'), JSON.stringify(tools));
  rmSync(join(root, 'tools/package-lock.json'), { force: true });
  npm(join(root, 'tools'), 'install', '--package-lock-only');
}

const hammerIn = (folder: string) => readFileSync(toolFile('hammer/hammer.js', folder), 'utf8');

test('they are installed where they are missing, and left alone where they are there', (t) => {
  const folder = makeTools(t, 1);
  assert.is(areToolsInstalled(folder), false);
  installTools(folder);
  assert.is(areToolsInstalled(folder), true);
  assert.is(hammerIn(folder), 'export const weight = 1;');
  const { ino } = statSync(toolFile('hammer', folder));
  installTools(folder);
  assert.is(statSync(toolFile('hammer', folder)).ino, ino);
  assert.equal(readdirSync(folder).sort(), ['node_modules', 'package-lock.json', 'package.json']);
});

test('they are installed anew when the lock file is another one', (t) => {
  const folder = makeTools(t, 1);
  installTools(folder);
  useHammer(join(folder, '..'), 2);
  assert.is(areToolsInstalled(folder), false);
  installTools(folder);
  assert.is(hammerIn(folder), 'export const weight = 2;');
});

test('what a killed install has left is removed, and what another one is at work on is not', (t) => {
  const folder = makeTools(t, 1);
  const { pid } = spawnSync(process.execPath, ['--version']);
  const [killed, other] = [`.install-${pid}-aBc`, `.install-${process.pid}-aBc`];
  for (const name of [killed, other]) mkdirSync(join(folder, name, 'node_modules'), { recursive: true });
  installTools(folder);
  assert.equal(readdirSync(folder).sort(), [other, 'node_modules', 'package-lock.json', 'package.json']);
  mkdirSync(join(folder, killed));
  installTools(folder);
  assert.not.ok(readdirSync(folder).includes(killed));
});

test('an install that fails says so, and leaves what was there', (t) => {
  const folder = makeTools(t, 1);
  installTools(folder);
  useHammer(join(folder, '..'), 2);
  rmSync(join(folder, '../hammer-2'), { recursive: true });
  assert.throws(() => installTools(folder), /^npm ci ended with status \d+; the tools come from npm's registry$/);
  assert.is(hammerIn(folder), 'export const weight = 1;');
  assert.is(areToolsInstalled(folder), false);
  assert.equal(readdirSync(folder).sort(), ['node_modules', 'package-lock.json', 'package.json']);
});

test.run();
