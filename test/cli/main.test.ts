import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { serverFor } from '../client/support.js';
import { mainPath } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { assertTrouble, runCli, runProgram, tempFile } from './run-cli.js';

const test = suite('trama');
const server = serverFor(test);

const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));

test('--version is that of the package, however it is asked for', async () => {
  for (const word of ['--version', '-v', '-V', 'version']) {
    assert.equal(await runCli([word]), { status: 0, stdout: `${manifest.version}\n`, stderr: '' }, word);
  }
});

test('--help names the commands, and each has a help of its own', async () => {
  const run = await runCli(['--help']);
  assert.is(run.status, 0);
  for (const command of ['serve', 'call', 'ops', 'reload', 'completion']) {
    assert.match(run.stdout, new RegExp(`^  ${command} `, 'm'));
    const own = await runCli([command, '--help']);
    assert.is(own.status, 0);
    assert.match(own.stdout, new RegExp(`^Usage: trama ${command} `));
    assert.is((await runCli(['help', command])).stdout, own.stdout);
  }
});

test('no command, and one that does not exist, are wrong usage', async () => {
  const bare = await runCli([]);
  assert.equal([bare.status, bare.stdout], [2, '']);
  assert.match(bare.stderr, /^Usage: trama /);
  assertTrouble(await runCli(['cal']), /unknown command 'cal' \(Did you mean call\?\)/);
  assertTrouble(await runCli(['--nope']), /unknown option '--nope'; see node \S+main\.js --help\n$/);
  assertTrouble(await runCli(['sum', '[1]']), /unknown command 'sum'; see node \S+main\.js --help\n$/);
  assertTrouble(await runCli(['help', 'cal']), /unknown command 'cal' \(Did you mean call\?\)\n$/);
  assertTrouble(await runCli(['serve', 'x']), /too many arguments .* but got 1; see node \S+main\.js serve --help\n$/);
});

test('the bin of the package is this program, and can be run', () => {
  assert.ok(mainPath.endsWith(manifest.bin.trama));
  assert.match(readFileSync(mainPath, 'utf8'), /^#!\/usr\/bin\/env node\n/);
});

/** The scripts that a run of the command line loaded, by what V8 counts of them. */
async function loadedBy(t: TestContext, ...args: string[]): Promise<string> {
  const folder = dirname(tempFile(t, 'x', ''));
  const run = await runProgram(process.execPath, [mainPath, ...args], '', { NODE_V8_COVERAGE: folder });
  assert.is(run.status, 0, run.stderr);
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join();
}

test('a command loads its own modules only', async (t) => {
  const serve = await loadedBy(t, 'serve', '--print-config');
  assert.match(serve, /\/src\/config\//);
  assert.not.match(serve, /\/src\/client\/|\/src\/sidecar\/|\/cli-progress\//);
  const call = await loadedBy(t, 'call', '127.0.0.1', String(server().port), 'echo', '1');
  assert.match(call, /\/src\/client\//);
  assert.not.match(call, /\/src\/(config|server|pool)\/|\/pino\/|\/cli-progress\//);
});

test('ops lists the operations of the server', async () => {
  const address = ['127.0.0.1', String(server().port)];
  const table = await runCli(['ops', ...address]);
  assert.equal([table.status, table.stderr], [0, '']);
  const rows = table.stdout.trimEnd().split('\n');
  assert.match(rows[0]!, /^NAME +STREAMING +DESCRIPTION$/);
  for (const name of ['echo', 'upper', 'sum']) assert.ok(rows.some((row) => row.startsWith(`${name} `)));

  const json = await runCli(['ops', ...address, '--json']);
  assert.is(json.status, 0);
  const operations = JSON.parse(json.stdout) as { name: string; description: string }[];
  assert.is(operations.length, rows.length - 1);
  for (const { name, description } of operations) {
    assert.ok(rows.some((row) => row.startsWith(`${name} `) && row.endsWith(description)));
  }
});

test('ops of a server that is not there is connection trouble', async () => {
  assertTrouble(await runCli(['ops', '127.0.0.1', '1']), /Cannot connect to 127\.0\.0\.1:1/);
});

test.run();
