import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../src/errors.js';
import { operation, startSmallServer } from '../sidecar/view.js';
import { startServer } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { assertTrouble, runCli } from './run-cli.js';

const test = suite('trama reload');

const reload = (port: number, ...args: string[]) => runCli(['reload', '--http-port', String(port), ...args]);

test('says how many operations are in force', async (t) => {
  const server = await startSmallServer(t, { reload: async () => [operation('a'), operation('b'), operation('c')] });
  assert.equal(await reload(server.httpPort), { status: 0, stdout: 'reloaded: 3 operations\n', stderr: '' });
});

test('gives the server’s sentence and status 1 where the operations do not load', async (t) => {
  const server = await startSmallServer(t, {
    reload: async () => {
      throw new ConfigError('--ops: cannot load operations from /x.mjs: it threw 1');
    },
  });
  const stderr = 'trama: --ops: cannot load operations from /x.mjs: it threw 1\n';
  assert.equal(await reload(server.httpPort), { status: 1, stdout: '', stderr });
});

async function listening(t: TestContext, answer: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

test('a server that is not there, that is another, or that never answers, is told in one line', async (t) => {
  assertTrouble(await reload(1), /Cannot reload at 127\.0\.0\.1:1 \(ECONNREFUSED\); is the server running there\?/);
  const other = await listening(t, (_request, response) => response.end('hello'));
  assertTrouble(await reload(other), /does not answer as a trama server does \(HTTP status 200\)/);
  const silent = await listening(t, () => {});
  assertTrouble(await reload(silent, '--timeout-ms', '200'), /did not answer within 200 ms/);
  const endless = await listening(t, (_request, response) => {
    const more = () => void (response.write('x'.repeat(10_000)) ? setImmediate(more) : response.once('drain', more));
    more();
    response.on('error', () => {});
  });
  const frames = createTcpServer((socket) => socket.end('\0\0\0\x02{}')).listen(0, '127.0.0.1');
  t.after(() => frames.close());
  await new Promise((resolve) => frames.once('listening', resolve));
  const { port } = frames.address() as AddressInfo;
  assertTrouble(await reload(port), /does not speak HTTP; --http-port is the port of the server's HTTP side/);
  assertTrouble(await reload(endless), /it sends more than an answer/);
  assertTrouble(await runCli(['reload', '--http-port', '70000']), /'--http-port <n>'.*an integer from 1 to 65535/);
});

test('a hang-up does not end a server without modules: it says so, and goes on', async (t) => {
  const server = await startServer(t, ['--workers', '1']);
  server.process.kill('SIGHUP');
  await until('it is told', () => server.log.some((line) => line.includes('nothing to reload')));
  const answer = await fetch(`http://127.0.0.1:${server.httpPort}/livez`);
  assert.is(answer.status, 200);
  assert.is(await server.stop(), 0);
});

test.run();
