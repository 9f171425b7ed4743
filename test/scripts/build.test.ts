/** The build, run on a small project of its own by the real compilers, and the exchange of folders under a real server. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { startServerBy } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { openWire, request } from '../support/wire.js';

const test = suite('build', { timeoutMs: 120_000 });

const project = fileURLToPath(new URL('../../../', import.meta.url));
const scripts = new URL('../../../scripts/', import.meta.url);

const sources = {
  'package.json': '{"type":"module"}',
  'asconfig.json': readFileSync(join(project, 'asconfig.json'), 'utf8'),
  'tsconfig.json': JSON.stringify({
    compilerOptions: { rootDir: '.', outDir: 'dist', module: 'NodeNext', types: [], skipLibCheck: true },
    include: ['src'],
  }),
  'assembly/index.ts': 'export function version(): i32 { return 1; }',
  'assembly/column-scanner/index.ts': 'export function version(): i32 { return 1; }',
  'src/cli/main.ts': 'export const version: number = 1;',
};

/** A project of its own, with this one's compilers and build script. */
function makeProject(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'trama-build-'));
  t.after(() => rmSync(root, { recursive: true }));
  write(root, sources);
  cpSync(fileURLToPath(scripts), join(root, 'scripts'), { recursive: true });
  for (const name of ['node_modules', 'tools']) symlinkSync(join(project, name), join(root, name));
  return root;
}

function write(root: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

interface Build {
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; output: string }>;
}

