import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { openPeer, serverFor, slowOpsPath } from '../client/support.js';
import { mainPath } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { assertTrouble, runCli, runProgram, tempFile } from './run-cli.js';

const test = suite('trama call');
const server = serverFor(test, ['--ops', slowOpsPath, '--workers', '1']);

const uuid = /"id": "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"/;
const call = (args: readonly string[], input?: string | Uint8Array) =>
  runCli(['call', '127.0.0.1', String(server().port), ...args], input);

test('the reply is printed with a UUID and the digits of the wire', async () => {
  const run = await call(['sum', '[1,2,3,4]']);
  assert.equal([run.status, run.stderr], [0, '']);
  assert.is(run.stdout.replace(uuid, '"id": "<uuid>"'), '{\n  "id": "<uuid>",\n  "ok": true,\n  "result": 10.0\n}\n');
});

test('digits, escapes and the order of members come as they were sent', async () => {
  const run = await call(['echo', '{"b":12345678901234567890.10,"a":"\\u00f1\\/ñ","b":[-0,1E+2]}']);
  assert.is(
    run.stdout.split('\n').slice(3).join('\n'),
    '  "result": {\n    "b": 12345678901234567890.10,\n    "a": "\\u00f1\\/ñ",\n    "b": [\n      -0,\n      1E+2\n    ]\n  }\n}\n',
  );
});

test('--raw prints the body of the reply and nothing else', async () => {
  const run = await call(['echo', '{"a":[1, 2]}', '--raw']);
  assert.match(run.stdout, /^\{"id":"[0-9a-f-]{36}","ok":true,"result":\{"a":\[1, 2\]\}\}$/);
});

test('an error reply is printed too, and the status is 1', async () => {
  const run = await call(['sum', '["one"]']);
  assert.equal([run.status, run.stderr], [1, '']);
  assert.equal([JSON.parse(run.stdout).ok, JSON.parse(run.stdout).code], [false, 'BAD_DATA']);
});

test('a reply that knows no such operation is followed by how to list them, on stderr only', async () => {
  const run = await call(['nope', '1']);
  assert.equal([run.status, JSON.parse(run.stdout).code], [1, 'UNKNOWN_OP']);
  assert.is(run.stderr, `trama: \`trama ops 127.0.0.1 ${server().port}\` lists what the server has\n`);
});

test('data may be left out, a negative number, a file or standard input', async (t) => {
  const resultOf = async (args: readonly string[], input?: string) => {
    const run = await call(args, input);
    assert.equal([run.status, run.stderr], [0, '']);
    return JSON.parse(run.stdout).result;
  };
  const path = tempFile(t, 'data.json', '[0.1,0.2]\n');
  assert.equal(await resultOf(['$ping']), { pong: true });
  assert.is(await resultOf(['echo', '-5']), -5);
  assert.is(await resultOf(['sum', `@${path}`]), 0.3);
  assert.is(await resultOf(['sum', '-'], ' [3,4] '), 7);
});

test.needs('bash', 'data may come from a pipe with a name', async () => {
  const command = `"$0" "$1" call 127.0.0.1 ${server().port} sum @<(echo '[1,2]')`;
  const run = await runProgram('bash', ['-c', command, process.execPath, mainPath]);
  assert.equal([run.status, run.stderr], [0, '']);
  assert.is(JSON.parse(run.stdout).result, 3);
});

test('a file that is too large to be checked is sent as it stands', async (t) => {
  const large = JSON.stringify('x'.repeat(17 * 1024 * 1024));
  const peer = await openPeer(t, ({ id, data }, { send }) =>
    send(`{"id":"${id}","ok":true,"result":[${(data as string).length},1.50]}`),
  );
  const args = ['call', '127.0.0.1', String(peer.port), 'echo', '--raw'];
  for (const [argument, input] of [[`@${tempFile(t, 'large.json', large)}`], ['-', large]] as const) {
    const run = await runCli([...args, argument], input);
    assert.equal([run.status, run.stderr], [0, '']);
    assert.match(run.stdout, new RegExp(`"result":\\[${large.length - 2},1\\.50\\]\\}$`));
  }
});

test('an error reply ends the sending of a large file', async (t) => {
  const path = tempFile(t, 'large.json', '');
  // A hole: its bytes are zeros, which are not JSON, and it takes no room.
  truncateSync(path, 3 * 2 ** 30);
  for (const [op, code] of [
    ['echo', 'FRAME_TOO_LARGE'],
    ['sum', 'BAD_JSON'],
  ] as const) {
    const run = await call([op, `@${path}`]);
    assert.equal([run.status, run.stderr], [1, '']);
    assert.is(JSON.parse(run.stdout).code, code);
  }
});

test('a file that changes while it is sent is told in one line', async (t) => {
  for (const [bytes, problem] of [
    [64 * 2 ** 20, /large\.json grew beyond its 33554432 bytes while it was sent\.\n$/],
    [2 ** 20, /large\.json shrank from 33554432 to \d+ bytes while it was sent\.\n$/],
  ] as const) {
    const path = tempFile(t, 'large.json', '');
    truncateSync(path, 32 * 2 ** 20);
    const peer = await openPeer(t, () => assert.unreachable('half a request was taken for a whole one'), {
      // The second connection is the upload's, and nothing of it is read before this returns: less than the file is on its way.
      onConnection: () => peer.connections.length === 2 && truncateSync(path, bytes),
    });
    assertTrouble(await runCli(['call', '127.0.0.1', String(peer.port), 'echo', `@${path}`]), problem);
  }
});

