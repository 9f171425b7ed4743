import * as assert from 'uvu/assert';
import { ReplyError } from '../../src/client/index.js';
import { clientSettings } from '../../src/client/options.js';
import { runProgram } from '../cli/run-cli.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { fastClock, openClient, openPeer, rejection, serverFor, slowOpsPath } from './support.js';

const test = suite('client: time limits of calls');
const server = serverFor(test, ['--ops', slowOpsPath, '--workers', '2']);

const bytes = (json: string): Uint8Array => Buffer.from(json);

test('calls have 30 s and streams a minute of silence, unless the client says otherwise; 0 is none', () => {
  const limits = (options: object) => {
    const { timeoutMs, sharedLimitMs, idleTimeoutMs } = clientSettings({ replyGraceMs: 500, ...options });
    return [timeoutMs, sharedLimitMs, idleTimeoutMs];
  };
  assert.equal(limits({}), [undefined, 30_000, 60_000]);
  assert.equal(limits({ timeoutMs: 5, idleTimeoutMs: 7 }), [5, 505, 7]);
  assert.equal(limits({ timeoutMs: 0, idleTimeoutMs: 0 }), [undefined, undefined, undefined]);
  assert.throws(() => limits({ idleTimeoutMs: -1 }), /idleTimeoutMs must be a number/);
});

test('a limit that the caller sets goes to the server, the default does not', async (t) => {
  const peer = await openPeer(t, ({ id }, { send }) => send({ id, ok: true, result: 1 }));
  const byDefault = await openClient(t, { port: peer.port });
  await byDefault.call('echo', 1);
  await byDefault.call('echo', 1, { timeoutMs: 7000 });
  await byDefault.callStream('echo', [bytes('1')], 1);
  const limited = await openClient(t, { port: peer.port, timeoutMs: 5000 });
  await limited.call('echo', 1);
  await limited.call('echo', 1, { timeoutMs: 0 });
  await limited.callStream('echo', [bytes('1')], 1);
  const told = peer.requests.map(({ timeoutMs }) => timeoutMs);
  assert.equal(told, [undefined, 7000, undefined, 5000, undefined, undefined]);
});

test('a call that takes longer than the default rejects and is cancelled, and the connection stays', async (t) => {
  const peer = await openPeer(t, ({ id, op }, { send }) => {
    if (op !== 'never') send({ id, ok: true, result: op });
  });
  const script = `
    import { connect } from '${new URL('../../src/client/index.js', import.meta.url).href}';
    const client = await connect({ port: ${peer.port}, connectTimeoutMs: 9e6 });
    const lost = [1, 2].map((n) => client.call('never', n).catch((error) => error));
    const [first, second] = await Promise.all(lost);
    console.log(JSON.stringify([first.code, first.message, second.message, await client.call('next')]));
    await client.close();`;
  const run = await runProgram(process.execPath, ['--import', fastClock(100), '--input-type=module', '-e', script]);
  assert.equal([run.status, run.stderr], [0, '']);
  const message = 'No reply to never came within 30000 ms, the default of timeoutMs.';
  assert.equal(JSON.parse(run.stdout), ['DEADLINE_EXCEEDED', message, message, 'next']);
  const [first, second, ...later] = peer.requests;
  assert.equal(
    later.map(({ op, data }) => [op, data]),
    [
      ['$cancel', { id: first!.id }],
      ['$cancel', { id: second!.id }],
      ['next', undefined],
    ],
  );
});

test('an operation’s own limit holds where the caller sets none', async (t) => {
  const client = await openClient(t, { port: server().port });
  const error = await rejection(client.call('brief', null));
  assert.instance(error, ReplyError);
  assert.match(error.message, /`brief` was not done after 30 ms/);
});

test('where no reply comes all calls with the client’s limit run out, each at its time, and later ones too', async (t) => {
  const peer = await openPeer(t, ({ id, data }, { send }) => {
    if (data === 'answered') send({ id, ok: true, result: 'in time' });
  });
  const client = await openClient(t, { port: peer.port, timeoutMs: 60, replyGraceMs: 1, inFlightMax: 4 });
  const runOut = async () => {
    // The last two wait in the client.
    const lost = Array.from({ length: 6 }, () => rejection(client.call('echo', 'lost')));
    for (const error of await Promise.all(lost)) {
      assert.not.instance(error, ReplyError);
      assert.is(error.message, 'No reply to echo came within 60 ms.');
    }
  };
  await runOut();
  await until('the client has another connection', () => peer.connections.length > 1);
  assert.is(await client.call('echo', 'answered', { timeoutMs: 3_600_000 }), 'in time');
  await runOut();
  assert.is(client.waiting, 0);
});

test('a limit of the call beats the client’s, also a longer one and none', async (t) => {
  const late: (() => void)[] = [];
  const peer = await openPeer(t, ({ id, data }, { send }) => {
    if (data === 'late') late.push(() => send({ id, ok: true, result: 'late' }));
  });
  const client = await openClient(t, { port: peer.port, timeoutMs: 20, replyGraceMs: 1, inFlightMax: 100 });
  const longer = client.call('echo', 'late', { timeoutMs: 3_600_000 });
  const none = client.call('echo', 'late', { timeoutMs: 0 });
  await rejection(client.call('echo', 'never'));
  await until('both have come', () => late.length === 2);
  for (const answer of late) answer();
  assert.equal(await Promise.all([longer, none]), ['late', 'late']);
});

