import * as assert from 'uvu/assert';
import { cutText } from '../../src/protocol/cut-text.js';
import { suite } from '../support/suite.js';

const test = suite('cut text');

test('a text that fits stays as it is, and a longer one is cut and marked', () => {
  assert.is(cutText('abc', 3), 'abc');
  assert.is(cutText('abcd', 3), 'abc…');
});

test('a character of two units is never cut in half', () => {
  const text = `${'a'.repeat(9)}😀b`;
  assert.is(cutText(text, 9), `${'a'.repeat(9)}…`);
  assert.is(cutText(text, 10), `${'a'.repeat(9)}…`);
  assert.is(cutText(text, 11), `${'a'.repeat(9)}😀…`);
  for (let units = 1; units < text.length; units += 1) assert.not.match(cutText(text, units), /\p{Surrogate}/u);
});

test.run();
