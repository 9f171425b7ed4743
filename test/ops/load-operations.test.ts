import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { PoolError } from '../../src/errors.js';
import { loadOperations } from '../../src/ops/load-operations.js';
import { guardJson } from '../../src/ops/strict-json.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('loading operations');
const source = new URL('../../src/index.js', import.meta.url).href;

/** Writes modules by name and text, and gives their URLs. */
function modules(t: TestContext, texts: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'trama-ops-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return Object.entries(texts).map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return pathToFileURL(join(folder, name)).href;
  });
}

const esm = (text: string) => `import { defineOperation } from '${source}';\n${text}`;

/** @param given how many of the modules are loaded; the others are only there */
async function loadError(t: TestContext, texts: Record<string, string>, given?: number): Promise<string> {
  try {
    await loadOperations(modules(t, texts).slice(0, given), new Map());
  } catch (error) {
    assert.instance(error, PoolError);
    return (error as PoolError).message;
  }
  return 'it was loaded';
}

test('exports that are operations are taken by their names, and no others', async (t) => {
  const text = `
    const helper = 1;
    export const unit = { description: 'not one', run: () => 1 };
    export const größe = defineOperation({ description: 'a', run: () => 1 });
    const b = defineOperation({ description: 'b', run: () => 2 });
    export { b as 'word-count', helper };
    export default 7;`;
  const loaded = await loadOperations(modules(t, { 'a.mjs': esm(text) }), new Map());
  assert.equal([...loaded.keys()].sort(), ['größe', 'word-count']);
});

test('what is not said has its default', async (t) => {
  const urls = modules(t, { 'a.mjs': esm("export const a = defineOperation({ description: 'a', run: () => 1 });") });
  const { info } = (await loadOperations(urls, new Map())).get('a')!;
  assert.equal(info, {
    name: 'a',
    description: 'a',
    streaming: false,
    idempotent: false,
    concurrency: Number.POSITIVE_INFINITY,
  });
});

test('a schema may be of another realm, and one that JSON cannot say is refused', async (t) => {
  guardJson();
  const text = (schema: string) =>
    `import vm from 'node:vm'; export const a = defineOperation({ description: 'a', input: ${schema}, run: () => 1 });`;
  const urls = modules(t, { 'a.mjs': esm(text('vm.runInNewContext(\'({ type: "number" })\')')) });
  const { info, check } = (await loadOperations(urls, new Map())).get('a')!;
  assert.equal(info.input, { type: 'number' });
  assert.is(check!('x'), 'data must be number');
  for (const [schema, told] of [
    ['new Map([["type", "number"]])', /a schema of `a` is not plain JSON: input is a Map/],
    ['{ type: "string", pattern: /x/ }', /input\.pattern is a regular expression/],
  ] as const) {
    assert.match(await loadError(t, { 'a.mjs': esm(text(schema)) }), told);
  }
});

test('what only calls itself an operation is checked like any other', async (t) => {
  const marked = (members: string) => `
    const mark = Symbol.for('trama.operation');
    module.exports = { a: { description: 'a', run: () => 1, [mark]: true, ${members} } };`;
  for (const [members, told] of [
    [
      'concurrency: Infinity',
      /`a` is not an operation: TypeError: `concurrency` of an operation must be a whole number/,
    ],
    ['timeoutMs: 1e-320', /`timeoutMs` of an operation must be milliseconds, a number from 1/],
    ['get input() { throw new Error("looked at"); }', /`a` is not an operation: Error: looked at/],
  ] as const) {
    assert.match(await loadError(t, { 'a.cjs': marked(members) }), told);
  }
  const revoked = 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); export const a = proxy;';
  assert.match(await loadError(t, { 'a.mjs': esm(revoked) }), /its exports cannot be read: TypeError/);
});

const commonJs = `
  const mark = Symbol.for('trama.operation');
  const make = () => ({ description: 'a', run: () => 1, [mark]: true });
`;

test('a CommonJS module may export operations, in whatever way', async (t) => {
  for (const text of [
    'module.exports = { a: make(), b: make(), other: 1 };',
    'exports.a = make(); exports.b = make();',
    'const all = { a: make(), b: make() }; module.exports = { ...all };',
    'Object.defineProperty(exports, "__esModule", { value: true }); exports.a = make(); exports["b"] = make();',
  ]) {
    const loaded = await loadOperations(modules(t, { 'a.cjs': commonJs + text }), new Map());
    assert.equal([...loaded.keys()].sort(), ['a', 'b'], text);
  }
  assert.match(await loadError(t, { 'a.cjs': `${commonJs} module.exports = make();` }), /which has no name/);
});

