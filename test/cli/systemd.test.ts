import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import { startServer } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

const test = suite('words for systemd');

/** Node has no datagram sockets of Unix. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(repr(s.recv(4096).decode()), flush=True)
`;

interface Receiver {
  readonly path: string;
  readonly lines: readonly string[];
  readonly process: ChildProcess;
}

/** A socket as systemd gives it to a service; what is written to it is gathered in `lines`. */
async function receive(t: TestContext): Promise<Receiver> {
  const folder = mkdtempSync(join(tmpdir(), 'trama-notify-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'notify');
  const child = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  await until('the socket is there', () => lines.includes('bound'));
  return { path, lines, process: child };
}

test.needs(['python3', 'systemd-notify'], 'a service tells that it is ready, and that it stops', async (t) => {
  const { path, lines } = await receive(t);
  const server = await startServer(t, [], { NOTIFY_SOCKET: path });
  await until('it is ready', () => lines.some((line) => line.includes('READY=1')));
  assert.is(
    lines.some((line) => line.includes(`serves port ${server.port}`)),
    true,
  );
  assert.is(
    lines.some((line) => line.includes('STOPPING=1')),
    false,
  );
  assert.is(await server.stop(), 0);
  await until('it stops', () => lines.some((line) => line.includes('STOPPING=1')));
});

test.needs('systemd-notify', 'a socket that nobody reads is told in the log, and the server serves', async (t) => {
  const server = await startServer(t, [], { NOTIFY_SOCKET: '/nonexistent/notify' });
  await until('it is told', () => server.log.some((line) => line.includes('systemd waits for words')));
  assert.is(await server.stop(), 0);
});

test('where no systemd waits, nothing is said', async (t) => {
  const server = await startServer(t);
  await until('it is ready', () => server.log.some((line) => line.includes('"msg":"ready"')));
  assert.is(await server.stop(), 0);
  assert.is(
    server.log.some((line) => line.includes('systemd')),
    false,
  );
});

test.run();
