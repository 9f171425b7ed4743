import * as assert from 'uvu/assert';
import { placeInData } from '../../src/cli/data-place.js';
import { suite } from '../support/suite.js';

const test = suite('trama call: places in the data');

/** Data that can be read again in pieces of some bytes each. */
const sent = (text: string, bytesBefore = 20, pieceBytes = 3) => {
  const bytes = new TextEncoder().encode(text);
  function* reread() {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  return { name: 'f.json', bytesBefore, byteLength: bytes.length, reread };
};

test('a place that counts from the body loses what is before the data', async () => {
  const error = 'this is no value: byte 23';
  assert.is(
    await placeInData({ code: 'BAD_JSON', error }, sent('[1,x]')),
    'the place is byte 3 of f.json (line 1, column 4), with bytes counted from 0',
  );
});

test('a place that counts from the value gains the white space before it', async () => {
  const error = 'sum takes numbers: index 1, byte 3';
  for (const pieceBytes of [1, 2, 3, 100]) {
    assert.is(
      await placeInData({ code: 'BAD_DATA', error }, sent(' \n  \n[1,"x"]', 20, pieceBytes)),
      'the place is byte 8 of f.json (line 3, column 4), with bytes counted from 0',
    );
  }
});

test('a place is found far into the data, whatever the pieces in which it is read', async () => {
  const text = `[${'1,\n'.repeat(50_000)}x]`;
  for (const pieceBytes of [7, 4096, text.length]) {
    const place = await placeInData(
      { code: 'BAD_DATA', error: 'index 50000, byte 150001' },
      sent(text, 20, pieceBytes),
    );
    assert.is(place, 'the place is byte 150001 of f.json (line 50001, column 1), with bytes counted from 0');
  }
});

test('the end of the data is told in words', async () => {
  assert.is(
    await placeInData({ code: 'BAD_JSON', error: 'byte 22' }, sent('[1')),
    'the place is the end of f.json (line 1, column 3), with bytes counted from 0',
  );
});

test('a place outside of the data, and a reply without one, say nothing', async () => {
  assert.is(await placeInData({ code: 'BAD_REQUEST', error: 'twice: byte 4' }, sent('1')), undefined);
  assert.is(await placeInData({ code: 'BAD_JSON', error: 'byte 99' }, sent('1')), undefined);
  assert.is(await placeInData({ code: 'UNKNOWN_OP', error: 'there is no such operation' }, sent('1')), undefined);
  assert.is(await placeInData({}, sent('1')), undefined);
});

test('the last place of a sentence counts', async () => {
  const error = 'byte 1 of one thing, byte 3 of another';
  assert.match((await placeInData({ code: 'BAD_DATA', error }, sent('[1,2]'))) ?? '', /byte 3 of f\.json/);
});

test('data that cannot be read again, or is shorter now, leaves the line out', async () => {
  const error = 'index 1, byte 7';
  const expected = 'the place is byte 7 of f.json, with bytes counted from 0';
  const short = { ...sent('[1,'), byteLength: 100 };
  assert.is(await placeInData({ code: 'BAD_DATA', error }, short), expected);
  const gone = {
    ...short,
    reread: () => {
      throw new Error('ENOENT');
    },
  };
  assert.is(await placeInData({ code: 'BAD_DATA', error }, gone), expected);
});

test.run();
