import { truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { InputError, readDataInput } from '../../src/cli/data-input.js';
import { suite, type TestContext } from '../support/suite.js';
import { tempFile } from './run-cli.js';

const test = suite('trama call: its data');

async function read(text: string | undefined): Promise<{ byteLength: number; text: string } | undefined> {
  const source = await readDataInput(text);
  if (source === undefined) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.chunks) chunks.push(chunk);
  return { byteLength: source.byteLength, text: Buffer.concat(chunks).toString() };
}

async function refusal(text: string): Promise<string> {
  try {
    await readDataInput(text);
  } catch (error) {
    assert.instance(error, InputError);
    return (error as Error).message;
  }
  throw new Error(`${text} was not refused`);
}

const file = (t: TestContext, content: string | Uint8Array): string => `@${tempFile(t, 'data.json', content)}`;

test('an argument is taken as it is, white space and digits', async () => {
  assert.equal(await read(' [1.0,\n2] '), { byteLength: 10, text: ' [1.0,\n2] ' });
  assert.equal(await read('"ñ"'), { byteLength: 4, text: '"ñ"' });
  assert.is(await read(undefined), undefined);
});

test('a file is taken as it is, at any size', async (t) => {
  assert.equal(await read(file(t, '[1.0]\n')), { byteLength: 6, text: '[1.0]\n' });
  const large = JSON.stringify('x'.repeat(17 * 1024 * 1024));
  const taken = await read(file(t, large));
  assert.is(taken?.byteLength, large.length);
  assert.ok(taken?.text === large);
});

test('an argument that is not JSON is refused, and the shell’s quotes are brought to mind', async () => {
  for (const text of ['hola', '', ' ', '[1,', "{'a':1}", '1 2', 'NaN', '1,"op":"sum"']) {
    assert.match(await refusal(text), /^The argument is not JSON \(.+\)\. Put JSON in single quotes/s);
  }
});

test('a file that is not JSON in UTF-8 is refused by name', async (t) => {
  for (const content of ['', '{', Buffer.from('"\xff"', 'latin1'), '\ufeff1']) {
    assert.match(await refusal(file(t, content)), /data\.json is not JSON \(/);
  }
});

test('where a file is not JSON is told as byte, line and column, counted in bytes', async (t) => {
  const places: [string | Uint8Array, string][] = [
    ['{"é":\n [1,}', 'byte 11 of PATH (line 2, column 5)'],
    ['[1,\n2', 'the end of PATH (line 2, column 2)'],
    ['[1]\n\n[2]', 'byte 5 of PATH (line 3, column 1)'],
    [Buffer.from('["a",\n"\xff"]', 'latin1'), 'byte 7 of PATH (line 2, column 2)'],
    ['\ufeff1', 'byte 0 of PATH (line 1, column 1)'],
  ];
  for (const [content, place] of places) {
    const argument = file(t, content);
    const message = (await refusal(argument)).replaceAll(argument.slice(1), 'PATH');
    assert.ok(message.endsWith(`. To be exact, the place is ${place}, with bytes counted from 0.`), message);
  }
});

test('a file that cannot be read is refused by name', async (t) => {
  assert.match(await refusal('@/no/such/file'), /^Cannot read \/no\/such\/file: ENOENT/);
  const huge = tempFile(t, 'huge.json', '');
  // A frame may have fewer bytes of data than of all: a request has an id and an operation, too.
  for (const byteLength of [2 ** 32, 2 ** 32 - 100]) {
    truncateSync(huge, byteLength);
    const sentence = `${huge} does not fit a frame, which takes some 4294963199 bytes of data.`;
    assert.is(await refusal(`@${huge}`), sentence);
  }
  const folder = dirname(tempFile(t, 'x', ''));
  assert.is(await refusal(`@${folder}`), `Cannot read ${folder}: it is a directory.`);
});

test.run();
