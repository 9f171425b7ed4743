import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/server/access/token.js';
import { mainPath, startServer } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { assertTrouble, runCli, runProgram, tempFile } from './run-cli.js';

const test = suite('trama token, and the tokens of commands', { timeoutMs: 60_000 });

function open(t: TestContext) {
  const path = join(tempFile(t, 'x', ''), '../data/tokens.json');
  const token = (...args: readonly string[]) => runCli(['token', ...args, '--tokens', path]);
  return { path, token, entries: () => JSON.parse(readFileSync(path, 'utf8')).identities };
}

test('create prints a token once and keeps its digest only, in a file for its owner', async (t) => {
  const { path, token, entries } = open(t);
  const run = await token(
    'create',
    'app',
    '--allow',
    'sum, echo',
    '--expires',
    '30d',
    '--max-requests',
    '5',
    '--requests-per-second',
    '0.5',
    '--bytes-per-second',
    '64KiB',
    '--worker-share',
    '50%',
  );
  assert.is(run.status, 0, run.stderr);
  assert.match(run.stdout, /^trama_[\w-]{43}\n$/);
  assert.is(run.stderr.split('\n').length, 2);
  const [entry] = entries();
  assert.is(entry.sha256, digestOf(run.stdout.trim()));
  assert.not.ok(readFileSync(path, 'utf8').includes(run.stdout.trim()));
  const { allow, maxRequests, requestsPerSecond, bytesPerSecond, workerShare, expires } = entry;
  assert.equal(
    [allow, maxRequests, requestsPerSecond, bytesPerSecond, workerShare],
    [['sum', 'echo'], 5, 0.5, 65536, '50%'],
  );
  const days = (Date.parse(expires) - Date.now()) / 86_400_000;
  assert.ok(days > 29.9 && days <= 30, expires);
  if (process.platform !== 'win32') assert.is(statSync(path).mode & 0o777, 0o600);
});

test('commands at the same time lose nothing of each other, and one that waits in vain says what for', async (t) => {
  const { path, token, entries } = open(t);
  const names = ['a', 'b', 'c', 'd'];
  const runs = await Promise.all(names.map((name) => token('create', name)));
  assert.equal(
    runs.map(({ status }) => status),
    names.map(() => 0),
  );
  const known = (list: { name: string }[]) => list.map(({ name }) => name).sort();
  assert.equal(known(entries()), names);
  writeFileSync(`${path}.new`, '');
  assertTrouble(
    await token('create', 'e'),
    /another command changes the file of tokens; if none does, remove .*\.new"\n$/,
  );
  rmSync(`${path}.new`);
  assert.is((await token('revoke', 'a')).status, 0);
  assert.equal(known(entries()), ['b', 'c', 'd']);
});

test.needs('bash', 'where the disk takes a part of the file only, the old one stays', async (t) => {
  const { path, token, entries } = open(t);
  assert.is((await token('create', 'app', '--allow', Array(200).fill('echo').join(','))).status, 0);
  const before = entries();
  // A file may have one block: what is over it is not written.
  const limited = `ulimit -f 1; exec "$0" "$@"`;
  const args = ['-c', limited, process.execPath, mainPath, 'token', 'create', 'next', '--tokens', path];
  const run = await runProgram('bash', args);
  assert.equal([run.status, run.stdout], [2, ''], run.stderr);
  assert.equal(entries(), before);
  assert.equal(readdirSync(dirname(path)), [basename(path)]);
});

test('list shows who there is and never a token; revoke takes one away', async (t) => {
  const { token, entries } = open(t);
  const secret = (await token('create', 'app')).stdout.trim();
  assert.is((await token('create', 'anonymous', '--no-token', '--allow', 'echo')).status, 0);
  const { stdout } = await token('list');
  assert.match(
    stdout,
    /^NAME +TOKEN +CREATED +EXPIRES +HELD TO\napp +yes .* never +-\nanonymous +none .* allow echo\n$/,
  );
  assert.not.ok(stdout.includes(secret) || stdout.includes(digestOf(secret)));
  assert.is((await token('revoke', 'app')).status, 0);
  assert.equal(
    entries().map(({ name }: { name: string }) => name),
    ['anonymous'],
  );
  assertTrouble(await token('revoke', 'app'), /there is no identity "app" in /);
});

