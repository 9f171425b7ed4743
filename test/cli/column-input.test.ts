import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import * as assert from 'uvu/assert';
import { serverFor } from '../client/support.js';
import { Random } from '../support/random.js';
import { mainPath } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { assertTrouble, runCli, runProgram, tempFile } from './run-cli.js';

const test = suite('trama call: columns', { timeoutMs: 60_000 });
const server = serverFor(test, ['--workers', '1']);

const call = (args: readonly string[], input?: string | Uint8Array) =>
  runCli(['call', '127.0.0.1', String(server().port), ...args], input);

const sales = 'day,name,amount\n1,"Pen, blue",0.10\n2,Ink,"0.20"\r\n3,Paper,100000000000000000000\n';

/** The result's digits. */
async function resultOf(args: readonly string[], input?: string | Uint8Array): Promise<string> {
  const run = await call([...args, '--raw'], input);
  assert.equal([run.status, run.stderr], [0, '']);
  return /"result":(.*)\}$/.exec(run.stdout)![1]!;
}

test('the ending of a file says its format, and its first line names its columns', async (t) => {
  const csv = `@${tempFile(t, 'sales.csv', sales)}`;
  assert.is(await resultOf(['echo', csv, '--column', 'amount']), '[0.10,0.20,100000000000000000000]');
  assert.is(await resultOf(['sum', csv, '--column', '1']), '6.0');
  assert.is(await resultOf(['sum', `@${tempFile(t, 'x.TSV', 'a\tb\n1\t2\n')}`, '--column', 'b']), '2.0');
  assert.is(
    await resultOf(['sum', `@${tempFile(t, 'x.ndjson', '{"a b":[{"c":1.5}]}\n')}`, '--path', '.["a b"][0].c']),
    '1.5',
  );
  assert.is(await resultOf(['echo', `@${tempFile(t, 'x.jsonl', '1.50\n\n2e5\n')}`]), '[1.50,2e5]');
  assert.is(await resultOf(['sum', `@${tempFile(t, 'one.csv', 'n\n1\n2\n')}`]), '3.0');
});

test('--format, --delimiter and --no-header take other files, and --format json takes a file as it is', async (t) => {
  const text = `@${tempFile(t, 'sales.txt', '1;2.5\n3;4.5\n')}`;
  assert.is(
    await resultOf(['sum', text, '--format', 'csv', '--delimiter', ';', '--no-header', '--column', '2']),
    '7.0',
  );
  const piped = `@${tempFile(t, 'p.txt', 'a|b\n1|2\n')}`;
  assert.is(await resultOf(['sum', piped, '--format', 'tsv', '--delimiter', '|', '--column', 'b']), '2.0');
  assert.is(await resultOf(['echo', `@${tempFile(t, 'array.csv', '[1, 2]')}`, '--format', 'json']), '[1, 2]');
});

test('standard input is - or @-, and needs its format said', async () => {
  for (const name of ['-', '@-']) {
    assert.is(await resultOf(['sum', name, '--format', 'csv', '--column', 'amount'], sales), '100000000000000000000.0');
    assert.is(await resultOf(['sum', name], '[1,2]'), '3.0');
  }
  assertTrouble(
    await call(['sum', '-', '--column', 'amount'], sales),
    /--column is for data in csv, tsv or ndjson; say its format with --format/,
  );
  assertTrouble(
    await call(['sum', '[1]', '--skip-bad']),
    /--skip-bad is for data in csv, tsv or ndjson; give @FILE or - as data/,
  );
});

test('a bad line is told by file, line and column, with what to do', async (t) => {
  const path = tempFile(t, 'sales.csv', 'name,amount\n"two\nlines",1\nPen,"1,234.50"\n');
  assertTrouble(
    await call(['sum', `@${path}`, '--column', 'amount']),
    /sales\.csv, line 4, column 6: "1,234\.50" has a comma; .*\. Mend the line, or leave out such lines with --skip-bad\.\n$/,
  );
  const lines = tempFile(t, 'p.ndjson', '{"price":1}\n{"price":}\n');
  assertTrouble(
    await call(['sum', `@${lines}`, '--path', '.price']),
    /p\.ndjson, line 2, column 10: the line is not JSON: expected a JSON value\. Mend the line/,
  );
  assertTrouble(
    await call(['sum', '-', '--format', 'csv'], 'a\n+5\n'),
    /standard input, line 2, column 1: "\+5" has a \+/,
  );
  assertTrouble(await call(['sum', `@${path}`]), /say which column, by its name or number: "name", "amount"/);
  assertTrouble(
    await call(['sum', `@${path}`, '--column', 'x']),
    /no column is named "x"; there are: "name", "amount"/,
  );
  assertTrouble(
    await call(['sum', `@${lines}`, '--path', 'price']),
    /The path "price" cannot be read; write it like \.price/,
  );
});

