import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { type CliRun, tempFile } from '../cli/run-cli.js';
import { openPeer, type Peer, serverFor, slowOpsPath } from '../client/support.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { clientPath, pythonFlags, shell } from './python.js';

const test = suite('examples/client.py, as a program');
const server = serverFor(test, ['--ops', slowOpsPath, '--workers', '1']);

const call = (args: readonly string[], input?: string | Uint8Array): Promise<CliRun> =>
  shell(['127.0.0.1', String(server().port), ...args], input);

/** Wrong usage and trouble: status 2, nothing on stdout, and one line that says what. */
function assertTrouble(run: CliRun, pattern: RegExp): void {
  assert.equal([run.status, run.stdout], [2, ''], run.stderr);
  assert.match(run.stderr, /^client\.py: [^\n]+\n$/);
  assert.match(run.stderr, pattern);
}

test.needs('python3', 'it prints the reply on lines, digit for digit', async () => {
  const { status, stdout, stderr } = await call(['sum', '[1,2,3,4]']);
  assert.equal([status, stderr], [0, '']);
  assert.match(stdout, /^\{\n {2}"id": "[0-9a-f-]{36}",\n {2}"ok": true,\n {2}"result": 10\.0\n\}\n$/);
  const data = '{"a":[1.50,[],{}],"b,\\"]":12345678901234567890.10,"c":"\\ud800 straße"}';
  const echoed = await call(['echo', data]);
  const lines = echoed.stdout.split('\n');
  assert.equal(lines.slice(3, -1), [
    '  "result": {',
    '    "a": [',
    '      1.50,',
    '      [],',
    '      {}',
    '    ],',
    '    "b,\\"]": 12345678901234567890.10,',
    '    "c": "\\ud800 straße"',
    '  }',
    '}',
  ]);
});

test.needs('python3', 'it tells error replies and trouble by its exit status', async (t) => {
  const refused = await call(['sum', '"text"']);
  assert.equal([refused.status, JSON.parse(refused.stdout).code], [1, 'BAD_DATA']);
  const hint = /^client\.py: DATA is not JSON \([^\n]+\)\. Put JSON in single quotes, as in '"text"'/;
  assertTrouble(await call(['sum', '[1,']), hint);
  assertTrouble(await call(['sum', '[NaN]']), /JSON has no NaN/);
  assertTrouble(await call(['sum', '@/no/such/file']), /cannot read \/no\/such\/file: No such file or directory/);
  const peer = await openPeer(t, () => {});
  await peer.stop();
  const away = await shell(['127.0.0.1', String(peer.port), 'sum', '[1]']);
  assertTrouble(away, new RegExp(`cannot connect to 127\\.0\\.0\\.1:${peer.port}: .*refused\n$`));
  const nowhere = await shell(['no-such-host.invalid', '5000', 'sum', '[1]']);
  assertTrouble(nowhere, /cannot connect to no-such-host\.invalid:5000: [^\n]+\n$/);
});

