import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('the unit for systemd');

const unit = readFileSync(fileURLToPath(new URL('../../../deploy/systemd/trama.service', import.meta.url)), 'utf8');

/** The unit with the Node of this machine, since systemd looks whether programs are there. */
function writeUnit(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'trama-unit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'trama.service');
  writeFileSync(path, unit.replaceAll('/usr/bin/node', process.execPath).replaceAll(/^Documentation=.*$/gm, ''));
  return path;
}

const analyze = (...args: string[]) => execFileSync('systemd-analyze', args, { encoding: 'utf8', stdio: 'pipe' });

test.needs('systemd-analyze', 'systemd finds nothing wrong with it', (t) => {
  assert.is(analyze('verify', writeUnit(t)), '');
});

test.needs('systemd-analyze', 'its exposure is at most 2 of 10, as systemd counts', (t) => {
  const report = analyze('security', '--offline=true', '--threshold=20', writeUnit(t));
  assert.match(report, /Overall exposure level for trama\.service: [01]\.\d/);
});

test('it waits for a shutdown longer than the server may take', () => {
  const seconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
  assert.ok(seconds >= 2 * 10, 'twice the default of --drain-ms');
});

test.run();
