import * as assert from 'uvu/assert';
import { type Service, Services } from '../../src/cli/service.js';
import { suite } from '../support/suite.js';

const test = suite('the services of a process');

/** Services that write down what is done to them. */
function recorded(names: readonly string[], own: Readonly<Record<string, Partial<Service>>> = {}) {
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const list = names.map(
    (name): Service => ({
      name,
      start: async () => note(`start ${name}`),
      drain: async () => {
        note(`drain ${name}`);
        return { cut: 1 };
      },
      close: async () => {
        note(`close ${name}`);
        return true;
      },
      ...own[name],
    }),
  );
  return { services: new Services(list), events };
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: Error) => error.message,
  );

test('they start in order, drain together, and close in reverse order', async () => {
  const { services, events } = recorded(['a', 'b', 'c']);
  await services.start();
  assert.equal(await services.drain(10), { cut: 3 });
  assert.is(await services.close(), true);
  assert.equal(events.join(', '), 'start a, start b, start c, drain a, drain b, drain c, close c, close b, close a');
});

test('a drain reaches all services before any of them is through', async () => {
  let release = () => {};
  const { services, events } = recorded(['a', 'b'], {
    a: { drain: () => new Promise((resolve) => (release = () => resolve({ cut: 0 }))) },
  });
  await services.start();
  const drained = services.drain(10);
  assert.ok(events.includes('drain b'));
  release();
  assert.equal(await drained, { cut: 1 });
});

test('the error of a start closes those that were started, and the one that failed', async () => {
  const { services, events } = recorded(['a', 'b', 'c'], {
    b: { start: () => Promise.reject(new Error('no port')) },
  });
  assert.is(await failure(services.start()), 'no port');
  assert.equal(events, ['start a', 'close b', 'close a']);
});

test('a close in the middle of the start ends it, and happens once', async () => {
  let release = () => {};
  const { services, events } = recorded(['a', 'b'], {
    a: { start: () => new Promise((resolve) => (release = resolve)) },
  });
  const started = services.start();
  const closed = Promise.all([services.close(), services.close()]);
  release();
  await started;
  assert.equal(await closed, [true, true]);
  assert.equal(events, ['close a']);
});

test('a drain in the middle of the start drains what has started, and starts nothing more', async () => {
  let release = () => {};
  const { services, events } = recorded(['a', 'b', 'c'], {
    b: { start: () => new Promise((resolve) => (release = resolve)) },
  });
  const started = services.start();
  assert.is(services.isServing, false);
  await new Promise((resolve) => setImmediate(resolve));
  assert.is(services.isServing, true);
  assert.equal(await services.drain(10), { cut: 1 });
  release();
  await started;
  assert.is(await services.close(), true);
  assert.equal(events, ['start a', 'drain a', 'close b', 'close a']);
});

test('a thread that cannot be ended is told, and a service that fails to close does not keep the others open', async () => {
  const stuck = recorded(['a', 'b'], { b: { close: async () => false } });
  await stuck.services.start();
  assert.is(await stuck.services.close(), false);
  const broken = recorded(['a', 'b'], { b: { close: () => Promise.reject(new Error('broken')) } });
  await broken.services.start();
  assert.is(await failure(broken.services.close()), 'broken');
  assert.ok(broken.events.includes('close a'));
});

test('all are ready when each is, and one that never will be is told', async () => {
  let warm = () => {};
  const slow = recorded(['a', 'b'], { b: { ready: new Promise((resolve) => (warm = resolve)) } });
  await slow.services.start();
  warm();
  await slow.services.ready;
  const never = recorded(['a'], { a: { ready: Promise.reject(new Error('no thread')) } });
  await never.services.start();
  assert.is(await failure(never.services.ready), 'no thread');
});

test.run();
