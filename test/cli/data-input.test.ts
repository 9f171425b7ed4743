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
  if (source instanceof Uint8Array) return { byteLength: source.length, text: Buffer.from(source).toString() };
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

test('an argument is taken as it stands, white space and digits', async () => {
  assert.equal(await read(' [1.0,\n2] '), { byteLength: 10, text: ' [1.0,\n2] ' });
  assert.equal(await read('"ñ"'), { byteLength: 4, text: '"ñ"' });
  assert.is(await read(undefined), undefined);
});

test('a file is taken as it stands, at any size', async (t) => {
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

test('a file that cannot be read is refused by name', async (t) => {
  assert.match(await refusal('@/no/such/file'), /^Cannot read \/no\/such\/file: ENOENT/);
  const huge = tempFile(t, 'huge.json', '');
  truncateSync(huge, 2 ** 32);
  assert.is(await refusal(`@${huge}`), `${huge} does not fit a frame, which takes at most 4294967295 bytes.`);
  const folder = dirname(tempFile(t, 'x', ''));
  assert.is(await refusal(`@${folder}`), `Cannot read ${folder}: it is a directory.`);
});

test.run();