test('the text of a check is written once and used by whoever comes after', async (t) => {
  const schema = "{ type: 'number' }";
  const urls = modules(t, {
    'a.mjs': esm(`export const a = defineOperation({ description: 'a', input: ${schema}, run: () => 1 });
                  export const b = defineOperation({ description: 'b', input: ${schema}, run: () => 1 });
                  export const c = defineOperation({ description: 'c', input: true, run: () => 1 });`),
  });
  const sources = new Map<string, string>();
  await loadOperations(urls, sources);
  assert.equal([...sources.keys()], ['{"type":"number"}']);
  const text = [...sources.values()][0];
  const loaded = await loadOperations(urls, sources);
  assert.is(loaded.get('b')?.check?.('x'), 'data must be number');
  assert.is(loaded.get('b')?.check?.(1), undefined);
  assert.is(loaded.get('c')?.check, undefined);
  assert.equal([...sources.values()], [text]);
});

const define = (name: string, more = '') =>
  `export const ${name} = defineOperation({ description: 'x', run: () => 1, ${more} });`;

test('a name that is the server’s own is refused', async (t) => {
  for (const name of ['echo', 'upper', 'sum', '$ping', '$mine']) {
    const message = await loadError(t, { 'a.mjs': esm(define(name)) });
    assert.match(message, /^--ops: cannot load operations from \/.*a\.mjs: the name `.+` is the server's own/);
    assert.ok(message.includes(`\`${name}\``));
  }
});

test('a name that two modules use is refused, and both are named', async (t) => {
  const message = await loadError(t, { 'a.mjs': esm(define('same')), 'b.mjs': esm(define('same')) });
  assert.match(message, /b\.mjs: `same` is exported by \/.*a\.mjs too/);
});

test('a name that is no name is refused', async (t) => {
  const text = "const a = defineOperation({ description: 'x', run: () => 1 }); export { a as 'two words' };";
  assert.match(await loadError(t, { 'a.mjs': esm(text) }), /`two words` cannot name an operation/);
  const long = define('x'.repeat(65));
  assert.match(await loadError(t, { 'a.mjs': esm(long) }), /cannot name an operation/);
});

test('an operation as the default export has no name', async (t) => {
  const text = "export default defineOperation({ description: 'x', run: () => 1 });";
  assert.match(await loadError(t, { 'a.mjs': esm(text) }), /its default export is an operation, which has no name/);
});

test('a module without operations is refused with what to write', async (t) => {
  assert.match(await loadError(t, { 'a.mjs': 'export const a = 1;' }), /exports no operation; write `export const/);
});

test('a faulty definition, a faulty schema and a schema that is not JSON are named', async (t) => {
  assert.match(
    await loadError(t, { 'a.mjs': esm(define('a', 'timeout: 1')) }),
    /TypeError: .*did you mean `timeoutMs`/,
  );
  assert.match(
    await loadError(t, { 'b.mjs': esm(define('b', "input: { type: 'nubmer' }")) }),
    /the `input` of `b` is not a JSON Schema that can be used: Error: .*type/,
  );
  assert.match(
    await loadError(t, { 'c.mjs': esm(define('c', 'output: { const: 1n }')) }),
    /a schema of `c` is not plain JSON/,
  );
});

test('a file that Node takes for CommonJS is told how to be a module', async (t) => {
  for (const text of ["import 'node:fs';", 'export const a = 1;']) {
    const message = await loadError(t, { 'a.js': text, 'package.json': '{"type":"commonjs"}' }, 1);
    assert.match(message, /; name the file \.mjs, or put "type": "module" in the package\.json beside it$/);
    assert.not.match(message, /--check/);
  }
});

test('a file that is no module is called so, and one that imports such a file is not', async (t) => {
  for (const [name, text] of [
    ['README.md', '# Read me'],
    ['settings.json', '{}'],
  ] as const) {
    const message = await loadError(t, { [name]: text });
    assert.match(
      message,
      /^--ops: cannot load operations from \/.*: it is not a JavaScript module \(\.mjs, \.js or \.cjs\)$/,
    );
    const nested = await loadError(t, { 'a.mjs': `import './${name}';`, [name]: text }, 1);
    assert.match(nested, /a\.mjs: TypeError: /);
  }
});

test('a file that is missing, does not parse or throws is named, in one line', async (t) => {
  const syntax = await loadError(t, { 'a.mjs': 'export const = 1;' });
  assert.match(syntax, /a\.mjs: SyntaxError: Unexpected token '=' \(`node --check` with the file shows the place\)$/);
  assert.match(await loadError(t, { 'b.mjs': "throw new Error('two\\nlines');" }), /b\.mjs: Error: two lines$/);
  assert.match(await loadError(t, { 'c.mjs': "import 'trama';" }), /it has to be installed in the folder of the file/);
});

test.run();
