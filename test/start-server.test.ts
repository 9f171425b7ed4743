import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { startServer } from '../src/index.js';
import { suite } from './support/suite.js';
import { openWire, request } from './support/wire.js';

const test = suite('startServer');

const fixtures = new URL('./pool/fixtures/operations.js', import.meta.url);

test('starts a server in this process, with the defaults for what is not said', async (t) => {
  const server = await startServer({ host: '127.0.0.1', port: 0, workers: 1 });
  t.after(() => server.close());
  await server.ready;
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'sum', '[0.1,0.2]'));
  assert.is((await wire.reply()).result, 0.3);
  const drained = server.drain(1000);
  wire.finish();
  assert.equal(await drained, { cut: 0 });
});

test('takes operation modules as paths and as URLs', async (t) => {
  for (const module of [fixtures.href, fileURLToPath(fixtures)]) {
    const server = await startServer({ host: '127.0.0.1', port: 0, workers: 1, operationModules: [module] });
    t.after(() => server.close());
    assert.ok(server.view.operations().some(({ name }) => name === 'double'));
  }
});

test('refuses an option that does not exist, or whose value is out of bounds, by name', async () => {
  const refusal = (options: object) =>
    startServer({ host: '127.0.0.1', port: 0, ...options }).then(
      () => 'started',
      ({ code, message }) => `${code} ${message}`,
    );
  assert.match(await refusal({ prot: 5000 }), /^CONFIG .*"prot"/);
  assert.match(await refusal({ workers: 0 }), /^CONFIG .*workers/);
  assert.match(await refusal({ maxFrameBytes: 'much' }), /^CONFIG .*max-frame-bytes/);
  assert.match(await refusal({ operationModules: ['no-such.mjs'] }), /^CONFIG .*no-such/);
});

test('refuses what is no option of a server inside a program, and what is no value at all', async () => {
  const refusal = (...given: unknown[]) =>
    (startServer as (...all: unknown[]) => Promise<unknown>)(...given).then(
      () => 'started',
      ({ code, message }) => `${code} ${message}`,
    );
  for (const options of [null, 5, 'x', []]) assert.match(await refusal(options), /^CONFIG .*must be an object/);
  // `trama serve` has these, and nothing in a program would heed them.
  for (const key of ['httpPort', 'drainMs', 'watch', 'logLevel']) {
    assert.match(await refusal({ [key]: 1 }), new RegExp(`^CONFIG .*no option "${key}"`));
  }
  for (const value of [null, true, {}, Number.NaN, Symbol('x'), () => 1, [5], 10n]) {
    assert.match(await refusal({ port: 0, workers: value }), /^CONFIG .*workers/);
  }
  assert.match(await refusal({ host: 5 }), /^CONFIG .*host/);
  for (const modules of ['x.mjs', [5], [null], ['file:'], ['file://elsewhere/x.mjs'], ['file:///a%2fb'], {}]) {
    assert.match(await refusal({ port: 0, operationModules: modules }), /^CONFIG /);
  }
  assert.match(await refusal({ port: 0 }, {}), /^CONFIG .*must be a pino logger/);
  assert.match(await refusal({ port: 0 }, null), /^CONFIG .*must be a pino logger/);
});

test.run();
