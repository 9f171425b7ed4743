import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type FuzzTarget, fuzzTarget } from '../support/fuzz.js';
import { suite } from '../support/suite.js';
import { fuzzTargets } from './targets.js';

const test = suite('fuzzers');

/** Enough to see what was broken just now; hours are for `npm run fuzz`. */
const runMs = process.env.CI === 'true' ? 4000 : 1000;

for (const target of fuzzTargets) {
  test(`no input breaks ${target.name}`, { timeoutMs: 60_000 }, async () => {
    const { rounds, corpusFiles } = await fuzzTarget(target, runMs);
    assert.ok(rounds > 0 && corpusFiles > 0, `${rounds} rounds, ${corpusFiles} files`);
  });
}

test('an input that breaks an invariant is kept, and tried first from then on', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'trama-fuzz-'));
  t.after(() => rmSync(root, { recursive: true }));
  const target: FuzzTarget = {
    name: 'brittle',
    bytesMax: 64,
    make: (random) => Buffer.from([random.integer(0, 9), random.integer(0, 9)]),
    check: (input) => {
      if (input[0] === 7) throw new Error('a seven');
    },
  };
  await assertFails(
    () => fuzzTarget(target, 60_000, root),
    /brittle, round \d+, its input is kept in .*found-.*a seven/,
  );
  const files = readdirSync(join(root, 'brittle'));
  assert.is(files.length, 1);
  assert.is(readFileSync(join(root, 'brittle', files[0]!))[0], 7);
  await assertFails(() => fuzzTarget(target, 0, root), new RegExp(`brittle, corpus file ${files[0]}.*a seven`));
});

async function assertFails(action: () => Promise<unknown>, message: RegExp): Promise<void> {
  const error = await action().then(
    () => new Error('it did not fail'),
    (reason: Error) => reason,
  );
  assert.match(error.message, message);
}

test.run();
