/** What `npm install` makes in a clone, without compilers: it is to be what the compilers make. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type * as Esbuild from '../../tools/node_modules/esbuild/lib/main.js';
import type * as TypeScript from '../../tools/node_modules/typescript/lib/typescript.js';
import { startServerBy } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { openWire, request } from '../support/wire.js';

const fromTools = createRequire(new URL('../../../tools/package.json', import.meta.url));
const { transform } = fromTools('esbuild') as typeof Esbuild;
const typescript = fromTools('typescript') as typeof TypeScript;

const test = suite('the program of a clone', { timeoutMs: 120_000 });

const project = fileURLToPath(new URL('../../../', import.meta.url));
const compiled = fileURLToPath(new URL('../../src/', import.meta.url));

/** A clone of this project's program, with the packages that `npm install` has put there. */
function makeClone(t: TestContext, withPackages = true): string {
  const root = mkdtempSync(join(tmpdir(), 'trama-clone-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const name of ['package.json', 'scripts', 'src', 'examples']) {
    cpSync(join(project, name), join(root, name), { recursive: true });
  }
  mkdirSync(join(root, 'tools'));
  for (const name of ['package.json', 'package-lock.json']) {
    cpSync(join(project, 'tools', name), join(root, 'tools', name));
  }
  if (withPackages) symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
  return root;
}

function install(root: string): Promise<{ status: number | null; output: string }> {
  const child = spawn(process.execPath, [join(root, 'scripts/build.mjs'), '--at-install'], {
    env: { ...process.env, npm_command: 'install' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output })));
}

const filesOf = (folder: string, ending: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .sort();

/** One way to write what says the same; the compiler marks a file of nothing but types as a module. */
async function bare(source: string): Promise<string> {
  const { code } = await transform(source, { minify: true, legalComments: 'none' });
  return code.trim().replace(/^export\{\};$/, '');
}

/** What the compiler makes of a source, without rewriting what Node 20 knows by itself. */
function compiledText(source: string): string {
  const { ESNext } = typescript.ScriptTarget;
  const compilerOptions = { target: ESNext, module: typescript.ModuleKind.ESNext, verbatimModuleSyntax: true };
  return typescript.transpileModule(source, { compilerOptions }).outputText;
}

test('it is what the compiler makes of the same sources, but for comments and blanks', async (t) => {
  const root = makeClone(t);
  const { status, output } = await install(root);
  assert.is(status, 0, output);
  const files = filesOf(join(root, 'dist/src'), '.js');
  assert.equal(files, filesOf(compiled, '.js'));
  for (const file of files) {
    const source = readFileSync(join(root, 'src', file.replace(/\.js$/, '.ts')), 'utf8');
    const stripped = readFileSync(join(root, 'dist/src', file), 'utf8');
    assert.is(await bare(stripped), await bare(compiledText(source)), file);
  }
});

test('it is a server, and no tools were installed for it', async (t) => {
  const root = makeClone(t);
  await install(root);
  assert.equal(readdirSync(join(root, 'dist')), ['src']);
  assert.not(existsSync(join(root, 'tools/node_modules')));
  const args = ['serve', '--port', '0', '--http-port', '0', '--ops', join(root, 'examples/operations.mjs')];
  const server = await startServerBy(t, process.execPath, [join(root, 'dist/src/cli/main.js'), ...args]);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'sum', '[0.1, 0.2]'));
  assert.is((await wire.reply()).result, 0.3);
  assert.is(await server.stop(), 0);
});

test('where the development dependencies were left out, one line says what to do', async (t) => {
  const root = makeClone(t, false);
  const { status, output } = await install(root);
  assert.is(status, 1);
  assert.match(output, /^build: .*run `npm install --include=dev`; dist\/ is as it was\n$/);
  assert.not(existsSync(join(root, 'dist')));
});

test('the modules in the tree are what their sources compile to, byte for byte', () => {
  const kept = readdirSync(join(project, 'src/engine')).filter((name) => name.endsWith('.wasm'));
  assert.equal(kept.sort(), ['column-scanner.wasm', 'trama.wasm']);
  for (const name of kept) {
    const isSame = readFileSync(join(project, 'src/engine', name)).equals(readFileSync(join(compiled, 'engine', name)));
    assert.ok(isSame, `src/engine/${name} is not of these sources: \`npm run engine\` compiles and keeps it`);
  }
});

test.run();