test('a flag that is wrong, or means nothing, is named as it was written', async (t) => {
  const table = `@${tempFile(t, 'x.csv', '1\n')}`;
  const lines = `@${tempFile(t, 'x.ndjson', '1\n')}`;
  const refused: [string[], RegExp][] = [
    [[lines, '--column', 'x'], /^trama: --column means nothing with the format ndjson\.\n$/],
    [[lines, '--no-header'], /^trama: --no-header means nothing with the format ndjson\.\n$/],
    [[lines, '--delimiter', ';'], /^trama: --delimiter means nothing with the format ndjson\.\n$/],
    [[table, '--path', '.a'], /^trama: --path means nothing with the format csv\.\n$/],
    [
      [table, '--delimiter', 'column must'],
      /^trama: --delimiter must be one ASCII character .*, not "column must"\.\n$/,
    ],
    [
      [table, '--no-header', '--column', 'x'],
      /^trama: Without a first line of names --column must be a number from 1, not "x"\.\n$/,
    ],
    [[table, '--no-header', '--column', '0'], /^trama: --column must be a number from 1 to \d+, not 0\.\n$/],
  ];
  for (const [args, sentence] of refused) assertTrouble(await call(['sum', ...args]), sentence);
});

test('--format is refused where there is no text that it could be about', async () => {
  const sentence = /^trama: --format says what a file or standard input is; give @FILE or - as data\.\n$/;
  for (const format of ['csv', 'json']) {
    assertTrouble(await call(['sum', '[1]', '--format', format]), sentence);
    assertTrouble(await call(['$ping', '--format', format, '--column', 'a']), sentence);
  }
});

test('--skip-bad leaves bad lines out and says how many, and which is the first', async (t) => {
  const path = tempFile(t, 'sales.csv', 'amount\n1\nx\n2\n\n"3\n4"\n5.\n');
  const run = await call(['sum', `@${path}`, '--skip-bad', '--raw']);
  assert.is(run.status, 0);
  assert.match(run.stdout, /"result":3\.0\}$/);
  const words =
    '3 lines of .*sales\\.csv left out, 2 numbers were taken; the first is line 3, column 1: "x" is not a number';
  assert.match(run.stderr, new RegExp(`^trama: ${words}\n$`));
});

/** Writes many lines, without all of them in memory. */
async function write(path: string, lines: number, lineOf: (index: number) => string): Promise<void> {
  const file = createWriteStream(path);
  for (let from = 0; from < lines; from += 10_000) {
    let text = '';
    for (let index = from; index < Math.min(lines, from + 10_000); index++) text += lineOf(index);
    if (!file.write(text)) await once(file, 'drain');
  }
  await finished(file.end());
}

test('large files are sent while they are read, and add up to the cent', async (t) => {
  const seed = Number(process.env.TRAMA_FUZZ_SEED ?? Date.now() >>> 0);
  console.log(`  a random table; to repeat it: TRAMA_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  let cents = 0n;
  const amount = () => {
    const value = random.integer(-1_000_000_000, 1_000_000_000);
    cents += BigInt(value);
    const digits = String(Math.abs(value)).padStart(3, '0');
    return `${value < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
  };
  const path = tempFile(t, 'large.csv', '');
  await write(path, 600_000, (index) =>
    index === 0 ? 'id,amount,note\n' : `${index},${amount()},"a note, of ${index}"\r\n`,
  );
  assert.ok(statSync(path).size > 17 * 2 ** 20);
  const expected = Number(`${cents}e-2`);
  assert.is(Number(await resultOf(['sum', `@${path}`, '--column', 'amount'])), expected);
  assert.is(
    Number(await resultOf(['sum', '-', '--format', 'csv', '--column', 'amount'], readFileSync(path))),
    expected,
  );
});

test('a bad line far into a large file ends the sending, and is told', async (t) => {
  const path = tempFile(t, 'large.ndjson', '');
  await write(path, 1_500_000, (index) => (index === 1_400_000 ? '{"n":"1"}\n' : '{"n":1.25}\n'));
  const run = await call(['sum', `@${path}`, '--path', '.n']);
  assertTrouble(run, /large\.ndjson, line 1400001, column 6: \.n is "\\"1\\"", which is not a number/);
  const skipping = await call(['sum', `@${path}`, '--path', '.n', '--skip-bad', '--raw']);
  assert.match(skipping.stdout, /"result":1874998\.75\}$/);
  assert.match(
    skipping.stderr,
    /^trama: 1 line of \S+ left out, 1499999 numbers were taken; the first is line 1400001/,
  );
});

