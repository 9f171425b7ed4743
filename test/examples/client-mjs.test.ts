import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { runProgram } from '../cli/run-cli.js';
import { serverFor } from '../client/support.js';
import { suite } from '../support/suite.js';

const test = suite('examples/client.mjs');
const server = serverFor(test);

const path = fileURLToPath(new URL('../../../examples/client.mjs', import.meta.url));

test('it prints what the operations answer', async () => {
  const run = await runProgram(process.execPath, [path, '127.0.0.1', String(server().port)]);
  assert.equal([run.status, run.stderr], [0, '']);
  const [sum, upper, many, error] = run.stdout.trimEnd().split('\n');
  assert.equal([sum, upper, many], ['sum   0.3', 'upper STRASSE', 'many  [ 1, 2, 3 ]']);
  assert.match(error!, /^error BAD_DATA - .*index 0/);
});

test.run();
