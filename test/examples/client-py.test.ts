import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type CliRun, runProgram } from '../cli/run-cli.js';
import { openPeer, serverFor, slowOpsPath } from '../client/support.js';
import { suite } from '../support/suite.js';

const test = suite('examples/client.py');
const server = serverFor(test, ['--ops', slowOpsPath, '--workers', '1']);

const path = fileURLToPath(new URL('../../../examples/client.py', import.meta.url));
const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));

const shell = (...args: string[]): Promise<CliRun> => runProgram('python3', ['-B', path, ...args]);

/** Runs lines that use the module, with a `trama` that is connected to `port`, and gives what they print. */
async function script(port: number, lines: string): Promise<string[]> {
  const program = [
    'import sys',
    'from client import Client, TramaError',
    'with Client("127.0.0.1", int(sys.argv[1])) as trama:',
    lines.trimEnd(),
  ].join('\n');
  const run = await runProgram('python3', ['-B', '-c', program, String(port)], '', { PYTHONPATH: folder });
  assert.equal([run.status, run.stderr], [0, '']);
  return run.stdout.trimEnd().split('\n');
}

test.needs('python3', 'it runs as a program, like the reference client', async () => {
  const { status, stdout, stderr } = await shell('127.0.0.1', String(server().port), 'sum', '[1,2,3,4]');
  assert.equal([status, stderr], [0, '']);
  assert.match(stdout, /^\{\n {2}"id": "[0-9a-f-]{36}",\n {2}"ok": true,\n {2}"result": 10\.0\n\}\n$/);
});

test.needs('python3', 'as a program it tells error replies and trouble by its exit status', async (t) => {
  const refused = await shell('127.0.0.1', String(server().port), 'sum', '"text"');
  assert.equal([refused.status, JSON.parse(refused.stdout).code], [1, 'BAD_DATA']);
  const broken = await shell('127.0.0.1', String(server().port), 'sum', '[1,');
  assert.equal([broken.status, broken.stdout], [2, '']);
  assert.match(
    broken.stderr,
    /^client\.py: DATA is not JSON \([^\n]+\)\. Put JSON in single quotes, as in '"text"'[^\n]*\n$/,
  );
  const peer = await openPeer(t, () => {});
  await peer.stop();
  const away = await shell('127.0.0.1', String(peer.port), 'sum', '[1]');
  assert.equal([away.status, away.stdout], [2, '']);
  assert.match(away.stderr, new RegExp(`^client\\.py: cannot connect to 127\\.0\\.0\\.1:${peer.port}: .*refused\n$`));
  const nowhere = await shell('no-such-host.invalid', '5000', 'sum', '[1]');
  assert.match(nowhere.stderr, /^client\.py: cannot connect to no-such-host\.invalid:5000: [^\n]+\n$/);
});

test.needs('python3', 'as a program it refuses what is no port, and names a port that answers in HTTP', async (t) => {
  for (const port of ['0', '70000', '5e3', 'sum']) {
    const run = await shell('127.0.0.1', port, 'sum', '[1]');
    assert.equal([run.status, run.stdout], [2, '']);
    assert.match(run.stderr, new RegExp(`argument port: "${port}" is not an integer from 1 to 65535`));
  }
  const web = await openPeer(t, (_, { socket }) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const run = await shell('127.0.0.1', String(web.port), 'sum', '[1]');
  assert.equal([run.status, run.stdout], [2, '']);
  assert.match(
    run.stderr,
    /^client\.py: the server answers in HTTP: the framed protocol is on another port, 5000 by default\n$/,
  );
});

test.needs('python3', 'calls give Python values, and large integers keep their digits', async () => {
  const lines = `
    print(trama.call("sum", [0.1, 0.2]))
    print(trama.call("upper", "straße"))
    print(trama.call("echo", {"n": 12345678901234567890, "none": None}, timeout=5))
    print(trama.call("echo"))
    print(trama.call_raw("echo", "1.50"))`;
  const [sum, upper, echo, nothing, raw] = await script(server().port, lines);
  assert.equal([sum, upper, nothing], ['0.3', 'STRASSE', 'None']);
  assert.is(echo, "{'n': 12345678901234567890, 'none': None}");
  assert.match(raw!, /"ok":true,"result":1\.50\}$/);
});

test.needs('python3', 'an error reply is a TramaError with its code', async () => {
  const lines = `
    try:
        trama.call("sum", [1, "two"])
    except TramaError as error:
        print(error.code, error.retryable, error.retry_after, "index 1" in str(error))
    try:
        trama.call("wait", 3600000, timeout=0.05)
    except TramaError as error:
        print(error.code)
    print(trama.call("echo", "still connected"))`;
  assert.equal(await script(server().port, lines), [
    'BAD_DATA False None True',
    'DEADLINE_EXCEEDED',
    'still connected',
  ]);
});

test.needs('python3', 'many calls share a round trip, and one that fails does not spoil the others', async () => {
  const lines = `
    results = trama.call_many([("wait", 50)] + [("echo", n) for n in range(1000)] + [("nope", 1)])
    print(results[0], results[1:1001] == list(range(1000)), results[1001].code)
    large = "x" * 1000000
    print(all(result == large for result in trama.call_many([("echo", large)] * 30)))`;
  assert.equal(await script(server().port, lines), ['waited True UNKNOWN_OP', 'True']);
});

test.needs('python3', 'data that is not JSON is refused before it is sent', async () => {
  const lines = `
    try:
        trama.call("echo", float("nan"))
    except ValueError as error:
        print("refused")
    print(trama.call("echo", 1))`;
  assert.equal(await script(server().port, lines), ['refused', '1']);
});

test.needs('python3', 'a peer that is silent, breaks off or sends something else ends the call', async (t) => {
  const lines = `
    try:
        trama.call("echo", 1, timeout=0.05)
    except OSError as error:
        print(type(error).__name__)`;
  const silent = await openPeer(t, () => {});
  assert.equal(await script(silent.port, lines), ['TimeoutError']);
  const ends = await openPeer(t, (_, { socket }) => socket.end('\0\0\0\x20{"id":'));
  assert.equal(await script(ends.port, lines), ['ConnectionError']);
  const web = await openPeer(t, (_, { socket }) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  assert.equal(await script(web.port, lines), ['ConnectionError']);
  const other = await openPeer(t, (_, { send }) => send({ id: 'other', ok: true, result: 1 }));
  assert.equal(await script(other.port, lines), ['ConnectionError']);
});

test.run();
