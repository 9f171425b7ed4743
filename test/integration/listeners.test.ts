/** `--listeners 2` of the real server: what the operator sees. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { canSharePort } from '../../src/server/channel/acceptor.js';
import { ask, samples } from '../sidecar/support.js';
import { parseLine, startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until, withinMs } from '../support/until.js';
import { openWire, request } from '../support/wire.js';

const test = suite('--listeners');

const isPossible = canSharePort();
const startTwo = (t: Parameters<typeof startServer>[0], env = {}) =>
  startServer(t, ['--listeners', '2', '--workers', '1'], env);
const messagesOf = (log: readonly string[]) => log.map((line) => String(parseLine(line)?.msg));

test('metrics are of all I/O threads, and tell the connections of each', async (t) => {
  const server = await startTwo(t);
  const wires = await Promise.all(Array.from({ length: 30 }, () => openWire(t, server.port)));
  for (const wire of wires) {
    await wire.send(request('1', 'echo', '1'));
    await wire.reply();
  }
  const figures = samples((await ask(server, '/metrics')).text);
  assert.is(figures.get('trama_open_connections'), 30);
  assert.is(figures.get('trama_accepted_connections_total'), 30);
  assert.is(figures.get('trama_frames_total{op="echo",outcome="ok",lane="inline"}'), 30);
  const byThread = [...figures].filter(([name]) => name.startsWith('trama_io_thread_connections{'));
  assert.is(byThread.length, isPossible ? 2 : 1);
  assert.is(
    byThread.reduce((sum, [, count]) => sum + count, 0),
    30,
  );
  assert.is(await server.stop(), 0);
});

test('where Node or the system cannot share a port, one line says that one thread is used', async (t) => {
  const server = await startTwo(t);
  const told = server.log.map(parseLine).filter((line) => /one I\/O thread is used/.test(String(line?.msg)));
  assert.equal(
    told.map((line) => [line!.level, line!.listeners]),
    isPossible ? [] : [[40, 2]],
  );
});

test('a port that another server shares already is refused', async (t) => {
  const first = await startTwo(t);
  const second = startServer(t, ['--listeners', '2', '--port', String(first.port)]);
  await second.then(
    () => assert.unreachable('two servers have one port'),
    (error: Error) => assert.match(error.message, /\(2\) before it listened: .*in use/),
  );
});

test('a second signal ends all threads at once', async (t) => {
  const server = await startTwo(t);
  const wires = await Promise.all(Array.from({ length: 20 }, () => openWire(t, server.port)));
  // Half a frame each: a drain waits for the rest.
  for (const wire of wires) await wire.send(request('1', 'echo', '1').subarray(0, 10));
  server.process.kill('SIGTERM');
  await until('it drains', () => messagesOf(server.log).includes('draining'));
  server.process.kill('SIGTERM');
  assert.is(await withinMs(5000, 'the end', () => server.exited), 1);
});

// Elsewhere there is no such thread.
if (isPossible) {
  test('a defect in an I/O thread ends the process, with its cause in the log', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'trama-defect-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'die');
    const fixture = new URL('../server/fixtures/die-when-told.js', import.meta.url).href;
    const server = await startTwo(t, { NODE_OPTIONS: `--import=${fixture}`, TRAMA_TEST_DIE_FILE: file });
    const wire = await openWire(t, server.port);
    await wire.send(request('1', 'echo', '1'));
    assert.is((await wire.reply()).ok, true);
    writeFileSync(file, '');
    assert.is(await withinMs(10_000, 'the end', () => server.exited), 70);
    const fatal = server.log.map(parseLine).find((line) => line?.level === 60);
    assert.match(JSON.stringify(fatal), /the I\/O thread trama-io-2 has died.*a defect that was planted/);
  });
}

test.run();
