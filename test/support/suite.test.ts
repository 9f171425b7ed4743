import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { readReport, reportVariable } from './report.js';
import { suite, type TestContext } from './suite.js';

const trapsPath = fileURLToPath(new URL('./fixtures/traps.js', import.meta.url));

function spring(t: TestContext, trap: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'trama-trap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const reportPath = join(folder, 'report.json');
  const { CI: _, ...bare } = process.env;
  const run = spawnSync(process.execPath, [trapsPath, trap], {
    env: { ...bare, ...env, [reportVariable]: reportPath },
    encoding: 'utf8',
  });
  return { status: run.status, output: run.stdout + run.stderr, report: readReport(reportPath) };
}

const test = suite('test support');

test('a sound file passes and reports its tests', (t) => {
  const { status, report } = spring(t, 'none');
  assert.is(status, 0);
  assert.equal(report, { total: 1, passed: 1, failures: [], leftOut: [] });
});

const hidden = [
  ['failing test', /trap: fails/],
  ['before throws', /from before/],
  ['before.each throws', /from before\.each/],
  ['after.each throws', /from after\.each/],
  ['after throws', /from after/],
  ['clean-up throws', /from a clean-up/],
  ['run forgotten', /trap: 1 tests were registered, but test\.run\(\) was not called/],
  ['one of two runs forgotten', /was not called/],
  ['never ends', /took longer than 50 ms/],
  ['exits with 0', /the process ended before the suite did/],
  ['leaves a server open', /left open by the tests of this file: .*TCP/],
  ['no test', /registered no test/],
  ['throws no Error', /a value that is no Error was thrown: undefined/],
] as const;

for (const [trap, sign] of hidden) {
  test(`a failure is not hidden: ${trap}`, (t) => {
    const { status, output, report } = spring(t, trap);
    assert.is(status, 1, output);
    assert.ok(report !== undefined && report.failures.length > 0, 'the report names a failure');
    assert.match(output + report.failures.join('\n'), sign);
  });
}

test('clean-up runs in reverse order, and after a failure too', (t) => {
  const { status, output } = spring(t, 'order of clean-up');
  assert.is(status, 1);
  const [last, first] = [output.indexOf('last registered'), output.indexOf('first registered')];
  assert.ok(last >= 0 && last < first, output);
});

test('a test that cannot run is left out by name, with the reason', (t) => {
  const { status, report } = spring(t, 'left out');
  assert.is(status, 0);
  assert.equal(report?.leftOut, [{ name: 'trap: is left out', reason: 'a-program-that-nobody-has is not installed' }]);
});

test('a test that is left out under CI has failed', (t) => {
  assert.is(spring(t, 'left out', { CI: 'true' }).status, 1);
});

test.run();