test.needs('python3', 'it refuses what is no port, and names a port that answers in HTTP', async (t) => {
  for (const port of ['0', '70000', '5e3', 'sum']) {
    const run = await shell(['127.0.0.1', port, 'sum', '[1]']);
    assert.equal([run.status, run.stdout], [2, '']);
    assert.match(run.stderr, new RegExp(`argument port: "${port}" is not an integer from 1 to 65535`));
  }
  const web = await openPeer(t, (_, { socket }) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const run = await shell(['127.0.0.1', String(web.port), 'sum', '[1]']);
  assertTrouble(run, /answers in HTTP: the framed protocol is on another port, 5000 by default\n$/);
});

test.needs('python3', 'files and standard input are sent as they are, whatever the operation', async (t) => {
  const path = tempFile(t, 'numbers.json', `[${'0.5,'.repeat(400_000)}1.50]`);
  for (const run of [await call(['sum', `@${path}`]), await call(['sum', '-'], '[200000, 1.5]')]) {
    assert.equal([run.status, run.stderr], [0, '']);
    assert.match(run.stdout, /"result": 200001\.5\n/);
  }
  assert.match((await call(['upper', '-'], '"straße"')).stdout, /"result": "STRASSE"/);
});

test.needs('python3', 'numbers come out of CSV and NDJSON, and bad lines are told or counted', async (t) => {
  const csv = 'name,amount\na,0.1\n"b, c",0.2\n\nd,x\ne\n';
  const path = tempFile(t, 'prices.csv', csv);
  const stopped = await call(['sum', `@${path}`, '--column', 'amount']);
  assertTrouble(stopped, /prices\.csv, line 5, column 3: "x" is not a number as JSON writes it\. Mend the line, or /);
  const skipped = await call(['sum', '-', '--column', '2', '--skip-bad'], csv);
  assert.match(skipped.stdout, /"result": 0\.3\n/);
  assert.match(
    skipped.stderr,
    /^client\.py: 2 lines of standard input left out, 2 numbers were taken; the first is line 5, column 3: "x" [^\n]+\n$/,
  );
  const lines = '{"a":[{"x y":0.1}]}\n{"a":[{"x y":0.2}]}\n';
  assert.match((await call(['sum', '-', '--path', '.a[0]["x y"]'], lines)).stdout, /"result": 0\.3\n/);
  assert.match((await call(['sum', '-', '--format', 'jsonl'], '1\n2\n')).stdout, /"result": 3\.0\n/);
  const tabs = tempFile(t, 'prices.tsv', 'a\t1\nb\t2\n');
  assert.match((await call(['sum', `@${tabs}`, '--column', '2', '--no-header'])).stdout, /"result": 3\.0\n/);
  const semicolons = await call(['sum', '-', '--column', 'n', '--delimiter', ';'], 'm;n\n1;2\n');
  assert.match(semicolons.stdout, /"result": 2\.0\n/);
});

test.needs('python3', 'options that do not go together are refused', async () => {
  for (const [args, pattern] of [
    [['sum', '-', '--column', 'a', '--path', '.a'], /--path is for ndjson, and DATA is csv/],
    [['sum', '[1]', '--column', 'a'], /--column, --no-header and --delimiter are for csv and tsv, and DATA is json/],
    [['sum', '-', '--skip-bad'], /--skip-bad is for csv, tsv and ndjson, and DATA is json/],
    [['sum', '[1]', '--timeout', 'soon'], /argument --timeout: /],
    [['sum', '[1]', '--timeout', '0'], /argument --timeout: the timeout must be from 1e-06 to/],
  ] as const) {
    const run = await call(args);
    assert.equal([run.status, run.stdout], [2, '']);
    assert.match(run.stderr, pattern);
  }
  assertTrouble(await call(['sum', '-', '--path', 'price'], '1\n'), /'price' is no path such as \.price/);
  assertTrouble(await call(['sum', '-', '--column', 'b'], 'a\n1\n'), /no column is named 'b'; there are: "a"/);
});

test.needs('python3', 'a call has thirty seconds, another time on demand, and files have no limit', async (t) => {
  const peer = await openPeer(t, ({ id, timeoutMs }, { send }) => send({ id, ok: true, result: timeoutMs ?? null }));
  const budget = async (...args: string[]) => {
    const run = await shell(['127.0.0.1', String(peer.port), 'op', ...args], '1');
    return JSON.parse(run.stdout).result;
  };
  const byDefault = await budget('1');
  assert.ok(byDefault > 20_000 && byDefault <= 30_000, String(byDefault));
  assert.equal([await budget('-'), await budget('1', '--timeout', 'none')], [null, null]);
  assert.ok((await budget('-', '--timeout', '7')) <= 7_000);
  const late = await call(['wait', '3600000', '--timeout', '0.05']);
  assert.equal([late.status, JSON.parse(late.stdout).code], [1, 'DEADLINE_EXCEEDED']);
});

/** Starts the program, and interrupts it when `isUnderWay` says so. */
async function interrupt(
  t: TestContext,
  args: readonly string[],
  isUnderWay: (program: ChildProcessWithoutNullStreams) => Promise<unknown>,
): Promise<CliRun> {
  const program = spawn('python3', [...pythonFlags, clientPath, '127.0.0.1', ...args]);
  t.after(() => program.kill('SIGKILL'));
  program.stdin.on('error', () => {});
  let stderr = '';
  program.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const closed = once(program, 'close');
  await isUnderWay(program);
  program.kill('SIGINT');
  const [status] = await closed;
  return { status: status as number, stdout: '', stderr };
}

const asked = (peer: Peer) => until('the peer has been asked', () => peer.requests.length > 0);

test.needs('python3', 'Ctrl-C ends it with status 130 and without a traceback, wherever it is', async (t) => {
  const peer = await openPeer(t, () => {});
  const waiting = await interrupt(t, [String(peer.port), 'echo', '1'], () => asked(peer));
  assert.equal([waiting.status, waiting.stderr], [130, '']);

  let sentBytes = 0;
  const stuck = await openPeer(t, () => {}, {
    onConnection: ({ socket }) => {
      socket.once('data', (chunk) => {
        sentBytes += chunk.length;
        socket.pause();
      });
    },
  });
  const path = tempFile(t, 'numbers.json', new Uint8Array(32 << 20).fill(0x20));
  const sending = await interrupt(t, [String(stuck.port), 'sum', `@${path}`], () =>
    until('it sends', () => sentBytes > 0),
  );
  assert.equal([sending.status, sending.stderr], [130, '']);

  const idle = await openPeer(t, () => {});
  const reading = await interrupt(t, [String(idle.port), 'sum', '-', '--path', '.'], async ({ stdin }) => {
    // More than the system holds: it is written only when the program reads.
    await new Promise((resolve) => stdin.write('1\n'.repeat(2_000_000), resolve));
  });
  assert.equal([reading.status, reading.stderr], [130, '']);
});

test.needs('python3', 'Ctrl-C makes the server give up the work', async (t) => {
  const metric = async (line: string) =>
    (await (await fetch(`http://127.0.0.1:${server().httpPort}/metrics`)).text()).includes(line);
  const runs = () => metric('trama_running_tasks{op="wait"} 1\n');
  await interrupt(t, [String(server().port), 'wait', '3600000', '--timeout', 'none'], () =>
    until('the task runs', runs),
  );
  await until('the task has ended', () => metric('trama_running_tasks{op="wait"} 0\n'));
});

test.run();
