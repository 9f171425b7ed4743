/** Where the engine's module may come from, in programs that are bundled and in those that are not. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { compileEngine, type EngineSource, loadEngine } from '../../src/engine/index.js';
import type * as Esbuild from '../../tools/node_modules/esbuild/lib/main.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('engine: where its module comes from', { timeoutMs: 60_000 });

const { build } = createRequire(new URL('../../../tools/package.json', import.meta.url))('esbuild') as typeof Esbuild;

const wasmPath = fileURLToPath(new URL('../../src/engine/trama.wasm', import.meta.url));
const wasm = readFileSync(wasmPath);
const numbers = Buffer.from('[0.1, 0.2]');

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => assert.unreachable('it was taken') as never,
    (error: Error) => error,
  );
}

const sources: Record<string, () => Promise<EngineSource | undefined>> = {
  'nothing: the file beside the code': async () => undefined,
  'the address of a file': async () => ({ url: new URL('../../src/engine/trama.wasm', import.meta.url) }),
  'the address as text': async () => ({ url: `file://${wasmPath}` }),
  bytes: async () => ({ bytes: wasm }),
  'bytes in shared memory': async () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(wasm.length));
    bytes.set(wasm);
    return { bytes };
  },
  'a module': async () => ({ module: await compileEngine() }),
};

for (const [name, source] of Object.entries(sources)) {
  test(`the engine is loaded from ${name}`, async () => {
    assert.is((await loadEngine(await source())).sum(numbers), '0.3');
  });
}

/** A web server that answers every request with this; gives its address. */
async function serve(t: TestContext, status: number, type: string | undefined, body: Buffer): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(status, type === undefined ? {} : { 'content-type': type }).end(body);
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/trama.wasm`;
}

for (const type of ['application/wasm', 'Application/WASM', 'application/octet-stream', 'text/plain', undefined]) {
  test(`a web server may send the module as ${type ?? 'nothing in particular'}`, async (t) => {
    const url = await serve(t, 200, type, wasm);
    assert.is((await loadEngine({ url })).sum(numbers), '0.3');
  });
}

test('an address that has no module, or none that is the engine’s, is told with what was there', async (t) => {
  const missing = await serve(t, 404, 'text/html', Buffer.from('<h1>Not found</h1>'));
  assert.is(
    (await rejection(loadEngine({ url: missing }))).message,
    `the engine's module cannot be read from ${missing}: HTTP status 404`,
  );
  const page = await serve(t, 200, 'text/html', Buffer.from('<!doctype html>'));
  const { message } = await rejection(loadEngine({ url: page }));
  assert.ok(message.startsWith(`${page} (text/html): this is not the engine's module: `), message);
  const nowhere = await rejection(loadEngine({ url: 'file:///no/such/file.wasm' }));
  assert.match(nowhere.message, /^the engine's module cannot be read from file:\/\/\/no\/such\/file.wasm: ENOENT/);
  const other = await WebAssembly.compile(Buffer.from('0061736d01000000', 'hex'));
  assert.match((await rejection(loadEngine({ module: other }))).message, /^this module is not trama's engine/);
});

const refused: Record<string, unknown> = {
  'no object': 'trama.wasm',
  'a URL by itself': new URL('file:///trama.wasm'),
  'an object without any of the three': {},
  'a module that is none': { module: {} },
  'a number as address': { url: 5 },
  null: null,
};

for (const [name, source] of Object.entries(refused)) {
  test(`${name} is refused with what is wanted`, async () => {
    const error = await rejection(loadEngine(source as EngineSource));
    assert.instance(error, TypeError);
    assert.match(error.message, /^compileEngine takes \{ url \}, \{ bytes \} or \{ module \}/);
  });
}

test('a relative address needs a page, and bytes are a Uint8Array', async () => {
  const relative = await rejection(loadEngine({ url: './trama.wasm' }));
  assert.instance(relative, TypeError);
  assert.match(relative.message, /takes an absolute address where there is no page; "\.\/trama\.wasm" is none/);
  const buffer = await rejection(loadEngine({ bytes: wasm.buffer as never }));
  assert.is(buffer.message, 'compileEngine takes the bytes of a module as a Uint8Array; it was given an ArrayBuffer');
});

const bundles: Record<string, { source: string; options: Esbuild.BuildOptions; isBeside: boolean }> = {
  'trama.wasm copied beside the bundle': {
    source: `import { loadEngine } from 'trama/engine'; const engine = await loadEngine();`,
    options: {},
    isBeside: true,
  },
  'trama.wasm as a file of the bundle': {
    source: `import { loadEngine } from 'trama/engine'; import file from 'trama/engine/trama.wasm';
      const engine = await loadEngine({ url: new URL(file, import.meta.url) });`,
    options: { loader: { '.wasm': 'file' } },
    isBeside: false,
  },
  'trama.wasm in the bundle': {
    source: `import { loadEngine } from 'trama/engine'; import bytes from 'trama/engine/trama.wasm';
      const engine = await loadEngine({ bytes });`,
    options: { loader: { '.wasm': 'binary' } },
    isBeside: false,
  },
};

for (const [name, { source, options, isBeside }] of Object.entries(bundles)) {
  test(`esbuild bundles it for browsers, with ${name}`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'trama-bundle-'));
    t.after(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(fileURLToPath(new URL('../../../', import.meta.url)), join(folder, 'node_modules/trama'));
    writeFileSync(
      join(folder, 'page.js'),
      `${source} console.log(engine.sum(new TextEncoder().encode('[0.1, 0.2]')));`,
    );
    const { warnings } = await build({
      ...options,
      absWorkingDir: folder,
      entryPoints: ['page.js'],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      outdir: 'out',
      outExtension: { '.js': '.mjs' },
      logLevel: 'silent',
    });
    assert.equal(warnings, []);
    // Nothing but the bundle is left to run with.
    rmSync(join(folder, 'node_modules'), { recursive: true });
    if (isBeside) cpSync(wasmPath, join(folder, 'out/trama.wasm'));
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'out/page.mjs')]);
    assert.is(stdout, '0.3\n');
  });
}

test.run();
