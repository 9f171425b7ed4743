import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { explainImportError, explainLoadError, takesTypeScript } from '../../src/ops/explain-load-error.js';
import { loadOperations } from '../../src/ops/load-operations.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('why a module cannot be loaded');

/** Loads the first of these files, and gives what is said of it. */
async function loadError(t: TestContext, texts: Record<string, string>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'trama-why-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
  const file = join(folder, Object.keys(texts)[0]!);
  return loadOperations([pathToFileURL(file).href], new Map()).then(
    () => 'it was loaded',
    (error: Error) => error.message.replaceAll(folder, ''),
  );
}

const needsIt = () => (takesTypeScript() ? undefined : 'this Node takes no TypeScript');
const needsNone = () => (takesTypeScript() ? 'this Node takes TypeScript' : undefined);
const told = `it is TypeScript, which Node ${process.version} does not take: use Node 22.18, 24 or newer, or compile it to JavaScript (npx tsc) and give that file`;

/** Each Node runs one half of these: one that is left out is no gap of this machine. */
function on(need: () => string | undefined, name: string, body: (t: TestContext) => unknown): void {
  if (need() === undefined) test(name, body);
}

on(needsNone, 'a Node that takes no TypeScript says which does, and what else to do', async (t) => {
  for (const name of ['a.ts', 'a.mts', 'a.cts', 'a.tsx']) {
    assert.is(await loadError(t, { [name]: 'export {};' }), `--ops: cannot load operations from /${name}: ${told}`);
  }
  const imported = await loadError(t, { 'a.mjs': "import './b.ts';", 'b.ts': '' });
  assert.match(imported, /^--ops: cannot load operations from \/a\.mjs: TypeError: Unknown file extension "\.ts"/);
  assert.ok(imported.endsWith(`b.ts; ${told}`), imported);
});

on(needsIt, 'what is more than types is told, with what to do', async (t) => {
  assert.match(
    await loadError(t, { 'a.ts': 'enum Kind { A }' }),
    /a\.ts: SyntaxError: .*enum.*; Node only strips types: write it without, or compile the file to JavaScript \(npx tsc\)$/,
  );
  assert.is(
    await loadError(t, { 'a.tsx': 'export {};' }),
    '--ops: cannot load operations from /a.tsx: Node takes .ts, .mts and .cts only; compile it to JavaScript',
  );
});

on(needsIt, 'an import by the name that a compiler would give is told its own name', async (t) => {
  for (const specifier of ['./b', './b.js']) {
    const message = await loadError(t, { 'a.ts': `import '${specifier}';`, 'b.ts': '' });
    assert.match(message, /Cannot find module .*; import it by its own name, \/b\.ts$/);
  }
  const message = await loadError(t, { 'a.ts': "import './b.mjs';", 'b.mts': '' });
  assert.match(message, /; import it by its own name, \/b\.mts$/);
  assert.match(
    await loadError(t, { 'a.ts': "import './c.js';" }),
    /Cannot find module '\/c\.js' imported from \/a\.ts$/,
  );
});

on(needsIt, 'a type that is imported as a value is told how to be imported', async (t) => {
  const message = await loadError(t, { 'a.ts': "import { Kind } from './b.ts';", 'b.ts': 'export type Kind = 1;' });
  assert.match(message, /does not provide an export named 'Kind'; a type has to be imported with `import type`$/);
});

test('what the parser of modules refuses is told with a way to the place', async (t) => {
  const hint = ' (`node --check` with the file shows the place)';
  for (const [name, text] of [
    ['a.mjs', 'export const a = ;'],
    ['a.mjs', 'const a = /(/;'],
    ['a.cjs', 'const a = ;'],
  ] as const) {
    const message = await loadError(t, { [name]: text });
    assert.ok(message.includes(': SyntaxError: ') && message.endsWith(hint), message);
  }
  const asCommonJs = await loadError(t, { 'a.cjs': 'export const a = 1;' });
  assert.ok(
    asCommonJs.endsWith('; name the file .mjs, or put "type": "module" in the package.json beside it'),
    asCommonJs,
  );
});

test('a SyntaxError of anything else is told as it is', async (t) => {
  for (const text of [
    "JSON.parse('{');",
    "new RegExp('(');",
    "new Function('a b');",
    "throw new SyntaxError('Cannot use import statement outside a module');",
    "throw Object.assign(new SyntaxError('mine'), { stack: undefined });",
    "import { gone } from './b.mjs';",
    "import { gone } from './c.cjs';",
  ]) {
    const message = await loadError(t, { 'a.mjs': text, 'b.mjs': '', 'c.cjs': '' });
    assert.match(message, /: SyntaxError: /);
    assert.not.match(message, /node --check|name the file/);
  }
});

test('only where the module itself was imported is its file to be looked at', async () => {
  const broken: string = 'data:text/javascript,const a = ;';
  const error = await import(broken).catch((reason) => reason);
  assert.is(explainLoadError(error), "SyntaxError: Unexpected token ';'", 'as of a `setup` that imports something');
  assert.match(explainImportError(error), /^SyntaxError: Unexpected token ';' \(`node --check`/);
});

test('the package is told to be missing, however it is asked for', async (t) => {
  for (const [name, text] of [
    ['a.mjs', "import 'trama';"],
    ['a.cjs', "require('trama');"],
  ] as const) {
    assert.match(await loadError(t, { [name]: text }), /it has to be installed in the folder of the file/);
  }
});

test.run();