test('--timeout-ms is the time that the server has', async () => {
  const run = await call(['wait', '3600000', '--timeout-ms', '50']);
  assert.equal([run.status, run.stderr], [1, '']);
  assert.is(JSON.parse(run.stdout).code, 'DEADLINE_EXCEEDED');
});

test('data that cannot be used is told in one line', async () => {
  assertTrouble(await call(['echo', '{"a":\n1,}']), /The argument is not JSON \(.+\)\. Put JSON in single quotes/);
  assertTrouble(await call(['echo', '@/no/such/file']), /Cannot read \/no\/such\/file: ENOENT/);
  assertTrouble(await call(['echo', '-'], ''), /standard input is not JSON/);
});

test('wrong usage is told in one line', async () => {
  assertTrouble(await runCli(['call']), /missing required argument 'host'; see trama call --help\n$/);
  for (const port of ['0', '65536', '5e3', "it's"]) {
    const refusal = `^trama: PORT: "${port}" is not an integer from 1 to 65535; HOST and PORT are two arguments\n$`;
    assertTrouble(await runCli(['call', 'localhost', port, 'echo']), new RegExp(refusal));
  }
  assertTrouble(await runCli(['call', '127.0.0.1:5000', 'sum', '[1]']), /PORT: "sum" is not an integer/);
  assertTrouble(await call(['echo', '1', 'extra']), /too many arguments/);
  assertTrouble(await call(['echo', '1', '--rwa']), /unknown option '--rwa' \(Did you mean --raw\?\)/);
  assertTrouble(await call(['echo', '1', '--timeout-ms', '-3']), /milliseconds above 0/);
});

test('a server that is not there is told in one line', async (t) => {
  const peer = await openPeer(t, () => {});
  await peer.stop();
  assertTrouble(await runCli(['call', '127.0.0.1', String(peer.port), 'echo', '1']), /\(ECONNREFUSED\).*running there/);
  assertTrouble(await runCli(['call', 'localhost', String(peer.port), 'echo', '1']), /\(ECONNREFUSED\)/);
  assertTrouble(await runCli(['call', 'no-such-host.invalid', '5000', 'echo', '1']), /Cannot connect to no-such-host/);
});

test('a peer that breaks off, or speaks something else, is told in one line', async (t) => {
  const ends = await openPeer(t, (_, { socket }) => socket.end('\0\0\0\x20{"id":'));
  assertTrouble(await runCli(['call', '127.0.0.1', String(ends.port), 'echo', '1']), /in the middle of a reply/);
  const web = await openPeer(t, (_, { socket }) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  assertTrouble(
    await runCli(['call', '127.0.0.1', String(web.port), 'echo', '1']),
    /answers in HTTP: the framed protocol is on another port, 5000 by default/,
  );
  const silent = await openPeer(t, () => {});
  const args = ['call', '127.0.0.1', String(silent.port), 'echo', '1', '--timeout-ms', '10'];
  assertTrouble(await runCli(args), /No reply to echo came within 10 ms/);
});

test('a reader that leaves before the reply is written is told in one line, without a stack', async () => {
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
  assert.is(status, 2, stderr);
  assert.match(stderr, /^trama: The reply could not be written to standard output: [^\n]+\n$/);
});

test.needs('script', 'a large request shows a bar on a terminal, and on a terminal only', async (t) => {
  const path = tempFile(t, 'large.json', JSON.stringify('x'.repeat(8_000_000)));
  const command = [process.execPath, mainPath, 'call', '127.0.0.1', String(server().port), 'upper', `@${path}`];
  const bare = await runProgram('sh', ['-c', `${command.join(' ')} > /dev/null`]);
  assert.equal([bare.status, bare.stderr], [0, '']);
  // In a pseudo-terminal stdout and stderr are one; the reply goes elsewhere.
  const terminal = await runProgram('script', ['-qec', `${command.join(' ')} > /dev/null`, '/dev/null']);
  assert.is(terminal.status, 0, terminal.stdout);
  assert.match(terminal.stdout, /sent .*\d+% \| .* of 8\.0 MB \| [\d.]+ MB\/s \| \d+ s left/);
});

test.needs(['script', 'bash'], 'Ctrl-C ends a large request with the terminal as it was', async (t) => {
  const path = tempFile(t, 'large.json', `[${'1,'.repeat(8_000_000)}1]`);
  // Nobody reads what is sent: the request stands still until the signal comes.
  const silent = createServer((socket) => socket.pause()).listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  silent.on('connection', (socket) => t.after(() => socket.destroy()));
  const { port } = silent.address() as AddressInfo;
  const call = `${process.execPath} ${mainPath} call 127.0.0.1 ${port} sum @${path}`;
  const terminal = spawn('script', [
    '-qefc',
    `bash -mc '${call} & echo "pid $!"; wait $!; echo "status $?"'`,
    '/dev/null',
  ]);
  t.after(() => terminal.kill('SIGKILL'));
  let stdout = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const ended = once(terminal, 'close');
  await until('the bar is drawn', () => /sent .* of 16\.0 MB/.test(stdout));
  const pid = await until('the shell names the process', () => Number(/pid (\d+)/.exec(stdout)?.[1]));
  process.kill(pid, 'SIGINT');
  await ended;
  assert.is(stdout.lastIndexOf('\x1b[?7h') > stdout.lastIndexOf('\x1b[?7l'), true, stdout);
  assert.match(stdout, /status 130/);
});

test.run();
