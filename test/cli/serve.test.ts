import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { greeting, type Places } from '../../src/cli/greeting.js';
import { openWords } from '../../src/cli/open-words.js';
import { packageVersion } from '../../src/cli/version.js';
import { configSchemaText } from '../../src/config/config-schema.js';
import { loadConfig } from '../../src/config/load-config.js';
import { variableOf } from '../../src/config/option-kinds.js';
import { optionKeys, options } from '../../src/config/options.js';
import { ask, call, samples } from '../sidecar/support.js';
import { mainPath, parseLine, type RunningServer, startServer, startServerBy } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until, withinMs } from '../support/until.js';
import { openWire, request } from '../support/wire.js';

const test = suite('trama serve');

const slowOpsPath = fileURLToPath(new URL('../sidecar/fixtures/slow-ops.js', import.meta.url));

/** Runs to the end; for what ends by itself. */
function serve(args: readonly string[], env: Record<string, string> = {}) {
  const options = { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 10_000 } as const;
  return spawnSync(process.execPath, [mainPath, 'serve', '--port', '0', '--http-port', '0', ...args], options);
}

function assertRefused(run: ReturnType<typeof serve>, pattern: RegExp): void {
  assert.equal([run.status, run.stdout], [2, ''], run.stderr);
  assert.match(run.stderr, pattern);
  assert.is(run.stderr.trimEnd().split('\n').length, 1, run.stderr);
}

async function takenPort(t: TestContext): Promise<number> {
  const other = createServer();
  t.after(() => new Promise((resolve) => other.close(resolve)));
  await new Promise<void>((resolve) => other.listen(0, '0.0.0.0', resolve));
  return (other.address() as { port: number }).port;
}

function moduleFile(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'trama-serve-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const messages = (server: RunningServer) => server.log.map((line) => parseLine(line)?.msg);

test('--help names every flag, its default and its variable', () => {
  const run = serve(['--help']);
  assert.is(run.status, 0);
  for (const key of optionKeys) {
    const { flag, type } = options[key];
    assert.ok(run.stdout.includes(type === 'switch' ? `--${flag} ` : `--${flag} <`), key);
    assert.ok(run.stdout.replaceAll(/\s+/g, ' ').includes(variableOf(options[key])), key);
  }
});

test('--print-config shows what is in force and where it comes from, and starts nothing', () => {
  const run = serve(['--max-queue', '5', '--print-config'], { TRAMA_MAX_FRAME_BYTES: '1MiB' });
  assert.equal([run.status, run.stderr], [0, '']);
  assert.match(run.stdout, /^max-queue +5 +tasks +flag$/m);
  assert.match(run.stdout, /^max-frame-bytes +1MiB +bytes +env TRAMA_MAX_FRAME_BYTES$/m);
  assert.match(run.stdout, /^frame-timeout-ms +30000 +ms +default$/m);
});

test('a file gives options, which --print-config shows with the file that they come from', (t) => {
  const file = moduleFile(t, 'trama.json', '{"maxQueue": 5, "drainMs": 1}');
  const run = serve(['--config', file, '--drain-ms', '2', '--print-config']);
  assert.equal([run.status, run.stderr], [0, '']);
  assert.match(run.stdout, /^max-queue +5 +tasks +file \/.*\/trama\.json: maxQueue$/m);
  assert.match(run.stdout, /^drain-ms +2 +ms +flag$/m);
});

test('a server runs with the options of its file', async (t) => {
  const file = moduleFile(t, 'trama.json', JSON.stringify({ ops: slowOpsPath, workers: 1, logLevel: 'info' }));
  const server = await startServer(t, [], { TRAMA_CONFIG: file });
  await until('the pool is warm', () => messages(server).includes('ready'));
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'nap', '1'));
  assert.is((await wire.reply()).result, 1);
});

test('a mistake in a file is one line and status 2', (t) => {
  assertRefused(
    serve(['--config', moduleFile(t, 'trama.json', '{\n  "prot": 1\n}')]),
    /^trama: \/.*\/trama\.json: there is no option "prot" \(did you mean "port"\?\)/,
  );
  assertRefused(
    serve([], { TRAMA_CONFIG: '/no/such.json' }),
    /^trama: TRAMA_CONFIG: "\/no\/such\.json" cannot be read \(ENOENT\)/,
  );
});

test('--print-config-schema prints the schema of the file, and starts nothing', () => {
  const run = serve(['--print-config-schema']);
  assert.equal([run.status, run.stderr, run.stdout], [0, '', configSchemaText()]);
});

