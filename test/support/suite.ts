/**
 * The one module through which tests use uvu, so that nobody falls into its traps. uvu 0.5.6 by itself ends in "Passed: 0" and
 * exit status 0 when a hook throws or a suite's `.run()` is forgotten, and it has no time limit.
 *
 * Invariant: a test file's process ends with status 0 only if every test that it registered ran and passed, every hook
 * and clean-up came through, and nothing was left open. The same is written as a report for `test/run.ts`.
 *
 *     const test = suite('frame decoder');
 *     test('an empty body is not JSON', async (t) => { const server = await open(); t.after(() => server.close()); });
 *     test.needs('python3', 'the Python client reads a reply', async (t) => { … });
 *     test.run();
 *
 * Assertions come from `uvu/assert`. Running the files and adding up is left to `test/run.ts`.
 */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { suite as uvuSuite } from 'uvu';
import { type FileReport, writeReport } from './report.js';
import { withinMs } from './until.js';

/** Milliseconds that a test, its hooks and each of its clean-ups may take. */
export const testTimeoutMsDefault = 20_000;

/** How long the process may live after its last test; what keeps it alive longer was left open by a test. */
const openHandlesGraceMs = 3_000;

export interface TestContext {
  readonly name: string;
  /** Registers clean-up. It runs when the test ends, however it ends; the last registered runs first. */
  after(cleanUp: () => unknown): void;
}

export interface TestOptions {
  readonly timeoutMs?: number;
}

export type TestBody = (t: TestContext) => unknown;
export type HookBody = () => unknown;

/** A program that must be on the PATH, or a question that answers with the reason why the test cannot run here. */
export type Need = string | (() => string | undefined | Promise<string | undefined>);

interface Hook {
  (body: HookBody): void;
  each(body: HookBody): void;
}

export interface Suite {
  (name: string, body: TestBody): void;
  (name: string, options: TestOptions, body: TestBody): void;
  /** Like a plain test; where a need is not met it is left out by name, which is a failure under `CI=true`. */
  needs(need: Need | readonly Need[], name: string, body: TestBody): void;
  needs(need: Need | readonly Need[], name: string, options: TestOptions, body: TestBody): void;
  before: Hook;
  after: Hook;
  run(): void;
}

interface SuiteState {
  readonly title: string;
  registered: number;
  running: boolean;
  finished: boolean;
}

const suites: SuiteState[] = [];
const report: FileReport = { total: 0, passed: 0, failures: [], leftOut: [] };

function fail(what: string, error?: unknown): void {
  report.failures.push(what);
  const detail = error instanceof Error ? (error.stack ?? error.message) : error;
  process.stderr.write(`  FAIL  ${what}${detail === undefined ? '' : `\n    ${detail}`}\n`);
}

/** Declares a suite; nothing runs before its `run()`. */
export function suite(title: string, options: TestOptions = {}): Suite {
  const state: SuiteState = { title, registered: 0, running: false, finished: false };
  suites.push(state);
  const uvu = uvuSuite(title);
  const beforeAll: HookBody[] = [];
  const afterAll: HookBody[] = [];
  const beforeEach: HookBody[] = [];
  const afterEach: HookBody[] = [];
  let beforeFailed: Error | undefined;

  function register(needs: readonly Need[], name: string, own: TestOptions | TestBody, body?: TestBody): void {
    const run = (typeof own === 'function' ? own : body) as TestBody;
    const timeoutMs =
      (typeof own === 'function' ? undefined : own.timeoutMs) ?? options.timeoutMs ?? testTimeoutMsDefault;
    state.registered++;
    report.total++;
    uvu(name, async () => {
      try {
        if (beforeFailed !== undefined) throw beforeFailed;
        const reason = await firstUnmet(needs);
        if (reason !== undefined) {
          leaveOut(`${title}: ${name}`, reason);
          return;
        }
        await runOne(name, timeoutMs, run, beforeEach, afterEach);
        report.passed++;
      } catch (error) {
        report.failures.push(`${title}: ${name}`);
        throw asError(error);
      }
    });
  }

  uvu.before(async () => {
    for (const hook of beforeAll) {
      try {
        await withinMs(testTimeoutMsDefault, `the before hook of "${title}"`, hook);
      } catch (error) {
        beforeFailed ??= asError(error);
      }
    }
  });
  uvu.after(async () => {
    for (const hook of afterAll.reverse()) {
      try {
        await withinMs(testTimeoutMsDefault, `the after hook of "${title}"`, hook);
      } catch (error) {
        fail(`${title}: after hook`, error);
      }
    }
    state.finished = true;
    if (suites.every((each) => each.finished || !each.running)) watchForOpenHandles();
  });

  const test = ((name: string, own: TestOptions | TestBody, body?: TestBody) =>
    register([], name, own, body)) as unknown as Suite;
  test.needs = (need: Need | readonly Need[], name: string, own: TestOptions | TestBody, body?: TestBody) =>
    register(typeof need === 'object' ? need : [need as Need], name, own, body);
  test.before = hookInto(beforeAll, beforeEach);
  test.after = hookInto(afterAll, afterEach);
  test.run = () => {
    state.running = true;
    uvu.run();
  };
  return test;
}

