import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.js';
import { generated, pathOf, withTable } from './tables.js';

const test = suite('what the documents have from the code');

for (const { file, text } of generated) {
  test(`${file} is as the code gives it`, () => {
    assert.is(readFileSync(pathOf(file), 'utf8'), text(), 'run: npm run docs:tables');
  });
}

test('a table is put between its markers, and missing markers are an error', () => {
  const document = 'a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n';
  assert.is(withTable(document, 'x', 'new\n'), 'a\n<!-- x:begin -->\nnew\n<!-- x:end -->\nb\n');
  assert.throws(() => withTable(document, 'y', ''), /has no <!-- y:begin -->/);
});

test.run();
