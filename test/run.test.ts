import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite, type TestContext } from './support/suite.js';
import { until } from './support/until.js';

const test = suite('test runner');

const compiled = fileURLToPath(new URL('./', import.meta.url));

/** What a made-up test file does: reports these figures, then runs this code. */
interface MadeUp {
  readonly report?: {
    total: number;
    passed: number;
    failures?: string[];
    leftOut?: { name: string; reason: string }[];
  };
  readonly code?: string;
  /** Only the source is there: somebody forgot to compile, or the compiler failed. */
  readonly isMissing?: boolean;
  /** Only the compiled file is there. */
  readonly isDeleted?: boolean;
}

const sound: MadeUp = { report: { total: 2, passed: 2 } };

/** Runs the runner in a project of its own. */
function run(t: TestContext, files: Record<string, MadeUp>, { floor = 1, args = [] as string[], env = {} } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'trama-runner-'));
  t.after(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('package.json', '{"type":"module"}');
  write('test/floor.json', JSON.stringify({ tests: floor }));
  for (const [name, { report, code = '', isMissing, isDeleted }] of Object.entries(files)) {
    if (!isDeleted) write(`test/${name}.test.ts`, '');
    if (isMissing) continue;
    const whole = JSON.stringify({ failures: [], leftOut: [], ...report });
    const reporting = `(await import('node:fs')).writeFileSync(process.env.TRAMA_TEST_REPORT, ${JSON.stringify(whole)});`;
    write(`dist/test/${name}.test.js`, `${report ? reporting : ''}${code}`);
  }
  mkdirSync(join(root, 'dist/test/support'), { recursive: true });
  for (const path of ['run.js', 'support/report.js']) copyFileSync(join(compiled, path), join(root, 'dist/test', path));
  const { CI: _, ...bare } = process.env;
  const options = { cwd: root, encoding: 'utf8', env: { ...bare, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/test/run.js', ...args], options);
  return { status, lastLine: stdout.trimEnd().split('\n').at(-1), output: stdout + stderr };
}

/** A dead process that nobody has reaped yet is gone as well. */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return existsSync(`/proc/${pid}/stat`) && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

test('files are found in folders too, and added up', (t) => {
  const { status, lastLine } = run(t, { one: sound, 'folder/two': { report: { total: 3, passed: 3 } } });
  assert.equal([status, lastLine], [0, '5 passed, 0 failed']);
});

test('a failed test fails the run, and the file’s output is shown', (t) => {
  const file = {
    report: { total: 2, passed: 1, failures: ['a name'] },
    code: 'console.log("why it failed"); process.exit(1)',
  };
  const { status, lastLine, output } = run(t, { one: sound, two: file });
  assert.equal([status, lastLine], [1, '3 passed, 1 failed']);
  assert.match(output, /failed: two\.test\.js: a name/);
  assert.match(output, /why it failed/);
});

const silent = {
  'a file that ends without a report': { code: 'process.exit(0)' },
  'a file that is killed': {
    code: 'process.kill(process.pid, "SIGKILL"); await new Promise(() => setTimeout(() => {}, 9e4))',
  },
  'a file that throws when it is loaded': { code: 'throw new Error("on load")' },
  'a file that was not compiled': { isMissing: true },
  'a file that ends badly after a good report': { ...sound, code: 'process.exit(3)' },
  'a file with fewer passed than registered': { report: { total: 3, passed: 2 } },
  'a file that never ends': { ...sound, code: 'while (true);' },
} satisfies Record<string, MadeUp>;

for (const [name, file] of Object.entries(silent)) {
  test(`no silent pass: ${name}`, (t) => {
    const { status, lastLine, output } = run(
      t,
      { one: sound, two: file },
      { env: { TRAMA_TEST_FILE_TIMEOUT_MS: '3000' } },
    );
    assert.is(status, 1, output);
    assert.match(lastLine ?? '', /^\d+ passed, 1 failed$/);
  });
}

test('what a file leaves running ends with it', (t) => {
  const code = `const { spawn } = await import('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    console.log('left ' + child.pid);
    process.exit(1);`;
  const { output } = run(t, { one: { ...sound, code } });
  const [, pid] = /left (\d+)/.exec(output) ?? [];
  assert.ok(pid, output);
  return until('the process is gone', () => isGone(Number(pid)));
});

test('fewer tests than the floor fail the run, but not a run of chosen files', (t) => {
  const files = { one: sound, two: sound };
  const { status, output } = run(t, files, { floor: 5 });
  assert.is(status, 1);
  assert.match(output, /4 tests ran, fewer than the 5/);
  const chosen = run(t, files, { floor: 5, args: ['test/one'] });
  assert.equal([chosen.status, chosen.lastLine], [0, '2 passed, 0 failed']);
});

test('a pattern that chooses nothing fails', (t) => {
  assert.is(run(t, { one: sound }, { args: ['nothing-like-this'] }).status, 1);
});

test('what a deleted file left in dist does not run', (t) => {
  const { status, lastLine } = run(t, { one: sound, two: { isDeleted: true, code: 'process.exit(1)' } });
  assert.equal([status, lastLine], [0, '2 passed, 0 failed']);
});

test('left-out tests are named with their reason, and are failures under CI', (t) => {
  const reason = 'x is not installed';
  const file = { report: { total: 2, passed: 1, leftOut: [{ name: 'a name', reason }] } };
  const local = run(t, { one: file });
  assert.equal([local.status, local.lastLine], [0, '1 passed, 0 failed']);
  assert.match(local.output, /left out: one\.test\.js: a name \(x is not installed\)\n1 skipped\n/);
  const inCi = run(t, { one: file }, { env: { CI: 'true' } });
  assert.equal([inCi.status, inCi.lastLine], [1, '1 passed, 1 failed']);
});

test.run();
