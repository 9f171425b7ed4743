import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../support/suite.js';
import { assertTrouble, runCli, runProgram, tempFile } from './run-cli.js';

const test = suite('trama completion');

/** What bash would offer for `words`, the last of which is being typed. */
async function completions(t: TestContext, ...words: string[]): Promise<string[]> {
  const script = tempFile(t, 'completion.bash', (await runCli(['completion', 'bash'])).stdout);
  const program = `
    set -u
    source "$1"
    shift
    spec=$(complete -p trama) || exit 3
    [[ $spec =~ -F\\ ([^ ]+) ]] || exit 4
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "\${BASH_REMATCH[1]}"
    for each in "\${COMPREPLY[@]-}"; do [ -z "$each" ] || printf '%s\\n' "$each"; done`;
  const run = await runProgram('bash', ['--norc', '-c', program, 'bash', script, 'trama', ...words]);
  assert.equal([run.status, run.stderr], [0, '']);
  return run.stdout.split('\n').filter((line) => line !== '');
}

test.needs('bash', 'bash offers the commands', async (t) => {
  assert.equal(await completions(t, ''), ['serve', 'call', 'ops', 'reload', 'token', 'completion', 'help']);
  assert.equal(await completions(t, 'h'), ['help']);
  assert.equal(await completions(t, 'help', 'c'), ['call', 'completion']);
  assert.equal(await completions(t, 'c'), ['call', 'completion']);
  assert.equal(await completions(t, '--v'), ['--version']);
});

test.needs('bash', 'bash offers the options of the command that is being typed', async (t) => {
  assert.equal(await completions(t, 'call', '127.0.0.1', '5000', '--'), [
    '--connect-timeout-ms',
    '--idle-timeout-ms',
    '--token-file',
    '--tls',
    '--ca',
    '--cert',
    '--key',
    '--server-name',
    '--raw',
    '--timeout-ms',
    '--format',
    '--column',
    '--no-header',
    '--delimiter',
    '--path',
    '--skip-bad',
    '--help',
  ]);
  assert.equal(await completions(t, 'serve', '--http-p'), ['--http-port', '--http-proxy-protocol']);
  assert.equal(await completions(t, 'serve', '--conf'), ['--config']);
  assert.equal(await completions(t, 'serve', '--print'), ['--print-config', '--print-config-schema']);
  // None of its own: bash offers files.
  assert.equal(await completions(t, 'serve', '--config', ''), []);
  assert.equal(await completions(t, 'ops', '--nothing-like-this'), []);
});

test.needs('bash', 'bash offers the words that an argument may be', async (t) => {
  assert.equal(await completions(t, 'completion', ''), ['bash', 'zsh', 'fish']);
  assert.equal(await completions(t, 'completion', 'z'), ['zsh']);
  assert.equal(await completions(t, 'completion', 'zsh', ''), []);
});

test.needs('bash', 'bash offers the operations that every server has, where an operation is due', async (t) => {
  assert.equal(await completions(t, 'call', 'localhost', '5000', ''), ['echo', 'upper', 'sum']);
  assert.equal(await completions(t, 'call', '--timeout-ms', '9', 'localhost', '--raw', '5000', 's'), ['sum']);
  assert.equal(await completions(t, 'call', 'localhost', ''), []);
  assert.equal(await completions(t, 'call', 'localhost', '5000', 'sum', ''), []);
});

test.needs('bash', 'bash offers the values that an option may have', async (t) => {
  assert.equal(await completions(t, 'call', '--format', ''), ['json', 'csv', 'tsv', 'ndjson', 'jsonl']);
  const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
  assert.equal(await completions(t, 'serve', '--log-level', ''), levels);
  assert.equal(await completions(t, 'serve', '--log-level', 'd'), ['debug']);
});

test.needs('bash', 'bash leaves the value of an option to its file names', async (t) => {
  assert.equal(await completions(t, 'serve', '--port', ''), []);
  assert.equal(await completions(t, 'serve', '--ops', '--'), []);
});

test.needs('bash', 'bash completes the file after an @, spaces and all', async (t) => {
  const path = tempFile(t, 'two words.json', '');
  writeFileSync(`${dirname(path)}/other.json`, '');
  assert.equal(await completions(t, 'call', 'h', '1', 'echo', `@${dirname(path)}/tw`), [`@${path}`]);
});

test.needs(['bash', 'script'], 'bash completes at a prompt when Tab is pressed', async (t) => {
  const { stdout: completion } = await runCli(['completion', 'bash']);
  const rc = tempFile(t, 'bashrc', `${completion}\ntrama() { echo "ran <$*>"; }\n`);
  const keys = 'trama comp\tfi\t\nexit\n';
  const run = await runProgram('script', ['-qec', `bash --rcfile ${rc} -i`, '/dev/null'], keys, { TERM: 'dumb' });
  assert.match(run.stdout, /ran <completion fish>/);
});

test.needs(['zsh', 'script'], 'zsh completes at a prompt when Tab is pressed', async (t) => {
  const { stdout: completion } = await runCli(['completion', 'zsh']);
  const setUp = 'autoload -Uz compinit; compinit -D\n';
  const rc = tempFile(t, '.zshrc', `${setUp}${completion}\ntrama() { echo "ran <$*>"; }\n`);
  const keys =
    'trama comp\tfi\t\ntrama serve --worker-m\t1\ntrama h\t\ntrama serve --log-level si\t\ntrama call h 1 up\t\nexit\n';
  const run = await runProgram('script', ['-qec', 'zsh -i', '/dev/null'], keys, { TERM: 'dumb', ZDOTDIR: dirname(rc) });
  assert.match(run.stdout, /ran <completion fish>/);
  assert.match(run.stdout, /ran <serve --worker-memory-mb 1>/);
  assert.match(run.stdout, /ran <help>/);
  assert.match(run.stdout, /ran <serve --log-level silent>/);
  assert.match(run.stdout, /ran <call h 1 upper>/);
});

test.needs('fish', 'fish offers commands and options', async (t) => {
  const script = tempFile(t, 'trama.fish', (await runCli(['completion', 'fish'])).stdout);
  const offered = async (line: string) => {
    const run = await runProgram('fish', ['--no-config', '-c', `source ${script}; complete -C '${line}'`]);
    assert.equal([run.status, run.stderr], [0, '']);
    return run.stdout.split('\n').map((each) => each.split('\t')[0]);
  };
  assert.ok((await offered('trama ')).includes('serve'));
  assert.ok((await offered('trama call --t')).includes('--timeout-ms'));
  assert.ok((await offered('trama completion ')).includes('fish'));
  assert.ok((await offered('trama h')).includes('help'));
  assert.ok((await offered('trama serve --log-level ')).includes('silent'));
  assert.ok((await offered('trama call localhost 5000 ')).includes('upper'));
  assert.not.ok((await offered('trama call localhost ')).includes('upper'));
});

test('another shell is wrong usage', async () => {
  assertTrouble(await runCli(['completion', 'tcsh']), /^trama: SHELL: "tcsh" is not one of bash, zsh, fish\n$/);
});

test.run();
