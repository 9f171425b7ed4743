import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { freePort } from '../../bench/peers/free-port.js';
import { mainPath } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until, withinMs } from '../support/until.js';
import { openWire, request } from '../support/wire.js';
import { tempFile } from './run-cli.js';

const test = suite('the log');

const slowOpsPath = fileURLToPath(new URL('../sidecar/fixtures/slow-ops.js', import.meta.url));

const devFull = () => (existsSync('/dev/full') ? undefined : 'there is no /dev/full');

test.needs(
  devFull,
  'a full disk takes lines of the log, and neither the answers nor the end of the server',
  async (t) => {
    const port = await freePort();
    const args = [mainPath, 'serve', '--port', `${port}`, '--http-port', '0', '--workers', '1'];
    const server = spawn(process.execPath, args, { stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'] });
    t.after(() => server.kill('SIGKILL'));
    const ended = new Promise((resolve) => server.once('close', resolve));
    let stderr = '';
    server.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    await until('it has lost a line', () => stderr.length > 0);
    for (let round = 0; round < 3; round++) {
      const bad = await openWire(t, port);
      await bad.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      await bad.closed();
    }
    const wire = await openWire(t, port);
    await wire.send(request('1', 'sum', '[1,2]'));
    assert.is((await wire.reply()).result, 3);
    server.kill('SIGTERM');
    assert.is(await withinMs(10_000, 'the end of the server', () => ended), 0);
    assert.match(stderr, /^trama: the log cannot be written to stdout, and lines of it may be lost: ENOSPC.*\n$/);
  },
);

/**
 * A server whose standard output, or both, is a pipe that is full and that nobody reads.
 * @param where for the shell, such as `>&3`
 */
async function startUnread(
  t: TestContext,
  where: string,
  { env = {}, flags = [] }: { env?: Readonly<Record<string, string>>; flags?: readonly string[] } = {},
) {
  const port = await freePort();
  const fifo = `${tempFile(t, 'x', '')}.fifo`;
  const fill = `mkfifo ${fifo} && exec 3<>${fifo} && dd if=/dev/zero of=${fifo} bs=4096 oflag=nonblock 2>/dev/null`;
  const args = [mainPath, 'serve', '--port', `${port}`, '--http-port', '0', '--workers', '1', ...flags];
  const server = spawn('bash', ['-c', `${fill}; exec "$0" "$@" ${where}`, process.execPath, ...args], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: { ...process.env, ...env },
  });
  t.after(() => server.kill('SIGKILL'));
  await until('it listens', () => canConnect(port));
  return { server, port };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

/** The exit status, or the signal that ended the process. */
async function endOf(server: ChildProcess): Promise<unknown> {
  const [status, signal] = await withinMs(10_000, 'the end of the server', () => once(server, 'exit'));
  return status ?? signal;
}

for (const [kind, where] of [
  ['a log that nobody reads does', '>&3'],
  ['a log and a standard error that nobody reads do', '>&3 2>&3'],
] as const) {
  test.needs('bash', `${kind} not keep SIGTERM from ending the server in order`, async (t) => {
    const { server, port } = await startUnread(t, where);
    const wire = await openWire(t, port);
    await wire.send(request('1', 'sum', '[1,2]'));
    assert.is((await wire.reply()).result, 3);
    server.kill('SIGTERM');
    assert.is(await endOf(server), 0);
  });
}

test.needs(
  'bash',
  'a log that nobody reads keeps neither a second signal nor a defect from ending the server',
  async (t) => {
    const second = await startUnread(t, '>&3', { flags: ['--ops', slowOpsPath, '--drain-ms', '60000'] });
    const wire = await openWire(t, second.port);
    await wire.send(request('1', 'spin'), request('2', 'echo'));
    await wire.reply();
    second.server.kill('SIGTERM');
    await until('it listens no more', async () => !(await canConnect(second.port)));
    second.server.kill('SIGINT');
    assert.is(await endOf(second.server), 1);

    const code = "process.on('SIGUSR2', () => { throw new Error('a planted defect'); });\n";
    const NODE_OPTIONS = `--import=${pathToFileURL(tempFile(t, 'defect.mjs', code)).href}`;
    const defect = await startUnread(t, '>&3 2>&3', { env: { NODE_OPTIONS } });
    defect.server.kill('SIGUSR2');
    assert.is(await endOf(defect.server), 70);
  },
);

test.needs(
  'bash',
  'a log that nobody reads does not keep the end of npm from ending the server that npm started',
  async (t) => {
    const port = await freePort();
    const fifo = `${tempFile(t, 'x', '')}.fifo`;
    const fill = `mkfifo ${fifo} && exec 3<>${fifo} && dd if=/dev/zero of=${fifo} bs=4096 oflag=nonblock 2>/dev/null`;
    // Like npm: a process in between, which dies of the signal and not the server with it.
    const line = `${fill}; "$0" "$@" >&3 & echo "pid $!"; wait`;
    const args = [mainPath, 'serve', '--port', `${port}`, '--http-port', '0', '--workers', '1'];
    const npm = spawn('bash', ['-c', line, process.execPath, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, npm_lifecycle_event: 'start' },
    });
    const [text] = await once(npm.stdout.setEncoding('utf8'), 'data');
    const pid = Number(/pid (\d+)/.exec(text as string)?.[1]);
    t.after(() => {
      npm.kill('SIGKILL');
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    await until('it listens', () => canConnect(port));
    npm.kill('SIGKILL');
    await until('the server has ended', () => !isAlive(pid));
  },
);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.needs(
  ['script', 'bash'],
  'a terminal whose output is stopped does not keep the server from its end',
  async (t) => {
    const port = await freePort();
    const args = `${mainPath} serve --port ${port} --http-port 0 --workers 1 --log-level trace`;
    const line = `bash -c 'echo "pid $$"; exec ${process.execPath} ${args}'`;
    const terminal = spawn('script', ['-qefc', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    let text = '';
    terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    await until('it listens', () => text.includes('"listening"'));
    const pid = Number(/pid (\d+)/.exec(text)?.[1]);
    t.after(() => {
      terminal.kill('SIGCONT');
      terminal.kill('SIGKILL');
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    // The program that would take the output is stopped, and a hundred bad peers give the server much to say.
    terminal.kill('SIGSTOP');
    for (let round = 0; round < 100; round++) {
      const bad = await openWire(t, port);
      await bad.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      await bad.closed();
    }
    process.kill(pid, 'SIGTERM');
    await until('the server has ended', () => !isAlive(pid) || isZombie(pid));
  },
);

/** It has ended, and its parent, which is stopped, has not looked yet. */
function isZombie(pid: number): boolean {
  return existsSync('/proc') && /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

test.run();
