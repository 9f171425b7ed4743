import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from './suite.js';
import { until } from './until.js';

/**
 * Holds worker threads of this process in a loop, whatever they do otherwise: the inspector has each of them run it.
 * @param name what the threads' names begin with
 * @returns lets them go on
 */
export async function holdThreads(t: Pick<TestContext, 'after'>, name: string): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'trama-hold-'));
  const file = join(folder, 'held');
  writeFileSync(file, '');
  const session = new Session();
  const free = () => rmSync(folder, { recursive: true, force: true });
  t.after(() => {
    free();
    session.disconnect();
  });
  const sessions: string[] = [];
  session.connect();
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    if (params.workerInfo.title.includes(`] ${name}`)) sessions.push(params.sessionId);
  });
  await new Promise<void>((resolve) => {
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => resolve());
  });
  await until(`there is a thread ${name}`, () => sessions.length > 0);
  const held = (index: number) => `${file}-${index}`;
  for (const [index, sessionId] of sessions.entries()) {
    const fs = "process.getBuiltinModule('node:fs')";
    const loop = `${fs}.writeFileSync('${held(index)}', ''); while (${fs}.existsSync('${file}'));`;
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: loop } });
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  }
  await until('they are held', () => sessions.every((_, index) => existsSync(held(index))));
  return free;
}
