/** A connection over a channel in memory: what no socket lets one time. */
import * as assert from 'uvu/assert';
import { Engine } from '../../../src/engine/index.js';
import { Connection } from '../../../src/server/connection/connection.js';
import { ConnectionLife } from '../../../src/server/connection/connection-life.js';
import { MemoryChannel } from '../../support/memory-channel.js';
import { suite } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { frame, request } from '../../support/wire.js';
import { engineModule, openConnection } from './open-connection.js';

const test = suite('a connection over memory');

test('answers, ends when its peer does, and is told once that it is closed', () => {
  const { channel, replies, closed, budget } = openConnection();
  channel.feed(request('1', 'sum', '[1,2]'));
  channel.handlers.ended();
  assert.equal([replies()[0].result, channel.isEnded], [3, true]);
  channel.destroy();
  channel.destroy();
  assert.equal([closed(), budget.held], [1, 0]);
});

test('stops reading where its peer does, works on what was read when it goes on, and loses nothing', () => {
  const { channel, replies, budget } = openConnection();
  channel.isStalled = true;
  const one = request('1', 'echo', JSON.stringify('x'.repeat(20_000)));
  for (let count = 0; count < 20 && !channel.isPaused; count++) channel.feed(Buffer.concat([one, one, one]));
  assert.is(channel.isPaused, true);
  assert.ok(budget.held < 400_000, `${budget.held} bytes`);
  const before = replies().length;
  for (let count = 0; count < 100 && channel.isPaused; count++) channel.takeWrite();
  channel.isStalled = false;
  while (channel.takeWrite() > 0);
  assert.is(channel.isPaused, false);
  assert.ok(replies().length > before);
  assert.is(budget.held, 0);
});

test('a peer that takes nothing is cut after its patience, and one that takes something is not', () => {
  for (const takes of [false, true]) {
    const { connection, channel, observer } = openConnection();
    channel.isStalled = true;
    channel.feed(request('1', 'echo', JSON.stringify('x'.repeat(50_000))));
    const nowMs = performance.now();
    connection.sweep(nowMs + 4000, 0);
    if (takes) channel.takeWrite();
    connection.sweep(nowMs + 5500, 0);
    assert.equal([channel.isDestroyed, observer.connectionsEnded.unread], takes ? [false, 0] : [true, 1]);
  }
});

test('a frame is late after its time, but not where the loop stood still', () => {
  const { connection, channel, replies } = openConnection();
  const bytes = request('1', 'sum', '[1]');
  channel.feed(bytes.subarray(0, 10));
  const nowMs = performance.now();
  connection.sweep(nowMs + 5000, 5000);
  channel.feed(bytes.subarray(10));
  assert.is(replies()[0].result, 1);
  channel.feed(bytes.subarray(0, 10));
  connection.sweep(performance.now() + 1001, 0);
  assert.equal([replies()[1].code, channel.isEnded], ['DEADLINE_EXCEEDED', true]);
});

test('after a trap of the engine the connection is closed, and the next one has another engine', () => {
  class Trapping extends Engine {
    override run(): number {
      throw new WebAssembly.RuntimeError('unreachable');
    }
  }
  const { channel, observer, parts, budget } = openConnection([
    () => new Trapping(engineModule),
    () => new Engine(engineModule),
  ]);
  channel.feed(request('1', 'sum', '[1]'));
  assert.equal([channel.isDestroyed, observer.connectionsEnded.internal], [true, 1]);
  assert.equal([channel.taken.length, budget.held], [0, 0]);
  const next = new MemoryChannel((it) => new Connection(it, parts, () => {}));
  next.feed(request('2', 'sum', '[2]'));
  assert.match(String(next.takenBytes), '"result":2.0');
});