test('what is wrong is one line, and changes nothing', async (t) => {
  const { path, token } = open(t);
  await token('create', 'app');
  const before = readFileSync(path, 'utf8');
  assertTrouble(await token('create', 'app'), /there is an identity "app" already/);
  assertTrouble(await token('create', 'anonymous'), /stands for all who have no token/);
  for (const [flag, value] of [
    ['--expires', 'soon'],
    ['--expires', '2001-01-01'],
    ['--max-requests', '0'],
    ['--requests-per-second', '-1'],
    ['--bytes-per-second', '1kB'],
    ['--worker-share', '101%'],
    ['--allow', ','],
  ] as const) {
    assertTrouble(await token('create', 'other', flag, value), /It must be/);
  }
  assertTrouble(await token('create', ''), /NAME: It must be a text/);
  assert.is(readFileSync(path, 'utf8'), before);
  writeFileSync(path, '{"version":3}');
  assertTrouble(await token('list'), /the file of tokens .* has the version 3; this server reads 1/);
  assertTrouble(await token('create', 'other'), /has the version 3/);
  assertTrouble(await runCli(['serve', '--auth', 'required', '--tokens', path]), /has the version 3/);
});

test('call, ops and reload take the token from a file or the environment; a server takes changes up by itself', async (t) => {
  const { path, token } = open(t);
  const secret = (await token('create', 'app', '--allow', 'sum,$reload')).stdout;
  const file = tempFile(t, 'app.token', secret);
  const server = await startServer(t, ['--host', '127.0.0.1', '--auth', 'required', '--tokens', path]);
  const at = ['127.0.0.1', `${server.port}`];
  const sum = await runCli(['call', ...at, 'sum', '[1,2]', '--raw', '--token-file', file]);
  assert.match(sum.stdout, /"result":3\.0\}$/);
  const byVariable = await runProgram(process.execPath, [mainPath, 'ops', ...at], '', { TRAMA_TOKEN: secret.trim() });
  assert.is(byVariable.status, 0, byVariable.stderr);
  // What the reply says of a place in the data counts from the data, with the token's frame before it too.
  const bad = await runCli(['call', ...at, 'sum', `@${tempFile(t, 'bad.json', '[1,2,"x"]')}`, '--token-file', file]);
  assert.match(bad.stderr, /the place is byte 5 of \S+bad\.json/);
  const reload = ['reload', '--http-port', `${server.httpPort}`];
  assert.is((await runCli([...reload, '--token-file', file])).status, 0);
  assert.match((await runCli(reload)).stderr, /this server wants a token/);
  assertTrouble(
    await runCli(['call', ...at, 'sum', '[1]', '--token-file', `${file}.none`]),
    /--token-file: .* cannot be read \(ENOENT\)/,
  );
  assertTrouble(await runCli(['call', ...at, 'sum', '[1]', '--token-file', tempFile(t, 'e', '\n')]), /has no token/);
  await token('revoke', 'app');
  await until(
    'the token is not taken any more',
    async () => (await runCli(['call', ...at, 'sum', '[1]', '--token-file', file])).status === 2,
    { timeoutMs: 20_000 },
  );
  await token('create', 'next');
  const reloads = () => server.log.filter((line) => line.includes('tokens reloaded')).length;
  const before = reloads();
  server.process.kill('SIGHUP');
  await until('a signal has it read too', () => reloads() > before);
});

test('a start that anybody on the network may use says so once; others do not', async (t) => {
  const warnings = async (...args: readonly string[]) => {
    const server = await startServer(t, args);
    await until('it is ready', () => server.log.some((line) => line.includes('"msg":"ready"')));
    return server.log.filter((line) => line.includes('may call every operation'));
  };
  const open4 = await warnings('--host', '0.0.0.0');
  assert.is(open4.length, 1);
  assert.match(open4[0]!, /"level":40.*whoever reaches 0\.0\.0\.0 may call every operation/);
  assert.equal(await warnings('--host', '127.0.0.1'), []);
  assert.equal(await warnings('--host', '0.0.0.0', '--auth', 'required', '--tokens', open(t).path), []);
});

test.run();
