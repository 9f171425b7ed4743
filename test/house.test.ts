/** The rules of the house that a machine can hold: who imports whom, and what no file may have. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './support/suite.js';

const test = suite('house rules');

const root = fileURLToPath(new URL('../../', import.meta.url));

function filesOf(folder: string, ending = '.ts'): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path))
    .sort();
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const everyFile = ['src', 'assembly', 'test', 'bench'].flatMap((folder) => filesOf(folder));

interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly isType: boolean;
}

/** The import lines of a file: static ones, re-exports, and `import()` with a literal. */
function importsOf(path: string): Import[] {
  const source = read(path).replace(/^\s*(?:\*|\/\/|\/\*\*).*$/gm, '');
  const found: Import[] = [];
  for (const match of source.matchAll(/^(?:import|export)\s+(type\s)?(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)) {
    found.push({ from: path, specifier: match[2]!, isType: match[1] !== undefined });
  }
  for (const match of source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    found.push({ from: path, specifier: match[1]!, isType: false });
  }
  return found;
}

const sourceImports = filesOf('src').flatMap(importsOf);

/** `src/pool/x.ts` → `pool`; `src/errors.ts` → `errors`. */
const partOf = (path: string) =>
  relative('src', path)
    .split('/')[0]!
    .replace(/\.[jt]s$/, '');

/** What each part may import of the others. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  protocol: [],
  engine: ['protocol', 'errors'],
  client: ['protocol', 'errors', 'engine'],
  ops: ['protocol', 'errors', 'engine'],
  pool: ['ops', 'protocol', 'errors', 'engine'],
  config: ['protocol', 'errors'],
  server: ['config', 'pool', 'ops', 'protocol', 'errors', 'engine'],
  sidecar: ['protocol', 'errors'],
  testing: ['client', 'pool', 'ops', 'protocol', 'errors'],
  cli: ['client', 'sidecar', 'config', 'server', 'pool', 'ops', 'protocol', 'errors', 'engine'],
  'start-server': ['config', 'server', 'ops', 'protocol', 'errors'],
  index: ['start-server', 'client', 'config', 'server', 'pool', 'ops', 'protocol', 'errors', 'engine'],
};

/** What a part may know the types of, beyond that: interfaces cost nothing when it runs. */
const mayNameTypesOf: Readonly<Record<string, readonly string[]>> = {
  protocol: ['errors'],
  sidecar: ['config', 'server', 'pool', 'ops'],
};

test('every part of src is in the table of who may import whom', () => {
  assert.equal(
    [...new Set(filesOf('src').map(partOf))].filter((part) => !(part in mayImport)),
    [],
  );
});

test('parts import only what they may', () => {
  const breaches = sourceImports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map((each) => ({ ...each, target: relative(root, resolve(root, dirname(each.from), each.specifier)) }))
    .filter(({ from, target, isType }) => {
      if (!target.startsWith('src/')) return true;
      const [part, other] = [partOf(from), partOf(target)];
      if (part === other || mayImport[part]?.includes(other)) return false;
      return !(isType && mayNameTypesOf[part]?.includes(other));
    });
  assert.equal(
    breaches.map(({ from, specifier }) => `${from} imports ${specifier}`),
    [],
  );
});

const network = ['net', 'http', 'https', 'http2', 'tls', 'dgram', 'fastify'];
const ioParts = ['server', 'client', 'sidecar', 'jobs', 'cli', 'index', 'start-server'];

test('only the outer parts touch the network', () => {
  const breaches = sourceImports.filter(
    ({ from, specifier, isType }) =>
      !isType && network.includes(specifier.replace(/^node:/, '')) && !ioParts.includes(partOf(from)),
  );
  assert.equal(
    breaches.map(({ from, specifier }) => `${from} imports ${specifier}`),
    [],
  );
});

test('protocol, errors and engine run where there is no Node and no bundler', () => {
  const pure = ['protocol', 'errors', 'engine'];
  const breaches = sourceImports.filter(
    ({ from, specifier, isType }) => pure.includes(partOf(from)) && !specifier.startsWith('.') && !isType,
  );
  assert.equal(
    breaches.map(({ from, specifier }) => `${from} imports ${specifier}`),
    [],
  );
});

test('the assembly has no for (;;), which asc miscompiles', () => {
  const found = filesOf('assembly').filter((path) => /for\s*\(\s*;\s*;/.test(read(path)));
  assert.equal(found, []);
});

test('nothing is left for later', () => {
  // Written in two parts, so that this file does not find itself.
  const marks = new RegExp(`\\b(${'TO'}DO|${'FIX'}ME|${'XX'}X|${'HA'}CK)\\b`);
  const all = [...everyFile, ...filesOf('examples', ''), ...filesOf('docs', '.md')];
  const texts = all.filter((path) => /\.(ts|js|mjs|py|md)$/.test(path));
  assert.equal(
    texts.filter((path) => marks.test(read(path))),
    [],
  );
});

/** Lines at which a file should have been looked at again. Tables of cases may be as long as there are cases. */
const fileLinesMax = 420;

test('no file is longer than one can hold in mind', () => {
  const long = everyFile
    .filter((path) => !path.startsWith('test/vectors/') && !/^\/[/*].*generated/i.test(read(path)))
    .filter((path) => read(path).split('\n').length > fileLinesMax);
  assert.equal(long, []);
});

test('files are named in kebab-case', () => {
  const wrong = everyFile.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/.test(basename(path)));
  assert.equal(wrong, []);
});

test('tests use uvu through the one module that closes its traps', () => {
  const direct = filesOf('test').filter((path) => importsOf(path).some(({ specifier }) => specifier === 'uvu'));
  assert.equal(direct, ['test/support/suite.ts']);
  const without = filesOf('test', '.test.ts').filter(
    (path) =>
      !importsOf(path).some(({ specifier }) => specifier.endsWith('support/suite.js') || specifier === './suite.js'),
  );
  assert.equal(without, []);
});

test('the client’s tests of the wire do not lean on the client', () => {
  const leaning = importsOf('test/support/wire.ts').filter(({ specifier }) => specifier.includes('/src/'));
  assert.equal(leaning, []);
});

test.run();