function hookInto(all: HookBody[], each: HookBody[]): Hook {
  return Object.assign((body: HookBody) => void all.push(body), { each: (body: HookBody) => void each.push(body) });
}

/** Runs a test between its hooks and cleans up after it. The first thing that went wrong is thrown; all are told. */
async function runOne(
  name: string,
  timeoutMs: number,
  body: TestBody,
  beforeEach: readonly HookBody[],
  afterEach: readonly HookBody[],
): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  const errors: unknown[] = [];
  const attempt = async (what: string, limitMs: number, action: () => unknown) => {
    try {
      await withinMs(limitMs, what, action);
    } catch (error) {
      errors.push(error);
    }
  };
  for (const hook of beforeEach) await attempt('a before.each hook', testTimeoutMsDefault, hook);
  if (errors.length === 0) {
    await attempt(`the test "${name}"`, timeoutMs, () =>
      body({ name, after: (cleanUp) => void cleanUps.push(cleanUp) }),
    );
  }
  for (let cleanUp = cleanUps.pop(); cleanUp !== undefined; cleanUp = cleanUps.pop()) {
    await attempt(`a clean-up of "${name}"`, testTimeoutMsDefault, cleanUp);
  }
  for (const hook of afterEach) await attempt('an after.each hook', testTimeoutMsDefault, hook);
  for (const error of errors.slice(1)) process.stderr.write(`  ALSO  ${name}: ${asError(error).stack}\n`);
  if (errors.length > 0) throw asError(errors[0]);
}

/** uvu reads `name` and `stack` of whatever is thrown and dies where they are missing. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`a value that is no Error was thrown: ${String(thrown)}`);
}

async function firstUnmet(needs: readonly Need[]): Promise<string | undefined> {
  for (const need of needs) {
    const reason = typeof need === 'string' ? await missingProgram(need) : await need();
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Why a program cannot be used, or undefined where it is on the PATH. */
export async function missingProgram(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    try {
      await access(join(folder, program), constants.X_OK);
      return undefined;
    } catch {
      // Not in this folder.
    }
  }
  return `${program} is not installed`;
}

function leaveOut(name: string, reason: string): void {
  report.leftOut.push({ name, reason });
  if (process.env.CI === 'true') report.failures.push(`${name} (left out: ${reason})`);
}

/** Ends a process that its tests keep alive, and says by what. The timer itself keeps nobody alive. */
function watchForOpenHandles(): void {
  setTimeout(() => {
    fail(`left open by the tests of this file: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, openHandlesGraceMs).unref();
}

process.on('exit', (status) => {
  for (const { title, registered, running, finished } of suites) {
    if (!running) fail(`${title}: ${registered} tests were registered, but test.run() was not called`);
    else if (!finished) fail(`${title}: the process ended before the suite did`);
  }
  if (report.total === 0) fail('the file registered no test');
  if (report.failures.length > 0 || report.passed + report.leftOut.length !== report.total) {
    process.exitCode = status === 0 ? 1 : status;
  }
  for (const { name, reason } of report.leftOut) process.stdout.write(`  left out: ${name} (${reason})\n`);
  writeReport(report);
});
