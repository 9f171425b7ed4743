import { createReadStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import * as assert from 'uvu/assert';
import { ColumnError, type ColumnOptions, columnOf, type DataSource, RequestError } from '../../src/client/index.js';
import { tempFile } from '../cli/run-cli.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { openClient, openPeer, rejection, serverFor } from './support.js';

const test = suite('client: columns');
const server = serverFor(test, ['--workers', '1']);

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function read(source: DataSource, options: ColumnOptions) {
  const column = columnOf(source, options);
  let text = '';
  for await (const chunk of column) text += Buffer.from(chunk).toString();
  return { text, numbers: column.numbers, skipped: column.skipped, byteLength: column.byteLength };
}

const errorOf = async (text: string, options: ColumnOptions) => {
  const error = await rejection(read([bytes(text)], options));
  assert.instance(error, ColumnError);
  return error as ColumnError;
};

test('a column of a table becomes an array of its numbers as they are written', async () => {
  const text = 'a,"b ""c"""\r\n1,0.10\n2,"12345678901234567890"\n';
  for (const column of ['b "c"', '2', 2]) {
    const { text: array, numbers } = await read([bytes(text)], { format: 'csv', column });
    assert.equal([array, numbers], ['[0.10,12345678901234567890]', 2]);
  }
  assert.is((await read([bytes('1\t2\n')], { format: 'tsv', header: false, column: '2' })).text, '[2]');
  assert.is((await read([bytes('x;y\n1;2')], { format: 'csv', delimiter: ';', column: 'y' })).text, '[2]');
});

test('every cut of the text gives the same, mark of UTF-8 and header included', async () => {
  const text = bytes('\ufeff"two\nlines",é\n1,2.50\nx,3\n');
  for (let at = 0; at <= text.length; at++) {
    const pieces = [text.subarray(0, at), new Uint8Array(0), text.subarray(at)];
    const array = await read(pieces, { format: 'csv', column: 'é' });
    assert.is(array.text, '[2.50,3]', `cut at ${at}`);
  }
  const bad = await rejection(
    read(
      [...text].map((byte) => Uint8Array.of(byte)),
      { format: 'csv', column: 1 },
    ),
  );
  assert.match(bad.message, /^the data, line 4, column 1: "x" is not a number\. Mend the line, or pass skipBad/);
});

test('a long first line that comes byte by byte is no more work than its bytes', async () => {
  const names = Array.from({ length: 30_000 }, (_, index) => `"name\n${index}"`).join(',');
  const text = bytes(`${names}\n${'1,'.repeat(29_999)}2.50\n`);
  const chunks = function* () {
    for (const byte of text) yield Uint8Array.of(byte);
  };
  assert.is((await read(chunks(), { format: 'csv', column: 30_000 })).text, '[2.50]');
  const endless = function* () {
    while (true) yield Uint8Array.of(0x61);
  };
  const error = await rejection(read(endless(), { format: 'csv', column: 1 }));
  assert.match(error.message, /the first line is longer than 1048576 bytes/);
});

test('empty lines before the first line are passed over, and counted', async () => {
  const options = { format: 'csv', column: 'b' } as const;
  const text = bytes('\ufeff\r\n\n\r\na,b\n1,2\n3,x\n');
  for (let at = 0; at <= text.length; at++) {
    const pieces = [text.subarray(0, at), text.subarray(at)];
    assert.is((await read(pieces, { ...options, skipBad: true })).text, '[2]', `cut at ${at}`);
    const bad = await rejection(read(pieces, options));
    assert.match(bad.message, /^the data, line 6, column 3: "x" is not a number/, `cut at ${at}`);
  }
  assert.is((await errorOf('\n\na,b\n', { format: 'csv', column: 'c' })).line, 3);
  assert.is((await errorOf('\n\n', { format: 'csv' })).reason, 'there is no line with the names of the columns');
  const bare = await errorOf('\n\n1,x\n', { format: 'csv', header: false, column: 2 });
  assert.equal([bare.line, bare.column], [3, 3]);
});

test('where no line names the columns, they are asked for by their number', async () => {
  for (const before of ['', '\n']) {
    const error = await errorOf(`${before}1,2,3\n`, { format: 'csv', header: false });
    assert.is(error.reason, 'say which column, by its number from 1 to 3');
  }
  assert.is((await read([bytes('\n1\n2\n')], { format: 'csv', header: false })).text, '[1,2]');
});

test('with sourceBytes the array has a length that is known before, and ends in white space', async () => {
  for (const text of ['n\n1\n22', 'n\n', 'n\n1\n', `n\n${'x\n'.repeat(50_000)}7`]) {
    const options = { format: 'csv', skipBad: true, sourceBytes: text.length } as const;
    const array = await read([bytes(text)], options);
    assert.is(array.byteLength, array.text.length);
    assert.equal(
      JSON.parse(array.text),
      text
        .split('\n')
        .slice(1)
        .filter((line) => /^\d/.test(line))
        .map(Number),
    );
  }
  assert.is((await read([bytes('5')], { format: 'ndjson', sourceBytes: 1 })).text, '[5]');
});

test('a source that is longer or shorter than sourceBytes says is an error', async () => {
  for (const [sourceBytes, told] of [
    [3, /has more than the 3 bytes/],
    [5, /ended after 4 of the 5 bytes/],
  ] as const) {
    const error = await rejection(read([bytes('n\n1\n')], { format: 'csv', sourceBytes }));
    assert.match(error.message, told);
  }
});

test('a line without a number is an error with its place, or is left out and counted', async () => {
  const text = '{"price":1}\n{"price":"2"}\n{}\n{"price":3}';
  const error = await errorOf(text, { format: 'ndjson', path: '.price', name: 'prices' });
  assert.equal([error.code, error.source, error.line, error.column], ['BAD_DATA', 'prices', 2, 10]);
  assert.is(error.reason, '.price is "\\"2\\"", which is not a number');
  const { skipped, numbers } = await read([bytes(text)], { format: 'ndjson', path: '.price', skipBad: true });
  assert.equal([skipped, numbers], [2, 2]);
});

test('each thing that people write in place of a number has a sentence that says what to write', async () => {
  const sentences: Record<string, RegExp> = {
    '': /the field is empty/,
    '+5': /has a \+ before it/,
    '"1,234.50"': /has a comma; write digits without separators/,
    '"12,5"': /has a comma/,
    '1 000': /has separators between its digits/,
    "1'000": /has separators/,
    '1.000.000': /has separators/,
    '1_000': /has separators/,
    $5: /has a currency/,
    '5 €': /has a currency/,
    'EUR 5': /has a currency/,
    '5%': /has a percent sign/,
    '(5)': /is in parentheses/,
    '.5': /has no digit before its point/,
    '-.5': /has no digit before its point/,
    '5.': /has no digit after its point/,
    '5.e3': /has no digit after its point/,
    '007': /begins with 0/,
    '-00.5': /begins with 0/,
    NaN: /"NaN" is not a number/,
    'n/a': /"n\/a" is not a number/,
    '0x10': /"0x10" is not a number/,
    '1e': /"1e" is not a number/,
    '1e400': /"1e400" is beyond binary64/,
  };
  for (const [field, sentence] of Object.entries(sentences)) {
    const error = await errorOf(`a,b\n1,${field}\n`, { format: 'csv', column: 'b' });
    assert.equal([error.line, error.isSkippable], [2, true]);
    assert.match(error.reason, sentence, field);
  }
});

test('text that cannot be read on at all is an error also with skipBad', async () => {
  const texts: Record<string, RegExp> = {
    '': /there is no line with the names/,
    'a,b\n1,"2\n3': /the quoted field that begins here is not closed/,
    'a,a\n1,2': /columns 1 and 2 are both named "a"; say which by its number/,
    '\xff\xfea\x00': /this is UTF-16/,
  };
  for (const [text, sentence] of Object.entries(texts)) {
    const source = [Buffer.from(text, 'latin1')];
    const error = await rejection(read(source, { format: 'csv', column: 'a', skipBad: true }));
    assert.match(error.message, sentence);
    assert.is((error as ColumnError).isSkippable, false);
  }
  const endless = (function* () {
    while (true) yield Buffer.alloc(65_536, 'x');
  })();
  assert.match(
    (await rejection(read(endless, { format: 'csv' }))).message,
    /the first line is longer than 1048576 bytes/,
  );
});

test('options that are wrong, or mean nothing together, are refused before anything is read', () => {
  const refused: [Record<string, unknown>, RegExp][] = [
    [{ format: 'xls' }, /format must be one of csv, tsv and ndjson, not "xls"/],
    [{ format: 'csv', path: '.a' }, /path means nothing with the format csv/],
    [{ format: 'ndjson', column: 'a' }, /column means nothing with the format ndjson/],
    [{ format: 'csv', column: 0 }, /column must be a number from 1/],
    [{ format: 'csv', column: 'a', header: false }, /Without a first line of names column must be a number/],
    [{ format: 'csv', delimiter: ',,' }, /delimiter must be one ASCII character/],
    [{ format: 'csv', delimiter: '-' }, /delimiter must be/],
    [{ format: 'ndjson', path: '[0' }, /The path "\[0" cannot be read; write it like \.price/],
    [{ format: 'ndjson', path: '.a-b' }, /cannot be read from "-b" on/],
    [{ format: 'ndjson', path: `.${'a.'.repeat(70)}b` }, /has 71 steps; at most 64/],
    [{ format: 'csv', sourceBytes: -1 }, /sourceBytes must be a number from 0/],
    [{ format: 'csv', skipBad: 'yes' }, /skipBad must be true or false/],
  ];
  for (const [options, sentence] of refused) {
    assert.throws(() => columnOf([], options as unknown as ColumnOptions), sentence);
  }
});

test('paths of jq that lead to one value are taken', async () => {
  const line = '{"a":{"b c":[0,[1.5]],"$d":2,"é":3}}';
  const values = {
    '.a["b c"][1][0]': '1.5',
    '.a."b c"[0]': '0',
    '.["a"].$d': '2',
    '.a.["\\u00e9"]': '3',
    '.a["b c"].[1].[0]': '1.5',
  };
  for (const [path, value] of Object.entries(values)) {
    assert.is((await read([bytes(line)], { format: 'ndjson', path })).text, `[${value}]`, path);
  }
});

test('sumColumn adds up streams of every kind exactly, of known length and of unknown', async (t) => {
  const client = await openClient(t, { port: server().port });
  const text = `n,amount\n${'x,0.10\n'.repeat(99_999)}y,0.20\n`;
  const path = tempFile(t, 'sales.csv', text);
  const sources: Record<string, () => DataSource> = {
    file: () => createReadStream(path),
    web: () => new Blob([text]).stream(),
    array: () => [bytes(text)],
  };
  for (const [kind, source] of Object.entries(sources)) {
    for (const sourceBytes of [undefined, statSync(path).size]) {
      const options = { format: 'csv', column: 'amount', sourceBytes } as const;
      const total = await client.sumColumn(source(), options);
      assert.equal(total, { sum: 10_000.1, numbers: 100_000, skipped: 0, firstSkipped: undefined }, kind);
    }
  }
  const column = columnOf(createReadStream(path), { format: 'csv', column: 2, sourceBytes: text.length });
  assert.is(await client.callStream('sum', column, column.byteLength), 10_000.1);
  const skipping = await client.sumColumn([bytes('1\nx\n2')], { format: 'ndjson', skipBad: true });
  assert.equal([skipping.sum, skipping.numbers, skipping.skipped, skipping.firstSkipped?.line], [3, 2, 1, 2]);
});

test('sumColumn rejects with the ColumnError itself, and closes the source', async (t) => {
  const client = await openClient(t, { port: server().port });
  let closed = 0;
  async function* lines(): AsyncGenerator<Uint8Array> {
    try {
      yield bytes('1\n');
      yield bytes('true\n');
      yield bytes('3\n');
      assert.unreachable('the source was read on');
    } finally {
      closed++;
    }
  }
  for (const sourceBytes of [undefined, 1000]) {
    const error = await rejection(client.sumColumn(lines(), { format: 'ndjson', sourceBytes }));
    assert.instance(error, ColumnError);
    assert.match(error.message, /^the data, line 2, column 1: \. is "true", which is not a number/);
  }
  await until('both sources are closed', () => closed === 2);
  const missing = createReadStream('/no/such/file');
  assert.match((await rejection(client.sumColumn(missing, { format: 'csv' }))).message, /ENOENT/);
});

test('a column too large for memory needs sourceBytes, and is read no further', async (t) => {
  const client = await openClient(t, { port: server().port });
  let given = 0;
  const block = bytes('123456789\n'.repeat(6_000));
  const source = new Readable({
    read() {
      given += block.length;
      this.push(block);
    },
  });
  const error = await rejection(client.sumColumn(source, { format: 'ndjson' }));
  assert.instance(error, RequestError);
  assert.equal([error.code, source.destroyed], ['FRAME_TOO_LARGE', true]);
  assert.match(error.message, /give sourceBytes/);
  assert.ok(given < 80 * 1024 * 1024, `${given} bytes were read`);
});

test('an abort ends a column while its source is silent, before and after the call is made', async (t) => {
  const peer = await openPeer(t, () => undefined);
  const client = await openClient(t, { port: peer.port });
  for (const sourceBytes of [undefined, 1000]) {
    const source = new Readable({ read() {} });
    source.push('1\n');
    const abort = new AbortController();
    const sum = client.sumColumn(source, { format: 'ndjson', sourceBytes, signal: abort.signal });
    await until('the source is read', () => source.readableLength === 0);
    abort.abort();
    assert.is((await rejection(sum)).code, 'CANCELLED');
    await until('the source is closed', () => source.destroyed);
  }
});

test('an abort in the middle of a line is told as the abort, not as a line that is wrong', async (t) => {
  const client = await openClient(t, { port: server().port });
  for (const sourceBytes of [undefined, 1000]) {
    const source = new Readable({ read() {} });
    source.push('1\n[2');
    const abort = new AbortController();
    const sum = client.sumColumn(source, { format: 'ndjson', sourceBytes, signal: abort.signal });
    await until('the source is read', () => source.readableLength === 0);
    const reason = new Error('enough');
    abort.abort(reason);
    const error = await rejection(sum);
    assert.equal([error.code, error.cause], ['CANCELLED', reason]);
  }
});

test('sumColumn closes its source where an option is wrong', async (t) => {
  const client = await openClient(t, { port: server().port });
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ format: 'xls' }, /format must be one of/],
    [{ format: 'csv', sourceBytes: -1 }, /sourceBytes must be/],
    [{ format: 'csv', timeoutMs: -1 }, /timeoutMs must be/],
    [{ format: 'csv', signal: 'none' }, /signal must be/],
  ];
  for (const [options, sentence] of wrong) {
    const source = new Readable({ read() {} });
    const sum = client.sumColumn(source, options as unknown as Parameters<typeof client.sumColumn>[1]);
    assert.match((await rejection(sum)).message, sentence);
    await until('the source is closed', () => source.destroyed);
  }
});

test.run();
