import * as assert from 'uvu/assert';
import { loadConfig } from '../../src/config/load-config.js';
import { formatBytes, variableOf } from '../../src/config/option-kinds.js';
import { optionKeys, options } from '../../src/config/options.js';
import { optionsMarkdown, printSettings } from '../../src/config/print-config.js';
import { suite } from '../support/suite.js';

const test = suite('how the configuration is shown');

test('every setting is shown with its value, its unit and where it comes from', () => {
  const { settings } = loadConfig({ port: ['0'] }, { TRAMA_MAX_FRAME_BYTES: '128k' });
  const rows = printSettings(settings)
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  assert.equal(rows[0], ['OPTION', 'VALUE', 'UNIT', 'SOURCE']);
  assert.equal(
    rows.slice(1).map(([flag]) => flag),
    optionKeys.map((key) => options[key].flag),
  );
  const row = (flag: string) => rows.find(([name]) => name === flag);
  assert.equal(row('port'), ['port', '0', '-', 'flag']);
  assert.equal(row('max-frame-bytes'), ['max-frame-bytes', '128KiB', 'bytes', 'env TRAMA_MAX_FRAME_BYTES']);
  assert.equal(row('drain-ms'), ['drain-ms', '10000', 'ms', 'default']);
  assert.equal(row('ops'), ['ops', 'none', '-', 'default']);
  assert.equal(row('watch'), ['watch', 'off', '-', 'default']);
});

test('sizes are written in the largest unit that divides them', () => {
  assert.equal([1, 1023, 1024, 1536, 65536, 16 * 1024 ** 2, 3 * 1024 ** 3].map(formatBytes), [
    '1',
    '1023',
    '1KiB',
    '1536',
    '64KiB',
    '16MiB',
    '3GiB',
  ]);
});

test('the table says that the variable of modules takes several paths, and what separates them', () => {
  const line = optionsMarkdown()
    .split('\n')
    .find((each) => each.includes('`--ops`'))!;
  assert.match(line, /the variable takes several paths with [:;] between them/);
});

test('the table for the documentation has every flag and variable', () => {
  const table = optionsMarkdown();
  for (const key of optionKeys) {
    assert.ok(table.includes(`| \`--${options[key].flag}\` | \`${variableOf(options[key])}\` |`), key);
  }
});

test.run();