test('a variable that is a misspelt option is told on stderr, and the settings are shown all the same', () => {
  const run = serve(['--print-config'], { TRAMA_HTTP_PROT: '1' });
  assert.is(run.status, 0);
  assert.match(
    run.stderr,
    /^trama: no option has the variable TRAMA_HTTP_PROT \(did you mean TRAMA_HTTP_PORT\?\); [^\n]+\n$/,
  );
  assert.match(run.stdout, /^port /m);
});

test('a misspelt variable is a warning after the first line, and told beside what refuses the start', async (t) => {
  const variables = { TRAMA_HTTP_PROT: '1' };
  const server = await startServer(t, ['--workers', '1'], variables);
  await until('the warning is there', () => server.log.length >= 2);
  const [first, second] = server.log.map(parseLine);
  assert.equal([first?.msg, second?.level], ['listening', 40]);
  assert.match(String(second?.msg), /TRAMA_HTTP_PROT \(did you mean TRAMA_HTTP_PORT\?\)/);
  const refused = serve(['--http-host', '192.0.2.1'], variables);
  assert.is(refused.status, 2);
  assert.match(refused.stderr, /^trama: no option has the variable TRAMA_HTTP_PROT .*\ntrama: --http-host: .*\n$/);
});

test.needs(
  'script',
  'on a terminal lines say where it listens, what to try, how to stop, and who may call; the log is JSON',
  async (t) => {
    const folder = dirname(moduleFile(t, 'x', ''));
    const log = join(folder, 'log');
    const line = `${process.execPath} ${mainPath} serve --port 0 --http-port 0 --workers 1 > ${log}`;
    const terminal = spawn('script', ['-qefc', `exec ${line}`, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    t.after(() => terminal.kill('SIGKILL'));
    let shown = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const exited = new Promise((resolve) => terminal.once('exit', resolve));
    await until('the lines are there', () => shown.includes('Beware: ') && shown.endsWith('\n'));
    const first = parseLine(readFileSync(log, 'utf8').split('\n')[0]!)!;
    const places = first as unknown as Places;
    const command = `node ${relative('.', mainPath)}`;
    const { config } = loadConfig({}, {});
    const warning = openWords({ ...config, host: places.host, httpHost: places.httpHost });
    assert.is(shown.replaceAll('\r', ''), greeting(places, command, warning));
    assert.match(readFileSync(log, 'utf8'), /^\{.*\}\n\{.*"level":40,.*every operation.*\}\n\{.*"ready"\}\n$/);
    // What the lines promise.
    terminal.stdin.write('\x03');
    assert.is(await exited, 0);
  },
);

test('an unknown flag, a missing or bad value and a stray argument are one line and status 2', () => {
  assertRefused(serve(['--prot', '1']), /^trama: unknown option '--prot'/);
  assertRefused(serve(['--workers']), /^trama: option '--workers <n>' argument missing/);
  assertRefused(serve(['--port', '70000']), /^trama: --port: "70000" is not an integer from 0 to 65535, or off$/m);
  assertRefused(serve([], { TRAMA_LOG_LEVEL: 'loud' }), /^trama: TRAMA_LOG_LEVEL: "loud" is not one of fatal, /);
  assertRefused(serve(['stray']), /^trama: .*argument/);
});

test('a port in use is one line that names the option to change', async (t) => {
  const port = String(await takenPort(t));
  assertRefused(serve(['--port', port]), new RegExp(`^trama: --port: port ${port} on 0\\.0\\.0\\.0 is in use`));
  assertRefused(serve(['--http-port', port, '--http-host', '0.0.0.0']), /^trama: --http-port: .*TRAMA_HTTP_PORT/);
});

test('an address that is not of this machine is one line that names the option to change', () => {
  assertRefused(serve(['--host', '192.0.2.1']), /^trama: --host: "192\.0\.2\.1" is not an address of this machine/);
  assertRefused(serve(['--http-host', '192.0.2.1']), /^trama: --http-host: .*TRAMA_HTTP_HOST/);
});

test('a module of operations that cannot be read, or does not load, is one line and status 2', (t) => {
  assertRefused(serve(['--ops', './no-such.js']), /^trama: --ops: "\.\/no-such\.js" cannot be read \(ENOENT\)/);
  const broken = moduleFile(t, 'broken.mjs', 'throw new Error("not today");\n');
  const run = serve(['--ops', broken]);
  assert.is(run.status, 2, run.stderr + run.stdout);
  assert.match(run.stderr, /^trama: .*broken\.mjs.*not today/);
  assert.is(run.stderr.trimEnd().split('\n').length, 1, run.stderr);
});

test('one line says listening, with both ports, once both take connections', async (t) => {
  const server = await startServer(t, ['--workers', '1']);
  assert.equal((await ask(server, '/livez')).status, 200);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'echo', '"hola"'));
  assert.is((await wire.reply()).result, 'hola');
  const line = parseLine(server.log[0]!)!;
  assert.equal(
    { ...line, time: undefined },
    {
      level: 30,
      time: undefined,
      pid: server.process.pid,
      version: packageVersion(),
      node: process.versions.node,
      host: '0.0.0.0',
      port: server.port,
      httpHost: '127.0.0.1',
      httpPort: server.httpPort,
      workers: 1,
      msg: 'listening',
    },
  );
  await until('the pool is warm', () => messages(server).includes('ready'));
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends an idle server, connections and all, with status 0`, async (t) => {
    const server = await startServer(t, ['--workers', '1']);
    await until('the pool is warm', () => messages(server).includes('ready'));
    const wire = await openWire(t, server.port);
    await wire.send(request('1', 'echo', '1'));
    await wire.reply();
    assert.is(await server.stop(signal), 0);
    assert.equal(await wire.closed(), []);
    assert.equal(messages(server).slice(-2), ['draining', 'stopped']);
    assert.is(server.stderr(), '');
  });
}

test('a signal while the threads still start ends the server just as cleanly', async (t) => {
  const server = await startServer(t, ['--workers', '2']);
  assert.is(await server.stop(), 0);
  assert.is(messages(server).at(-1), 'stopped');
  assert.is(server.stderr(), '');
});

test.needs('bash', 'without files to open for a while, the server goes on, and ends in order', async (t) => {
  const limited = ['-c', 'ulimit -n 100 && exec "$0" "$@"', process.execPath, mainPath, 'serve'];
  const ports = ['--port', '0', '--http-port', '0', '--workers', '1'];
  const server = await startServerBy(t, 'bash', [...limited, ...ports]);
  await until('the pool is warm', () => messages(server).includes('ready'));
  const sockets = Array.from({ length: 200 }, () => connect(server.port, '127.0.0.1').on('error', () => {}));
  t.after(() => sockets.forEach((socket) => void socket.destroy()));
  const health = await ask(server, '/livez').catch((error: Error) => error);
  for (const socket of sockets) socket.destroy();
  // Where the HTTP side was loaded before the files ran out, it answers.
  if (!(health instanceof Error)) assert.ok([200, 500].includes(health.status), `${health.status}`);
  // A connection that comes too early is closed without a word.
  const sum = async () => {
    const wire = await openWire(t, server.port);
    await wire.send(request('1', 'sum', '[1,2]'));
    return (await wire.reply()).result;
  };
  await until('it answers again', async () => (await sum().catch(() => undefined)) === 3);
  assert.is(await server.stop(), 0);
  assert.is(messages(server).at(-1), 'stopped');
});

/** Starts a server of which one thread is at work for a client, and one for an HTTP caller. */
async function startBusy(t: TestContext, op: string, data: string, ...args: string[]) {
  const server = await startServer(t, ['--ops', slowOpsPath, '--workers', '2', ...args]);
  await until('the pool is warm', async () => (await ask(server, '/readyz')).status === 200);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', op, data));
  const overHttp = call(server, op, data).catch((error: Error) => error);
  await until('both run', async () => {
    return samples((await ask(server, '/metrics')).text).get(`trama_running_tasks{op="${op}"}`) === 2;
  });
  return { server, wire, overHttp };
}

test('a shutdown takes readiness away at once, answers what is in flight, and ends with status 0', async (t) => {
  const { server, wire, overHttp } = await startBusy(t, 'nap', '1500');
  server.process.kill('SIGTERM');
  const notReady = await until('it is not ready', async () => {
    const answer = await ask(server, '/readyz');
    return answer.status === 503 ? answer : undefined;
  });
  assert.equal(notReady?.json(), { ready: false, reason: 'the server is shutting down' });
  assert.is((await ask(server, '/livez')).status, 200);
  assert.is((await call(server, 'echo', '1')).status, 503);
  assert.is((await wire.reply()).result, 1500);
  const answer = await overHttp;
  assert.not.instance(answer, Error);
  assert.match((answer as Exclude<typeof answer, Error>).text, /"result":1500\}$/);
  assert.is(await server.exited, 0);
});

test('what is not done when --drain-ms is over is cut and counted, with status 1', async (t) => {
  const { server, overHttp } = await startBusy(t, 'spin', '1', '--drain-ms', '200');
  assert.is(await server.stop(), 1);
  const last = parseLine(server.log.at(-1)!)!;
  assert.match(String(last.msg), /cut off/);
  assert.ok(Number(last.cut) >= 1, JSON.stringify(last));
  await overHttp;
});

test('a second signal ends the process at once, with status 1', async (t) => {
  const { server, overHttp } = await startBusy(t, 'spin', '1', '--drain-ms', '60000');
  server.process.kill('SIGTERM');
  await until('it drains', () => messages(server).includes('draining'));
  assert.is(await server.stop('SIGINT'), 1);
  await overHttp;
});

test('a second signal that comes with the first one ends the process at once too, and not by the signal', async (t) => {
  const { server, overHttp } = await startBusy(t, 'spin', '1', '--drain-ms', '60000');
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM', 'SIGINT'] as const) server.process.kill(signal);
  assert.is(await withinMs(5000, 'the end', () => server.exited), 1);
  await overHttp;
});

/** An operation that no thread can be ended in. */
const stuckModule = `
  import { execSync } from 'node:child_process';
  import { defineOperation } from '${new URL('../../src/index.js', import.meta.url).href}';
  export const stuck = defineOperation({ description: 'Sits in a system call.', run: () => execSync('sleep 30') });
`;

async function startStuck(t: TestContext, ...args: string[]) {
  const server = await startServer(t, ['--ops', moduleFile(t, 'stuck.mjs', stuckModule), ...args]);
  const wire = await openWire(t, server.port);
  await wire.send(request('1', 'stuck'));
  await until('it runs', async () =>
    samples((await ask(server, '/metrics')).text).get('trama_running_tasks{op="stuck"}'),
  );
  return server;
}

test('a thread in a system call, which nothing ends, does not keep the process alive', async (t) => {
  const server = await startStuck(t, '--drain-ms', '100');
  assert.is(await server.stop('SIGTERM'), 'SIGKILL');
  assert.ok(messages(server).includes('a thread cannot be ended: killing the process'));
});

test('a thread in a system call does not keep the process alive when a second signal comes', async (t) => {
  const server = await startStuck(t, '--drain-ms', '60000');
  server.process.kill('SIGTERM');
  await until('it drains', () => messages(server).includes('draining'));
  assert.is(await server.stop('SIGINT'), 'SIGKILL');
});

test('a signal before the server listens ends it with status 0', async (t) => {
  const mark = moduleFile(t, 'mark', '');
  rmSync(mark);
  const text = `import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(mark)}, '');
    await new Promise((resolve) => setTimeout(resolve, 20_000));`;
  const file = moduleFile(t, 'slow.mjs', text);
  const child = spawn(process.execPath, [mainPath, 'serve', '--port', '0', '--http-port', '0', '--ops', file]);
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  child.stdout.on('data', (text) => {
    log += text;
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await until('the module is being loaded', () => existsSync(mark));
  child.kill('SIGTERM');
  assert.is(await exited, 0);
  assert.match(log, 'stopped before it listened');
});

test('where npm started it, it stops when npm is gone: npm hands no SIGTERM on', async (t) => {
  // Like npm: a process in between, which dies of the signal and not the server with it.
  const between = `
    const { spawn } = require('node:child_process');
    spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' });
    setInterval(() => {}, 1000);`;
  const args = ['-e', between, mainPath, 'serve', '--port', '0', '--http-port', '0', '--workers', '1'];
  const npm = spawn(process.execPath, args, { env: { ...process.env, npm_lifecycle_event: 'start' } });
  t.after(() => npm.kill('SIGKILL'));
  let log = '';
  npm.stdout.on('data', (text) => {
    log += text;
  });
  await until('the server is ready', () => log.includes('"ready"'));
  npm.kill('SIGTERM');
  await until('the server has stopped', () => log.includes('"stopped"'));
});

test('a defect ends the process with status 70 and its stack in the log', async (t) => {
  const file = moduleFile(t, 'defect.mjs', "process.on('SIGUSR2', () => { throw new Error('a planted defect'); });\n");
  const server = await startServer(t, ['--workers', '1'], { NODE_OPTIONS: `--import=${pathToFileURL(file).href}` });
  assert.is(await server.stop('SIGUSR2'), 70);
  const last = parseLine(server.log.at(-1)!) as { level: number; err: { message: string; stack: string } };
  assert.is(last.level, 60);
  assert.is(last.err.message, 'a planted defect');
  assert.ok(last.err.stack.includes('defect.mjs'));
});

test('a defect is the last line of the log, whatever the server still does until that line is written', async (t) => {
  const code =
    "process.on('SIGUSR2', () => { setImmediate(() => { throw new Error('second'); }); throw new Error('first'); });\n";
  const file = moduleFile(t, 'defects.mjs', code);
  const server = await startServer(t, ['--workers', '1'], { NODE_OPTIONS: `--import=${pathToFileURL(file).href}` });
  assert.is(await server.stop('SIGUSR2'), 70);
  const errors = server.log.flatMap((line) => (parseLine(line)?.err as { message: string } | undefined) ?? []);
  assert.equal(
    errors.map(({ message }) => message),
    ['first'],
  );
});

test.run();
