import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { connectionsAllowed, turnedAwayAllowed } from '../../../src/server/channel/descriptors.js';
import { hiddenBytesMax } from '../../../src/server/channel/send-buffers.js';
import { mainPath, startServerBy } from '../../support/server.js';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';

const test = suite('what the system allows');

const limits = (files: string) =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${files}      4096      files\n`;

test('connections leave descriptors for files, threads and the HTTP side', () => {
  assert.is(
    connectionsAllowed(() => limits('90')),
    45,
  );
  assert.is(
    connectionsAllowed(() => limits('65536')),
    65_280,
  );
  assert.is(
    connectionsAllowed(() => limits('1')),
    1,
  );
  assert.is(
    connectionsAllowed(() => limits('unlimited')),
    Number.POSITIVE_INFINITY,
  );
  assert.is(
    connectionsAllowed(() => ''),
    Number.POSITIVE_INFINITY,
  );
});

test('those that are turned away at once are what is left of these descriptors', () => {
  for (const [files, allowed] of [
    ['90', 5],
    ['200', 60],
    ['65536', 216],
    ['unlimited', 216],
    ['1', 1],
  ] as const) {
    assert.is(
      turnedAwayAllowed(() => limits(files)),
      allowed,
      files,
    );
  }
});

test('what a peer may take unseen follows the buffers of the system', () => {
  const files: Record<string, string> = {
    '/proc/sys/net/ipv4/tcp_wmem': '4096\t16384\t3000000\n',
    '/proc/sys/net/ipv4/tcp_rmem': '4096\t131072\t1600000\n',
  };
  assert.is(
    hiddenBytesMax((path) => files[path] ?? ''),
    1_100_000 + 262_144,
  );
  assert.ok(hiddenBytesMax(() => '') > 1_000_000);
});

test.needs('bash', 'a connection beyond the open files is told so: none vanishes without a word', async (t) => {
  const script = `ulimit -n 90; exec "${process.execPath}" "${mainPath}" serve --port 0 --http-port 0`;
  const server = await startServerBy(t, 'bash', ['-c', script]);
  const isTold = (line: string) => line.includes('ulimit -n') && line.includes('"connectionsMax":45');
  await until('the log tells that fewer are taken', () => server.log.some(isTold));
  // Node, its threads and their files have some 35 of the 90 by then: 60 more cannot all be open.
  await until('it is warm', () => server.log.some((line) => line.includes('"ready"')));
  const answers: string[] = [];
  let silent = 0;
  for (let count = 0; count < 60; count++) {
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    let answer = '';
    socket.on('error', () => silent++);
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    socket.on('end', () => answers.push(answer));
    await new Promise((resolve) => socket.once('connect', resolve));
  }
  await until('those beyond are answered', () => answers.length >= 15);
  assert.ok(answers.every((answer) => answer.includes('45 connections are open, and no more may be')));
  assert.is(silent, 0);
});

test.needs('bash', 'frames that the kernel held while the process was stopped are not late', async (t) => {
  const server = await startServerBy(t, process.execPath, [
    mainPath,
    ...['serve', '--port', '0', '--http-port', '0', '--frame-timeout-ms', '700'],
  ]);
  const body = `{"id":"1","op":"sum","data":[${'1,'.repeat(200)}1]}`;
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32BE(body.length);
  frame.write(body, 4);
  const replies: string[] = [];
  const sockets = Array.from({ length: 20 }, () => connect({ port: server.port, host: '127.0.0.1', noDelay: true }));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.on('data', (bytes) => replies.push(String(bytes)));
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(frame.subarray(0, 100));
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  server.process.kill('SIGSTOP');
  for (const socket of sockets) socket.write(frame.subarray(100));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  server.process.kill('SIGCONT');
  await until('all are answered', () => replies.length === sockets.length);
  assert.ok(
    replies.every((reply) => reply.includes('"result":201.0')),
    replies.find((reply) => !reply.includes('201')),
  );
});

test.run();
