import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { relative } from 'node:path';
import * as assert from 'uvu/assert';
import { fastClock, openPeer, serverFor, slowOpsPath } from '../client/support.js';
import { mainPath } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { frame } from '../support/wire.js';
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
  assert.is(
    run.stderr,
    `trama: \`node ${relative('.', mainPath)} ops 127.0.0.1 ${server().port}\` lists what the server has\n`,
  );
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

test('a file that is too large to be checked is sent as it is', async (t) => {
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
    assert.is(run.status, 1);
    assert.is(JSON.parse(run.stdout).code, code);
    const place =
      code === 'BAD_JSON'
        ? `trama: the place is byte 0 of ${path} (line 1, column 1), with bytes counted from 0\n`
        : '';
    assert.is(run.stderr, place);
  }
});

test('an error reply says where in the user’s file the place is that the server counts from elsewhere', async (t) => {
  const placeOf = async (name: string, content: string | Uint8Array, op: string, ...flags: string[]) => {
    const path = tempFile(t, name, content);
    const run = await call([op, `@${path}`, ...flags]);
    assert.is(run.status, 1, run.stderr);
    return run.stderr.replace(path, name);
  };
  assert.is(
    await placeOf('words.json', '\n\n [1,\n "two"]\n', 'sum'),
    'trama: the place is byte 8 of words.json (line 4, column 2), with bytes counted from 0\n',
  );
  const deep = `[\n${'['.repeat(1100)}${']'.repeat(1100)}]`;
  for (const flags of [[], ['--timeout-ms', '100000']]) {
    const place = await placeOf('deep.json', deep, 'echo', ...flags);
    // The request's own brace is the first of 1,024 levels.
    assert.is(place, 'trama: the place is byte 1024 of deep.json (line 2, column 1023), with bytes counted from 0\n');
  }
  // Too large to be checked here: it is the server that finds the NaN, while the file is sent.
  const large = `[${'1,'.repeat(10_000_000)}\nNaN]`;
  for (const flags of [[], ['--timeout-ms', '100000']]) {
    const place = await placeOf('large.json', large, 'sum', ...flags);
    assert.is(place, 'trama: the place is byte 20000002 of large.json (line 2, column 1), with bytes counted from 0\n');
  }
});

test('what is wrong with standard input is told with its place too', async () => {
  const run = await call(['sum', '-'], '[1,"x"]');
  assert.is(run.stderr, 'trama: the place is byte 3 of standard input (line 1, column 4), with bytes counted from 0\n');
});

