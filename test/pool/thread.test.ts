import * as assert from 'uvu/assert';
import { emptyRecord } from '../../src/pool/module-record.js';
import { Thread, type ThreadOwner } from '../../src/pool/thread.js';
import { suite } from '../support/suite.js';
import { dataTask, engineModule, fixtures } from './support.js';

const test = suite('pool: thread');

/** A thread that is ready, with whoever keeps it. */
async function startThread(t: { after(cleanUp: () => unknown): void }) {
  let owner!: ThreadOwner<string>;
  const events: string[] = [];
  const ready = new Promise<void>((resolve) => {
    owner = {
      ready: () => resolve(),
      done: () => void events.push('done'),
      unbegun: () => void events.push('unbegun'),
      ending: () => void events.push('ending'),
      dead: (_thread, death) => void events.push(`dead with ${death.work}`),
      log: () => {},
    };
  });
  const setup = {
    engineModule,
    partMemory: new SharedArrayBuffer(0),
    operationModules: [fixtures],
    checkSources: new Map(),
    resultBytesMax: 1000,
    logLevels: [],
  };
  const thread = new Thread<string>({
    name: 'under-test',
    setup,
    record: emptyRecord(),
    isRecording: true,
    memoryMb: 64,
    startTimeoutMs: 10_000,
    teardownTimeoutMs: 10_000,
    owner,
  });
  t.after(() => thread.end('the test is over'));
  await ready;
  return { thread, events };
}

test('a task may be ended while its thread is being ended for a reason of its own', async (t) => {
  const { thread, events } = await startThread(t);
  thread.begin(dataTask('spin', {}), 'work');
  const gone = thread.end('it needs too much memory');
  thread.stop('CANCELLED', 'not wanted', 10, true);
  await gone;
  thread.stop('CANCELLED', 'not wanted', 10, true);
  assert.equal(events, ['ending', 'dead with work']);
});

test.run();
