/** Reloads of the real server's operations: by a signal, by command, and by `--watch`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { runCli } from '../cli/run-cli.js';
import { ask, call } from '../sidecar/support.js';
import { parseLine, type RunningServer, startServer } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { openWire, request } from '../support/wire.js';

const test = suite('reloads of the server');

const library = new URL('../../src/index.js', import.meta.url).href;

/** A module whose operations say which version they are of, after a time where one is asked for. */
const versionModule = (version: string, more = '') => `
  import { defineOperation } from '${library}';
  export const version = defineOperation({
    description: 'Says ${version}.',
    run: (ms) => new Promise((resolve) => setTimeout(() => resolve('${version}'), ms ?? 0)),
  });
  ${more}`;

const brokenModule = 'throw new Error("not today");\n';

async function startVersioned(t: TestContext, ...flags: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'trama-reload-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'ops.mjs');
  writeFileSync(file, versionModule('one'));
  const server = await startServer(t, ['--ops', file, '--workers', '2', ...flags]);
  await until('the pool is warm', async () => (await ask(server, '/readyz')).status === 200);
  const edit = (text: string) => writeFileSync(file, text);
  return { server, file, edit };
}

const versionOf = async (server: RunningServer, data = 'null') =>
  ((await call(server, 'version', data)).json() as { result?: string }).result;

const lines = (server: RunningServer, message: RegExp) =>
  server.log.map(parseLine).filter((line) => message.test(String(line?.msg)));

const reload = (server: RunningServer) => runCli(['reload', '--http-port', String(server.httpPort)]);

test('an edited module changes nothing before a reload, and every thread after one', async (t) => {
  const { server, edit } = await startVersioned(t);
  edit(versionModule('two', `export const added = defineOperation({ description: 'New.', run: () => 'new' });`));
  const answers = await Promise.all(Array.from({ length: 20 }, () => versionOf(server)));
  assert.equal([...new Set(answers)], ['one']);
  assert.equal(await reload(server), { status: 0, stdout: 'reloaded: 5 operations\n', stderr: '' });
  const after = await Promise.all(Array.from({ length: 20 }, () => versionOf(server)));
  assert.equal([...new Set(after)], ['two']);
  assert.match((await call(server, 'added')).text, /"result":"new"\}$/);
  for (const path of ['/v1/ops', '/openapi.json']) {
    const { text } = await ask(server, path);
    assert.ok(text.includes('Says two.') && text.includes('added') && !text.includes('Says one.'), path);
  }
  assert.is(await server.stop(), 0);
});

test('what runs when a reload comes is finished by the code that it began with', async (t) => {
  const { server, edit } = await startVersioned(t);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'version', '1500'));
  // A later request on the same connection is answered: the first one has been read by then.
  await wire.send(request('2', 'echo', '1'));
  await wire.reply();
  edit(versionModule('two'));
  assert.is((await reload(server)).status, 0);
  assert.is(await versionOf(server), 'two');
  assert.is((await wire.reply()).result, 'one');
});

test('a module that does not load keeps the old operations, and one line says why', async (t) => {
  const { server, edit } = await startVersioned(t);
  edit(brokenModule);
  const run = await reload(server);
  assert.equal([run.status, run.stdout], [1, '']);
  assert.match(run.stderr, /^trama: .*ops\.mjs.*not today\n$/);
  assert.is(await versionOf(server), 'one');
  assert.is((await ask(server, '/readyz')).status, 200);
  const told = lines(server, /^operations not reloaded/);
  assert.is(told.length, 1);
  assert.match(String(told[0]!.reason), /not today/);
  edit(versionModule('three'));
  assert.is((await reload(server)).status, 0);
  assert.is(await versionOf(server), 'three');
});

test('SIGHUP reloads, and ends nothing', async (t) => {
  const { server, edit } = await startVersioned(t);
  edit(versionModule('two'));
  server.process.kill('SIGHUP');
  await until('it is told', () => lines(server, /^operations reloaded$/).length === 1);
  assert.is(await versionOf(server), 'two');
  edit(brokenModule);
  server.process.kill('SIGHUP');
  await until('the failure is told', () => lines(server, /^operations not reloaded/).length === 1);
  assert.is(await versionOf(server), 'two');
  assert.is(await server.stop(), 0);
});

test('--watch reloads when a file changes, and says why where it cannot', async (t) => {
  const { server, edit } = await startVersioned(t, '--watch');
  edit(versionModule('two'));
  await until('the new code answers', async () => (await versionOf(server)) === 'two');
  edit(brokenModule);
  await until('the failure is told', () => lines(server, /^operations not reloaded/).length === 1);
  assert.is(await versionOf(server), 'two');
  edit(versionModule('three'));
  await until('the new code answers', async () => (await versionOf(server)) === 'three');
  assert.is(await server.stop(), 0);
});

test('a draining server refuses a reload', async (t) => {
  const { server } = await startVersioned(t);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'version', '1500'), request('2', 'echo', '1'));
  await wire.reply();
  server.process.kill('SIGTERM');
  await until('it drains', async () => (await ask(server, '/readyz')).status === 503);
  const run = await reload(server);
  assert.equal([run.status, run.stderr], [1, 'trama: the server is shutting down\n']);
  assert.is((await wire.reply()).result, 'one');
  assert.is(await server.exited, 0);
});

test.run();