function startBuild(t: TestContext, root: string, args: string[] = [], npmCommand = 'run-script'): Build {
  const child = spawn(process.execPath, [join(root, 'scripts/build.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, npm_command: npmCommand },
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<{ status: number | null; output: string }>((resolve) => {
    child.once('close', (status) => resolve({ status, output }));
  });
  return { child, ended };
}

const build = (t: TestContext, root: string) => startBuild(t, root).ended;
const mainOf = (root: string) => readFileSync(join(root, 'dist/src/cli/main.js'), 'utf8');
const foldersOfBuilds = (root: string) => readdirSync(root).filter((name) => name.startsWith('.dist-'));

test('a build leaves both modules of the engine and the compiled program, and nothing beside dist', async (t) => {
  const root = makeProject(t);
  // Where the tools are there, npm install builds all, too.
  const { status, output } = await startBuild(t, root, ['--at-install'], 'install').ended;
  assert.is(status, 0, output);
  assert.match(mainOf(root), /version = 1/);
  assert.equal(readdirSync(join(root, 'dist/src/engine')).sort(), [
    'column-scanner.wasm',
    'trama.debug.wasm',
    'trama.wasm',
  ]);
  assert.equal(foldersOfBuilds(root), []);
});

test('where only what is missing is asked for, a whole dist is left alone', async (t) => {
  const root = makeProject(t);
  write(root, { 'dist/src/cli/main.js': 'the old one', 'dist/test/run.js': '', 'dist/bench/main.js': '' });
  assert.is((await startBuild(t, root, ['--if-missing']).ended).status, 0);
  assert.is(mainOf(root), 'the old one');
});

test('files whose source is gone are not in the next build', async (t) => {
  const root = makeProject(t);
  write(root, { 'src/new.ts': 'export {};', 'dist/src/old.js': '', 'dist/src/gone/older.js': '' });
  await build(t, root);
  assert.equal(readdirSync(join(root, 'dist/src')).sort(), ['cli', 'engine', 'new.js']);
});

for (const [what, broken] of Object.entries({
  'a fault of types': { 'src/cli/main.ts': 'export const version: number = "2";' },
  'a fault in the assembly': { 'assembly/index.ts': 'export function version(): i32 { return nothing; }' },
})) {
  test(`${what} ends the build with status 1, and dist is as it was`, async (t) => {
    const root = makeProject(t);
    write(root, { 'dist/src/cli/main.js': 'the old one', 'src/more.ts': 'export {};', ...broken });
    const { status, output } = await build(t, root);
    assert.is(status, 1, output);
    assert.match(output, /^build: (tsc|asc \(release\)).* ended with status \d+.*; dist\/ is as it was$/m);
    assert.is(mainOf(root), 'the old one');
    assert.not(existsSync(join(root, 'dist/src/more.js')));
    assert.equal(foldersOfBuilds(root), []);
  });
}

test('a build that is stopped leaves dist as it was, and nothing beside it', async (t) => {
  const root = makeProject(t);
  write(root, { 'dist/src/cli/main.js': 'the old one' });
  const { child, ended } = startBuild(t, root);
  await until('the build has begun', () => foldersOfBuilds(root).length > 0);
  child.kill('SIGTERM');
  assert.is((await ended).status, 143);
  assert.is(mainOf(root), 'the old one');
  assert.equal(foldersOfBuilds(root), []);
});

test('what a killed build has left is removed by the next one', async (t) => {
  const root = makeProject(t);
  const { child, ended } = startBuild(t, root);
  await until('the build has begun', () => foldersOfBuilds(root).length > 0);
  child.kill('SIGKILL');
  await ended;
  const left = foldersOfBuilds(root);
  assert.is(left.length, 1);
  assert.is((await build(t, root)).status, 0);
  assert.equal(foldersOfBuilds(root), []);
});

test('builds at the same time all succeed, and dist is whole', async (t) => {
  const root = makeProject(t);
  for (const { status, output } of await Promise.all([build(t, root), build(t, root), build(t, root)])) {
    assert.is(status, 0, output);
  }
  assert.match(mainOf(root), /version = 1/);
  assert.equal(readdirSync(join(root, 'dist/src/engine')).sort(), [
    'column-scanner.wasm',
    'trama.debug.wasm',
    'trama.wasm',
  ]);
  assert.equal(foldersOfBuilds(root), []);
});

test('dist is there while it is built anew', async (t) => {
  const root = makeProject(t);
  write(root, { 'dist/src/cli/main.js': 'the old one' });
  const { child, ended } = startBuild(t, root);
  let looks = 0;
  let misses = 0;
  while (child.exitCode === null) {
    looks++;
    if (!existsSync(join(root, 'dist/src/cli/main.js'))) misses++;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.is((await ended).status, 0);
  // Two renames of some hundred that this build has time for; a build that removes dist first misses most of them.
  assert.ok(misses <= looks / 10, `missing at ${misses} of ${looks} looks`);
});

test('a server goes on answering while its folder is exchanged again and again', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'trama-build-'));
  t.after(() => rmSync(root, { recursive: true }));
  cpSync(join(project, 'package.json'), join(root, 'package.json'));
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
  const compiled = fileURLToPath(new URL('../../src/', import.meta.url));
  const copyTo = (folder: string) => cpSync(compiled, join(root, folder, 'src'), { recursive: true });
  copyTo('dist');
  const args = [join(root, 'dist/src/cli/main.js'), 'serve', '--port', '0', '--http-port', '0', '--workers', '1'];
  const server = await startServerBy(t, process.execPath, args);
  const wire = await openWire(t, server.port);
  const { putInPlace } = await import(new URL('put-in-place.mjs', scripts).href);
  const numbers = `[${Array.from({ length: 200_000 }, () => '0.5').join(',')}]`;
  for (let round = 0; round < 5; round++) {
    copyTo('fresh');
    putInPlace(join(root, 'fresh'), join(root, 'dist'));
    await wire.send(request('small', 'echo', '"here"'));
    assert.is((await wire.reply()).result, 'here');
    await wire.send(request('large', 'sum', numbers));
    assert.is((await wire.reply()).result, 100_000);
  }
  assert.equal(readdirSync(root).sort(), ['dist', 'node_modules', 'package.json']);
  assert.is(await server.stop(), 0);
});

test('an exchange that cannot be made leaves what was there', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'trama-build-'));
  t.after(() => rmSync(root, { recursive: true }));
  write(root, { 'place/file': 'the old one' });
  const { putInPlace } = await import(new URL('put-in-place.mjs', scripts).href);
  assert.throws(() => putInPlace(join(root, 'nothing-here'), join(root, 'place')), /ENOENT/);
  assert.is(readFileSync(join(root, 'place/file'), 'utf8'), 'the old one');
});

test.run();
