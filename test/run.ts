/**
 * Runs the tests: `node dist/test/run.js [part of a path]…`. Each file runs in a process of its own, two at a time.
 *
 * Invariant: the exit status is 0 only if every registered test passed, or was left out by name outside of CI; every
 * file of the source tree was compiled and lived to report; and, where all files ran, there are at least as many tests
 * as `test/floor.json` says. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FileReport, readReport, reportVariable } from './support/report.js';

const parallelFiles = 2;

/** A file that is not done by then is killed: a loop that never yields cannot be stopped from within. */
const fileTimeoutMs = Number(
  process.env.TRAMA_TEST_FILE_TIMEOUT_MS ?? (process.env.TRAMA_TEST_FULL === '1' ? 1_200_000 : 240_000),
);

const sources = fileURLToPath(new URL('../../test/', import.meta.url));
const compiled = fileURLToPath(new URL('./', import.meta.url));

interface FileResult {
  readonly name: string;
  readonly report: FileReport;
}

/** The test files by their names in the source tree: what `dist/` still holds of a deleted file does not count. */
function findTests(patterns: readonly string[]): string[] {
  return readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .filter((path) => patterns.length === 0 || patterns.some((pattern) => `test/${path}`.includes(pattern)))
    .map((path) => path.replace(/\.ts$/, '.js'))
    .sort();
}

/** Process groups of the files that run: whatever a test starts belongs to its file's group, and ends with it. */
const groups = new Set<number>();

function endGroup(group: number | undefined): void {
  if (group === undefined) return;
  groups.delete(group);
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const group of groups) endGroup(group);
    process.exit(1);
  });
}

function runFile(name: string, reportPath: string): Promise<FileResult> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const env = { ...process.env, [reportVariable]: reportPath, FORCE_COLOR: '0' };
    const child = spawn(process.execPath, [join(compiled, name)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      detached: true,
    });
    if (child.pid !== undefined) groups.add(child.pid);
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child.pid);
    }, fileTimeoutMs);
    child.once('exit', () => endGroup(child.pid));
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      const report = readReport(reportPath) ?? { total: 1, passed: 0, failures: [], leftOut: [] };
      const ending = timedOut ? `killed after ${fileTimeoutMs} ms` : `ended with ${signal ?? `status ${status}`}`;
      if (status !== 0 && report.failures.length === 0) report.failures.push(`the process ${ending}`);
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      const mark = report.failures.length === 0 ? 'ok  ' : 'FAIL';
      console.log(`${mark} ${name}  ${report.passed}/${report.total}  ${seconds} s`);
      if (report.failures.length > 0) console.log(Buffer.concat(output).toString().replace(/^/gm, '     | '));
      resolve({ name, report });
    });
  });
}

/** Runs the files, as many at once as {@link parallelFiles}; the results are in no particular order. */
async function runAll(names: readonly string[]): Promise<FileResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'trama-test-'));
  const waiting = names.map((name, index) => ({ name, reportPath: join(folder, `${index}.json`) }));
  const results: FileResult[] = [];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results.push(await runFile(next.name, next.reportPath));
    }
  };
  await Promise.all(Array.from({ length: parallelFiles }, lane));
  rmSync(folder, { recursive: true });
  return results;
}

/** Faults of the run as a whole, beside those of single tests. */
function faultsOfRun(total: number, patterns: readonly string[]): string[] {
  if (total === 0) return ['no test was found'];
  if (patterns.length > 0) return [];
  const { tests } = JSON.parse(readFileSync(join(sources, 'floor.json'), 'utf8')) as { tests: number };
  return total < tests ? [`${total} tests ran, fewer than the ${tests} that test/floor.json asks for`] : [];
}

const patterns = process.argv.slice(2);
const results = await runAll(findTests(patterns));
const sum = (count: (report: FileReport) => number) => results.reduce((all, { report }) => all + count(report), 0);

const passed = sum((report) => report.passed);
const total = sum((report) => report.total);
const faults = [
  ...results.flatMap(({ name, report }) => report.failures.map((failure) => `${relative('.', name)}: ${failure}`)),
  ...faultsOfRun(total, patterns),
];
const leftOut = results.flatMap(({ name, report }) => report.leftOut.map((each) => ({ file: name, ...each })));

for (const fault of faults) console.log(`failed: ${fault}`);
for (const { file, name, reason } of leftOut) console.log(`left out: ${file}: ${name} (${reason})`);
if (leftOut.length > 0) console.log(`${leftOut.length} skipped`);

// A test that neither passed nor was left out has failed, also where nothing told how.
const failed = Math.max(faults.length, total - passed - (process.env.CI === 'true' ? 0 : leftOut.length));
if (failed > 0) process.exitCode = 1;
console.log(`${passed} passed, ${failed} failed`);
