import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { type LoadOfSecond, LoadWatch, Overload } from '../../src/server/overload.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { openWire, request } from '../support/wire.js';
import { fixtures, openServer, untilRunning } from './support.js';

const test = suite('overload');

const calm: LoadOfSecond = { heldRatio: 0, requestsRatio: 0, delayMs: 5 };

/** An overload watched by a log whose lines are kept. */
function watched(delayMs = 100) {
  const lines: { level: number; stage: number; sign?: string }[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const overload = new Overload(delayMs, log);
  const after = (...loads: Partial<LoadOfSecond>[]) => {
    for (const load of loads) overload.note({ ...calm, ...load });
    return overload.stage;
  };
  return { overload, lines, after };
}

test('each sign leads through both stages, one a second, and each change is one line', () => {
  const signs: [keyof LoadOfSecond, number, number][] = [
    ['heldRatio', 31 / 32, 63 / 64],
    ['requestsRatio', 7 / 8, 31 / 32],
    ['delayMs', 100, 400],
  ];
  for (const [sign, shed, refuse] of signs) {
    const { after, lines } = watched();
    assert.is(after({ [sign]: shed * 0.999 }), 0, sign);
    assert.is(after({ [sign]: shed }), 1, sign);
    assert.is(after({ [sign]: refuse * 0.999 }), 1, sign);
    assert.is(after({ [sign]: refuse }, { [sign]: 10 * refuse }), 2, sign);
    assert.equal(
      lines.map(({ stage, sign: told, level }) => [stage, told, level]),
      [
        [1, sign, 40],
        [2, sign, 40],
      ],
    );
  }
});

test('a stage is left one by one after two calm seconds, and not where the load is only a little less', () => {
  const { after, lines } = watched();
  after({ delayMs: 500 }, { delayMs: 500 });
  assert.is(after({ delayMs: 60 }, { delayMs: 60 }, { delayMs: 60 }), 2);
  assert.is(after({}), 2);
  assert.is(after({ delayMs: 60 }, {}), 2);
  assert.is(after({}), 1);
  assert.is(after({}), 1);
  assert.is(after({}), 0);
  assert.equal(
    lines.map(({ stage }) => stage),
    [1, 2, 1, 0],
  );
});

test('where no delay is set, none of any length is a sign', () => {
  assert.is(watched(0).after({ delayMs: 1e6 }, { delayMs: 1e6 }), 0);
});

test('a second is known by the least of what was seen in it: a burst is none, a loop that is slow all the time is', async (t) => {
  const seconds: LoadOfSecond[] = [];
  let looks = 0;
  const watch = new LoadWatch(
    () => ({ heldRatio: looks++ % 5 === 0 ? 0.25 : 1, requestsRatio: 0.5 }),
    (load) => seconds.push(load),
  );
  t.after(() => watch.close());
  await until('a second has passed', () => seconds.length === 1);
  assert.equal({ ...seconds[0], delayMs: 0 }, { heldRatio: 0.25, requestsRatio: 0.5, delayMs: 0 });
  // Every turn of this process's loop takes 200 ms from now on.
  let isOver = false;
  t.after(() => {
    isOver = true;
  });
  const block = () => {
    const startMs = performance.now();
    while (performance.now() - startMs < 200);
    if (!isOver) setImmediate(block);
  };
  block();
  await until('the loop is known to be slow', () => seconds.at(-1)!.delayMs >= 100, { timeoutMs: 15_000 });
  isOver = true;
});

test('a server whose requests are nearly used up sheds who has work under way, then refuses newcomers, and recovers', async (t) => {
  const server = await openServer(t, { operationModules: [fixtures], maxTotalRequests: 32, overloadDelayMs: 0 });
  await server.ready;
  const stage = () => server.view.snapshot().overloadStage;
  const busy = await openWire(t, server.port);
  await busy.send(...Array.from({ length: 29 }, (_, index) => request(`${index}`, 'wait', '{"ms":600000}')));
  await untilRunning(server, 'wait');
  await until('work is shed', () => stage() === 1);
  await busy.send(request('shed', 'double', '1'));
  const shed = await busy.reply();
  assert.equal([shed.id, shed.code, shed.retryAfterMs], ['shed', 'OVERLOADED', 2000]);
  assert.is(server.view.snapshot().requestsRefused.overload, 1);
  const modest = await openWire(t, server.port);
  await modest.send(request('small', 'sum', '[1]'), request('first', 'wait', '{"ms":600000}'));
  assert.is((await modest.reply()).id, 'small');
  const others = [await openWire(t, server.port), await openWire(t, server.port)];
  for (const other of others) await other.send(request('first', 'wait', '{"ms":600000}'));
  await until('newcomers are refused', () => stage() === 2);
  const late = await openWire(t, server.port);
  const refusal = await late.reply();
  assert.equal([refusal.code, refusal.retryAfterMs], ['OVERLOADED', 2000]);
  assert.equal(await late.closed(), []);
  assert.is(server.view.snapshot().connectionsEnded.overload, 1);
  // Those that are there are served as before.
  await modest.send(request('small', 'sum', '[2]'));
  assert.is((await modest.reply()).result, 2);
  busy.socket.resetAndDestroy();
  await until('the server has recovered', () => stage() === 0, { timeoutMs: 15_000 });
  const welcome = await openWire(t, server.port);
  await welcome.send(request('1', 'sum', '[1]'));
  assert.is((await welcome.reply()).result, 1);
});

test.run();