test('a client that is closed has no timer left, which would keep its process alive', async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const client = await openClient(t, { port: server().port });
  await Promise.all(Array.from({ length: 100 }, (_, n) => client.call('echo', n)));
  await client.callStream('echo', [bytes('1')], 1);
  assert.ok(timers() > before);
  await client.close();
  assert.is(timers(), before);
});

test('a stream that the server does not take is given up after the idle limit', async (t) => {
  const peer = await openPeer(t, () => {}, { onConnection: ({ socket }) => socket.pause() });
  const client = await openClient(t, { port: peer.port, idleTimeoutMs: 60 });
  const block = Buffer.alloc(1024 * 1024, '1');
  function* endless() {
    while (true) yield block;
  }
  const error = await rejection(client.callStream('sum', endless(), 2 ** 30));
  const message = `127.0.0.1:${peer.port} has neither taken data for sum nor answered for 60 ms, which is the idle limit.`;
  assert.equal([error.code, error.message], ['DEADLINE_EXCEEDED', message]);
});

test('one large chunk that the server takes slowly goes on, though it takes longer than the idle limit', async (t) => {
  const idleTimeoutMs = 3000;
  // More than the buffers of the two kernels hold, which tell of progress by the megabyte.
  const chunk = Buffer.alloc(32 * 1024 * 1024, ' ');
  const peer = await openPeer(t, () => {}, {
    onConnection({ socket, send }) {
      let id: string | undefined;
      let receivedBytes = 0;
      const beganMs = performance.now();
      socket.removeAllListeners('data').on('data', (bytes) => {
        id ??= /"id":"([^"]*)"/.exec(bytes.toString('latin1', 0, 200))![1]!;
        receivedBytes += bytes.length;
        // As many bytes as time has passed, so that the last one is taken after the limit, and no more slowly on a busy machine.
        const dueMs = beganMs + 1.2 * idleTimeoutMs * (receivedBytes / chunk.length);
        if (receivedBytes > chunk.length) send({ id, ok: true, result: 'taken' });
        else if (dueMs > performance.now()) {
          socket.pause();
          setTimeout(() => socket.resume(), dueMs - performance.now());
        }
      });
    },
  });
  const client = await openClient(t, { port: peer.port, idleTimeoutMs });
  assert.is(await client.callStream('echo', [chunk], chunk.length), 'taken');
});

test('a stream that is sent and not answered is given up after the idle limit', async (t) => {
  const peer = await openPeer(t, () => {});
  const client = await openClient(t, { port: peer.port, idleTimeoutMs: 40 });
  const error = await rejection(client.callStream('sum', [bytes('[1]')], 3));
  assert.equal([error.code, peer.requests.length], ['DEADLINE_EXCEEDED', 1]);
  await until('its connection is gone', () => peer.connections[1]!.socket.destroyed);
});

test('a stream whose source has nothing for longer than the idle limit goes on', async (t) => {
  const peer = await openPeer(t, ({ id, data }, { send }) => send({ id, ok: true, result: data }));
  const client = await openClient(t, { port: peer.port, idleTimeoutMs: 200 });
  async function* slow() {
    yield bytes('[1,');
    await new Promise((resolve) => setTimeout(resolve, 500));
    yield bytes('2]');
  }
  assert.equal(await client.callStream('echo', slow(), 5), [1, 2]);
});

test('a stream whose reply comes piece by piece goes on, though it takes longer than the idle limit', async (t) => {
  const peer = await openPeer(t, ({ id }, { socket }) => {
    const reply = Buffer.from(JSON.stringify({ id, ok: true, result: 'x'.repeat(20) }));
    const frame = Buffer.concat([Buffer.of(0, 0, 0, reply.length), reply]);
    let sent = 0;
    const next = () => {
      if (socket.destroyed || sent === frame.length) return;
      socket.write(frame.subarray(sent, ++sent));
      setTimeout(next, 15);
    };
    next();
  });
  const client = await openClient(t, { port: peer.port, idleTimeoutMs: 400 });
  assert.is(await client.callStream('echo', [bytes('1')], 1), 'x'.repeat(20));
});

test('a stream with a limit of its own has no idle limit', async (t) => {
  const late: (() => void)[] = [];
  const peer = await openPeer(t, ({ id }, { send }) => late.push(() => send({ id, ok: true, result: 1 })));
  const client = await openClient(t, { port: peer.port, idleTimeoutMs: 1 });
  const calls = [3_600_000, 0].map((timeoutMs) => client.callStream('echo', [bytes('1')], 1, { timeoutMs }));
  await until('both have come', () => late.length === 2);
  await rejection(client.callStream('echo', [bytes('1')], 1));
  for (const answer of late) answer();
  assert.equal(await Promise.all(calls), [1, 1]);
});

test('the server stops the work for a stream that was given up, though it was sent whole', async (t) => {
  const client = await openClient(t, { port: server().port, idleTimeoutMs: 100 });
  // Both threads of the server: were one still at work, the last two calls would wait for an hour.
  for (let round = 0; round < 2; round++) {
    const calls = [1, 2].map(() => rejection(client.callStream('wait', [bytes('3600000')], 7)));
    for (const error of await Promise.all(calls)) assert.is(error.code, 'DEADLINE_EXCEEDED');
  }
  assert.equal(await Promise.all([1, 2].map(() => client.call('wait', 1))), ['waited', 'waited']);
});

test.run();
