import { Ajv } from 'ajv';
import * as assert from 'uvu/assert';
import { configSchema } from '../../src/config/config-schema.js';
import { memberOf } from '../../src/config/option-kinds.js';
import { fileKeys, options } from '../../src/config/options.js';
import { suite } from '../support/suite.js';

const test = suite('the schema of a configuration file');

const fits = new Ajv().compile(configSchema());

test('it has every option of a file with a description, and no other member is taken', () => {
  const { properties } = configSchema() as { properties: Record<string, { description: string }> };
  assert.equal(
    Object.keys(properties).slice(1),
    fileKeys.map((key) => memberOf(options[key])),
  );
  assert.ok(Object.values(properties).every(({ description }) => description.length > 10));
  assert.is(fits({ prot: 1 }), false);
});

test('it takes what the server takes, and marks values of the wrong kind or out of range', () => {
  const good = [
    {},
    { $schema: './trama-config.schema.json', port: 0, host: '::1', watch: true, logLevel: 'silent' },
    { maxFrameBytes: 65536, maxHeldBytes: '1.5GiB', minReadRate: '16k' },
    { ops: './one.mjs', dataDir: 'state' },
    { ops: ['./one.mjs', './two.mjs'] },
  ];
  for (const file of good) assert.is(fits(file), true, JSON.stringify(file));
  const bad = [
    { port: 65536 },
    { port: '80' },
    { port: 80.5 },
    { host: 'a b' },
    { watch: 'true' },
    { logLevel: 'loud' },
    { maxFrameBytes: 1 },
    { maxFrameBytes: '64kB' },
    { ops: [5] },
    { ops: '' },
    { dataDir: '' },
  ];
  for (const file of bad) assert.is(fits(file), false, JSON.stringify(file));
});

test.run();
