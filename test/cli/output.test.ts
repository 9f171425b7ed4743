import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { serverFor } from '../client/support.js';
import { mainPath } from '../support/server.js';
import { suite } from '../support/suite.js';
import { runProgram } from './run-cli.js';

const test = suite('what commands write');
const server = serverFor(test);

const devFull = () => (existsSync('/dev/full') ? undefined : 'there is no /dev/full');

const commands = () => [
  ['ops', '127.0.0.1', String(server().port)],
  ['ops', '127.0.0.1', String(server().port), '--json'],
  ['call', '127.0.0.1', String(server().port), 'echo', '1'],
  ['completion', 'bash'],
  ['serve', '--print-config'],
  ['--help'],
  ['call', '--help'],
  ['--version'],
];

/** Runs a command line of a shell, in which `trama` is this program. */
const shell = (line: string) =>
  runProgram('bash', ['-c', `trama() { "${process.execPath}" "${mainPath}" "$@"; }; ${line}`]);

test.needs('bash', 'a reader that has left ends every command quietly, with status 0', async () => {
  for (const command of commands()) {
    // The reader is gone before the command begins.
    const { stdout, stderr } = await shell(
      `{ sleep 0.3; trama ${command.join(' ')}; echo "status $?" >&3; } 3>&2 | true`,
    );
    assert.equal([stdout, stderr], ['', 'status 0\n'], command.join(' '));
  }
});

test.needs(
  'bash',
  'a reader that leaves in the middle of a reply ends the call quietly, with the status of the reply',
  async () => {
    const child = spawn(process.execPath, [mainPath, 'call', '127.0.0.1', String(server().port), 'echo', '-'], {
      stdio: 'pipe',
    });
    child.stdin.end(JSON.stringify('x'.repeat(5_000_000)));
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.once('data', () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.once('close', resolve));
    assert.equal([status, stderr], [0, '']);
    const refused = `{ sleep 0.3; trama call 127.0.0.1 ${server().port} sum '"x"'; echo "status $?" >&3; } 3>&2 | true`;
    assert.is((await shell(refused)).stderr, 'status 1\n');
  },
);

test.needs([devFull, 'bash'], 'a full disk is one line and status 74', async () => {
  for (const command of commands()) {
    const { status, stderr } = await shell(`trama ${command.join(' ')} > /dev/full`);
    assert.is(status, 74, command.join(' '));
    assert.match(stderr, /^trama: standard output could not be written: ENOSPC[^\n]*\n$/);
  }
});

test.needs([devFull, 'bash'], 'a standard error that cannot be written does not change the exit status', async () => {
  for (const where of ['/dev/full', '&-']) {
    for (const [line, expected] of [
      ['trama call nowhere', 2],
      ['trama ops 127.0.0.1 1', 2],
      ['trama serve --port 70000', 2],
      [`trama call 127.0.0.1 ${server().port} nope`, 1],
      ['trama', 2],
    ] as const) {
      assert.is(
        (await shell(`${line} 2> ${where} > /dev/null`.replace('> &-', '>&-'))).status,
        expected,
        `${line} ${where}`,
      );
    }
  }
  // Both are full: nobody can be told.
  const both = spawn(process.execPath, [mainPath, 'completion', 'bash'], {
    stdio: ['ignore', openSync('/dev/full', 'w'), openSync('/dev/full', 'w')],
  });
  assert.is(await new Promise((resolve) => both.once('close', resolve)), 74);
});

test.run();