test('a defect in whatever answers a frame takes nothing of the budget with it', () => {
  const text = (bytes: number) => JSON.stringify('x'.repeat(bytes));
  const numbers = `[${'1,'.repeat(200_000)}1]`;
  const requests = {
    'a small one that came in pieces': request('1', 'echo', text(30_000)),
    'one that this thread answers when it is whole': request('1', 'echo', text(100_000)),
    'one that is checked as it comes': request('1', 'echo', text(400_000)),
    'one that a worker is to answer': request('1', 'upper', text(400_000)),
    'one that goes to the workers as it comes': request('1', 'sum', numbers),
  };
  for (const [what, bytes] of Object.entries(requests)) {
    class Trapping extends Engine {
      override run(given: Uint8Array, isRefusing?: boolean): number {
        if (given.length === bytes.length) throw new WebAssembly.RuntimeError('unreachable');
        return super.run(given, isRefusing);
      }
      override answerInPlace(): never {
        throw new WebAssembly.RuntimeError('unreachable');
      }
      override answerPart(): never {
        throw new WebAssembly.RuntimeError('unreachable');
      }
    }
    for (const step of [5000, 70_000]) {
      const { connection, channel, observer, budget } = openConnection([() => new Trapping(engineModule)]);
      for (let at = 0; at < bytes.length; at += step) channel.feed(bytes.subarray(at, at + step));
      assert.equal([channel.isDestroyed, observer.connectionsEnded.internal], [true, 1], what);
      assert.equal([budget.held, budget.left, connection.inFlight.size], [0, budget.max, 0], what);
    }
  }
});

test('a trap of the engine at what a timer brings about closes its connection, and nothing else', () => {
  class Trapping extends Engine {
    override peek(): never {
      throw new WebAssembly.RuntimeError('unreachable');
    }
  }
  const { connection, channel, observer, budget, parts } = openConnection([() => new Trapping(engineModule)]);
  channel.feed(request('1', 'sum', '[1]').subarray(0, 10));
  connection.sweep(performance.now() + 1001, 0);
  assert.equal([channel.isDestroyed, observer.connectionsEnded.internal, budget.held], [true, 1, 0]);
  const next = new MemoryChannel((it) => new Connection(it, parts, () => {}));
  next.feed(request('2', 'sum', '[2]').subarray(0, 10));
  next.handlers.ended();
  assert.ok(next.isEnded && !(parts.engine() instanceof Trapping));
});

test('so does any defect there, whichever timer it is', async () => {
  const large = frame(`{"id":"1","op":"echo","timeoutMs":1,"data":"${'x'.repeat(400_000)}"}`);
  type Opened = ReturnType<typeof openConnection>;
  const ways: Record<string, (opened: Opened) => void> = {
    'a sweep': ({ connection, channel }) => {
      channel.feed(request('1', 'sum', '[1]').subarray(0, 10));
      connection.sweep(performance.now() + 1001, 0);
    },
    'a drain': ({ connection }) => {
      for (let look = 0; look < 3; look++) connection.drain(true, 0);
    },
    'a drain that is told': ({ connection, channel }) => {
      channel.feed(request('1', '$draining'));
      connection.tellDraining();
    },
    'rights that are lost': ({ connection }) => connection.revoke(),
    'a late answer to a wrong token': ({ channel }) => channel.feed(request('1', '$auth', '{"token":"wrong"}')),
    'the end of the time of a frame that is held': ({ channel }) => channel.feed(large.subarray(0, 300_000)),
  };
  for (const [what, bringAbout] of Object.entries(ways)) {
    const opened = openConnection();
    const { channel, observer, budget } = opened;
    for (const method of ['write', 'end'] as const) {
      channel[method] = () => {
        throw new Error('a defect');
      };
    }
    bringAbout(opened);
    await until(`${what} has ended the connection`, () => channel.isDestroyed);
    assert.equal([observer.connectionsEnded.internal, budget.held], [1, 0], what);
  }
});

test('the life of a connection goes only where its table lets it', () => {
  const life = new ConnectionLife();
  assert.equal([life.takesFrames, life.takesReplies], [true, true]);
  assert.is(life.move('drain'), true);
  assert.equal([life.state, life.move('drain'), life.takesFrames], ['refusing', false, true]);
  assert.is(life.move('fault'), true);
  assert.equal([life.state, life.takesFrames, life.takesReplies], ['deaf', false, true]);
  assert.is(life.move('end'), true);
  assert.equal(
    [life.move('fault'), life.takesReplies, life.move('close'), life.move('end')],
    [false, false, true, false],
  );
});

test.run();