test('a file that changes while it is sent is told in one line', async (t) => {
  for (const [bytes, problem] of [
    [64 * 2 ** 20, /large\.json grew beyond its 33554432 bytes while it was sent\.\n$/],
    [2 ** 20, /large\.json shrank from 33554432 to \d+ bytes while it was sent\.\n$/],
  ] as const) {
    const path = tempFile(t, 'large.json', '');
    truncateSync(path, 32 * 2 ** 20);
    const peer = await openPeer(t, () => assert.unreachable('half a request was taken for a whole one'), {
      // The second connection is the upload's, and nothing of it is read before this returns: less than the file is under way.
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

test('the limit that is given goes to the server', async (t) => {
  const peer = await openPeer(t, ({ id }, { send }) => send(`{"id":"${id}","ok":true,"result":1}`));
  const large = `@${tempFile(t, 'large.json', JSON.stringify('x'.repeat(1024 * 1024)))}`;
  const limitOf = async (...args: string[]) => {
    const run = await runCli(['call', '127.0.0.1', String(peer.port), 'echo', ...args]);
    assert.equal([run.status, run.stderr], [0, '']);
    return peer.requests.at(-1)!.timeoutMs;
  };
  // The server is not told of the default, so that an operation's own limit holds.
  assert.is(await limitOf('1'), undefined);
  assert.is(await limitOf('1', '--timeout-ms', '70000'), 70_000);
  assert.is(await limitOf('1', '--timeout-ms', '0'), undefined);
  assert.is(await limitOf(large), undefined);
  const ofLarge = await limitOf(large, '--timeout-ms', '70000');
  assert.ok(ofLarge! > 0 && ofLarge! <= 70_000, String(ofLarge));
});

test('a call that runs into the default limit is told how to set another, and the server stops the work', async () => {
  const { port } = server();
  const patient = ['--connect-timeout-ms', '9000000', '--idle-timeout-ms', '9000000'];
  const command = ['--import', fastClock(100), mainPath, 'call', '127.0.0.1', String(port), 'wait', '3600000'];
  const given =
    /No reply to wait came within 30000 ms, the default of timeoutMs\. \(--timeout-ms sets another limit\.\)/;
  assertTrouble(await runProgram(process.execPath, [...command, ...patient]), given);
  // The server has one thread: it is free again.
  const run = await call(['wait', '1']);
  assert.is(JSON.parse(run.stdout).result, 'waited');
});

test('data that cannot be used is told in one line', async () => {
  assertTrouble(await call(['echo', '{"a":\n1,}']), /The argument is not JSON \(.+\)\. Put JSON in single quotes/);
  assertTrouble(await call(['echo', '@/no/such/file']), /Cannot read \/no\/such\/file: ENOENT/);
  assertTrouble(await call(['echo', '-'], ''), /standard input is not JSON/);
});

test('wrong usage is told in one line', async () => {
  assertTrouble(await runCli(['call']), /missing required argument 'host'; see node \S+main\.js call --help\n$/);
  for (const port of ['0', '65536', '5e3', "it's"]) {
    const refusal = `^trama: PORT: "${port}" is not an integer from 1 to 65535; HOST and PORT are two arguments\n$`;
    assertTrouble(await runCli(['call', 'localhost', port, 'echo']), new RegExp(refusal));
  }
  assertTrouble(await runCli(['call', '127.0.0.1:5000', 'sum', '[1]']), /PORT: "sum" is not an integer/);
  assertTrouble(
    await runCli(['call', 'http://x', '5000', 'sum']),
    /^trama: HOST: "http:\/\/x" is not a name or address/,
  );
  assertTrouble(await call(['echo', '1', 'extra']), /too many arguments/);
  assertTrouble(await call(['echo', '1', '--rwa']), /unknown option '--rwa' \(Did you mean --raw\?\)/);
  for (const limit of ['-3', '', '30s', '1e10']) {
    const refusal =
      /'--timeout-ms <n>' argument '.*' is invalid\. It must be a number of milliseconds .*; 0 is no limit/;
    assertTrouble(await call(['echo', '1', '--timeout-ms', limit]), refusal);
  }
  assertTrouble(await call(['echo', '1', '--idle-timeout-ms', '0']), /a number of milliseconds .* above 0/);
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
  assertTrouble(await runCli(args), /No reply to echo came within 10 ms\. \(--timeout-ms sets another limit\.\)/);
});

test('a peer that accepts and never answers is given up after a time of silence', async (t) => {
  const silent = await openPeer(t, () => {});
  const address = ['127.0.0.1', String(silent.port)];
  const given = `^trama: Nothing has come from 127\\.0\\.0\\.1:${silent.port} for 400 ms, not even an answer to \\$ping`;
  assertTrouble(await runCli(['call', ...address, 'sum', '[1]', '--idle-timeout-ms', '400']), new RegExp(given));
  const path = tempFile(t, 'large.json', `[${'1,'.repeat(1_000_000)}1]`);
  const streamed = ['call', ...address, 'sum', `@${path}`, '--idle-timeout-ms', '400'];
  // The upload is looked at by itself, and whichever is first is told.
  const idle = `^trama: 127\\.0\\.0\\.1:${silent.port} has neither taken data for sum nor answered for 400 ms, .*--idle-`;
  assertTrouble(await runCli(streamed), new RegExp(`${given}|${idle}`));
  assertTrouble(await runCli([...streamed, '--timeout-ms', '0']), new RegExp(given));
  assertTrouble(await runCli(['ops', ...address, '--timeout-ms', '50']), /No reply to \$ops came within 50 ms/);
});

test('a peer that answers $ping is waited for, however long a call takes', async (t) => {
  const answers: (() => void)[] = [];
  let pings = 0;
  const peer = await openPeer(t, ({ id, op }, { send }) => {
    if (op !== '$ping') answers.push(() => send(`{"id":"${id}","ok":true,"result":1}`));
    else {
      // An error is a sign of life, too.
      send(`{"id":"${id}","ok":false,"error":"no","code":"UNKNOWN_OP"}`);
      if (++pings === 5) for (const answer of answers) answer();
    }
  });
  const run = await runCli(['call', '127.0.0.1', String(peer.port), 'work', '1', '--idle-timeout-ms', '300']);
  assert.equal([run.status, run.stderr], [0, '']);
  assert.is(pings, 5);
});

test('a large file that the peer takes slowly is not cut while something of it is taken', async (t) => {
  const path = tempFile(t, 'large.json', JSON.stringify('x'.repeat(8_000_000)));
  // Nothing is answered before all is there, and each connection is read from only now and then.
  const peer = createServer((socket) => {
    let received = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received > 8_000_000) socket.write(frame(`{"id":null,"ok":false,"error":"enough","code":"BAD_DATA"}`));
      socket.pause();
      setTimeout(() => socket.resume(), 5);
    });
  }).listen(0, '127.0.0.1');
  t.after(() => peer.close());
  await once(peer, 'listening');
  const { port } = peer.address() as AddressInfo;
  const run = await runCli([
    'call',
    '127.0.0.1',
    String(port),
    'sum',
    `@${path}`,
    '--idle-timeout-ms',
    '2000',
    '--raw',
  ]);
  assert.equal([run.status, run.stderr], [1, '']);
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
  // Nobody reads what is sent: the request waits until the signal comes.
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
