/** A pool for tests: started, with its log kept, and closed when the test ends. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileEngine } from '../../src/engine/index.js';
import { Pool, type PoolOptions } from '../../src/pool/pool.js';
import type { CrewSnapshot, Outcome, Task, TaskHandle } from '../../src/pool/task.js';
import type { Suite, TestContext } from '../support/suite.js';

export const engineModule = await compileEngine();
export const fixtures = new URL('./fixtures/operations.js', import.meta.url).href;

export interface LoggedLine {
  readonly level: string;
  readonly message: string | undefined;
  readonly [field: string]: unknown;
}

/** A log that keeps its lines. */
export function keepLog() {
  const lines: LoggedLine[] = [];
  const at = (level: string) => (fields: object, message?: string) => void lines.push({ ...fields, level, message });
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

/** One pool of two workers for all tests of a suite that leave it as they found it. */
export function sharePool(test: Suite): () => Pool {
  const cleanUps: (() => unknown)[] = [];
  let pool: Pool;
  test.before(async () => {
    const t: TestContext = { name: 'the shared pool', after: (cleanUp) => void cleanUps.push(cleanUp) };
    pool = (await startPool(t, { workers: 2 })).pool;
  });
  test.after(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });
  return () => pool;
}

/** A pool that is not started; one worker and one spare unless told otherwise. */
export function makePool(t: TestContext, options: Partial<PoolOptions> = {}) {
  const { lines, log } = keepLog();
  const pool = new Pool({
    workers: 1,
    queueMax: 100,
    workerMemoryMb: 32,
    operationModules: [fixtures],
    engineModule,
    log,
    ...options,
  });
  t.after(() => pool.close());
  return { pool, lines };
}

export async function startPool(t: TestContext, options: Partial<PoolOptions> = {}) {
  const made = makePool(t, options);
  await made.pool.start();
  return made;
}

export interface Submitted {
  readonly handle: TaskHandle;
  readonly outcome: Promise<Outcome>;
  /** As many as were given: never more than one. */
  readonly outcomes: Outcome[];
}

export function submit(pool: Pool, task: Task): Submitted {
  const outcomes: Outcome[] = [];
  let handle!: TaskHandle;
  const outcome = new Promise<Outcome>((resolve) => {
    handle = pool.submit(task, (given) => {
      outcomes.push(given);
      resolve(given);
    });
  });
  return { handle, outcome, outcomes };
}

export function dataTask(op: string, data: unknown, timeoutMs?: number): Task {
  const payload = data === undefined ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(data));
  return { kind: 'data', op, payload, timeoutMs };
}

export function frameTask(op: string, body: string): Task {
  return { kind: 'frame', op, payload: new TextEncoder().encode(body) };
}

/** The crew that runs users' operations. */
export function usersOf(pool: Pool): CrewSnapshot {
  return pool.snapshot().crews.users!;
}

/** Submits a user's operation. */
export function call(pool: Pool, op: string, data?: unknown, timeoutMs?: number): Submitted {
  return submit(pool, dataTask(op, data, timeoutMs));
}

/** The code of an error; the result of a reply, parsed. */
export async function answerOf(submitted: Submitted): Promise<unknown> {
  const outcome = await submitted.outcome;
  if (outcome.kind === 'error') return outcome.code;
  if (outcome.kind === 'result') return JSON.parse(new TextDecoder().decode(outcome.json));
  return outcome;
}

/** A folder for this test alone. */
export function scratch(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'trama-pool-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    /** A file that operations append to; `lines` are those that are there now. */
    journal: () => {
      const file = join(folder, 'journal');
      writeFileSync(file, '');
      return { file, lines: () => readFileSync(file, 'utf8').split('\n').slice(0, -1) };
    },
    /** Writes a module that can use `defineOperation`, and gives its path. */
    module: (name: string, text: string) => {
      const file = join(folder, name);
      const source = new URL('../../src/ops/define-operation.js', import.meta.url).href;
      writeFileSync(file, `import { defineOperation } from '${source}';\n${text}`);
      return file;
    },
  };
}