test('numbers that do not fit memory are put aside, and nothing is left of that', async (t) => {
  const folder = dirname(tempFile(t, 'x', ''));
  const block = Buffer.from('123456789012345678901234567890.5\n'.repeat(10_000));
  const args = [mainPath, 'call', '127.0.0.1', String(server().port), 'sum', '-', '--format', 'ndjson', '--raw'];
  const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR: folder } });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  for (let index = 0; index < 250; index++) if (!child.stdin.write(block)) await once(child.stdin, 'drain');
  child.stdin.end();
  const [status] = await once(child, 'close');
  assert.is(status, 0);
  assert.match(stdout, /"result":3\.086419725308642e35\}$/);
  assert.equal(readdirSync(folder), ['x']);
  const nowhere = await runProgram(process.execPath, args, Buffer.concat(Array(220).fill(block)), {
    TMPDIR: '/no/such/folder',
  });
  assertTrouble(nowhere, /Cannot put data aside in \/no\/such\/folder: ENOENT.*TMPDIR names another folder/);
});

test('a line without an end is refused when it is too long, whatever the size of the file', async (t) => {
  const path = tempFile(t, 'hole.csv', 'a\n');
  truncateSync(path, 2 ** 30);
  for (const flags of [[], ['--skip-bad']]) {
    assertTrouble(
      await call(['sum', `@${path}`, ...flags]),
      /hole\.csv, line 2, column 1: the line is longer than 16777216 bytes/,
    );
  }
});

test('a text that is empty, not UTF-8 or not there is told in one line', async (t) => {
  assertTrouble(await call(['sum', `@${tempFile(t, 'e.csv', '')}`]), /there is no line with the names of the columns/);
  const utf16 = tempFile(t, 'u.csv', Buffer.from('\ufeffa\n1\n', 'utf16le'));
  assertTrouble(await call(['sum', `@${utf16}`]), /u\.csv, line 1, column 1: this is UTF-16; save the text as UTF-8/);
  assertTrouble(await call(['sum', '@/no/such/file.csv']), /Cannot read \/no\/such\/file\.csv: ENOENT/);
});

/** Starts a call of a large column to a peer that takes what it likes. */
async function largeCall(t: TestContext, port: number): Promise<ChildProcess> {
  const path = tempFile(t, 'large.csv', `n\n${'1.25\n'.repeat(6_000_000)}`);
  const child = spawn(process.execPath, [mainPath, 'call', '127.0.0.1', String(port), 'sum', `@${path}`]);
  t.after(() => child.kill('SIGKILL'));
  return child;
}

test('a server that goes away in the middle of a column is told in one line, and Ctrl-C ends one', async (t) => {
  const sockets: import('node:net').Socket[] = [];
  const uploads: import('node:net').Socket[] = [];
  const peer = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    // The client knows by then that it is connected, and not only its system.
    socket.once('data', () => uploads.push(socket.pause()));
  }).listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    peer.close();
  });
  await once(peer, 'listening');
  const { port } = peer.address() as AddressInfo;
  const lost = await largeCall(t, port);
  let stderr = '';
  lost.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await until('the upload has begun', () => uploads.length === 1);
  uploads[0]!.resetAndDestroy();
  assert.equal(await once(lost, 'close'), [2, null]);
  assert.match(stderr, /^trama: The connection to [^\n]+ ended before the reply came: [^\n]+\n$/);

  const interrupted = await largeCall(t, port);
  await until('the upload has begun', () => uploads.length === 2);
  interrupted.kill('SIGINT');
  assert.equal(await once(interrupted, 'close'), [null, 'SIGINT']);
});

test('standard input that is closed early gives what came of it', async () => {
  const command = `printf 'n\\n1\\n2' | "$0" "$1" call 127.0.0.1 ${server().port} sum - --format csv --raw`;
  const run = await runProgram('sh', ['-c', command, process.execPath, mainPath]);
  assert.match(run.stdout, /"result":3\.0\}$/);
  const closed = `"$0" "$1" call 127.0.0.1 ${server().port} sum - --format csv <&-`;
  assertTrouble(await runProgram('sh', ['-c', closed, process.execPath, mainPath]), /standard input/);
});

test.run();
