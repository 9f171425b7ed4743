import { connect, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { Acceptor, type AcceptorOptions, type Arrival } from '../../../src/server/channel/acceptor.js';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { openWire, request } from '../../support/wire.js';
import { openBurst, openServer } from '../support.js';

const test = suite('acceptor');

async function openAcceptor(t: TestContext, options: Partial<AcceptorOptions> = {}) {
  const accepted: Socket[] = [];
  const failures: Error[] = [];
  const acceptor = new Acceptor({
    port: 0,
    host: '127.0.0.1',
    listeners: 16,
    turnedAwayMax: 256,
    refusal: () => undefined,
    addressRefusal: () => undefined,
    turnedAway: () => {},
    accepted: ({ socket }) => void accepted.push(socket),
    failed: (error) => failures.push(error),
    ...options,
  });
  await acceptor.listen();
  t.after(() => {
    acceptor.close();
    for (const socket of accepted) socket.destroy();
  });
  return { acceptor, accepted, failures };
}

async function openSocket(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  t.after(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

test('connections that the kernel has taken when the listener stops are accepted, and none later', async (t) => {
  const { acceptor, accepted } = await openAcceptor(t);
  const { port } = acceptor;
  for (let round = 0; round < 20; round++) {
    const sockets = Array.from({ length: 20 }, () => connect({ port, host: '127.0.0.1' }));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    if (round === 19) await acceptor.stop();
    await until('all are accepted', () => accepted.length === 20 * (round + 1));
  }
  const late = connect({ port, host: '127.0.0.1' });
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => late.once('error', resolve));
  assert.is(error.code, 'ECONNREFUSED');
});

test('a port that another server has, on any Node, is told at once', async (t) => {
  const { acceptor } = await openAcceptor(t);
  const second = new Acceptor({
    port: acceptor.port,
    host: '127.0.0.1',
    turnedAwayMax: 256,
    refusal: () => undefined,
    addressRefusal: () => undefined,
    turnedAway: () => {},
    accepted: () => undefined,
    failed: () => {},
  });
  try {
    await second.listen();
    assert.unreachable('two servers have one port');
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  }
});

test('a listener stops though clients go on connecting', async (t) => {
  const { acceptor, accepted } = await openAcceptor(t);
  const { port } = acceptor;
  let isOver = false;
  const go = () => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.on('connect', () => {
      if (!isOver) go();
      socket.destroy();
    });
  };
  for (let count = 0; count < 10; count++) go();
  await until('some are accepted', () => accepted.length > 20);
  await acceptor.stop();
  isOver = true;
});

test('a burst of clients at the moment of a drain gets all its replies, and no reset', async (t) => {
  for (let round = 0; round < 10; round++) {
    const server = await openServer(t);
    const requests = Buffer.concat(Array.from({ length: 50 }, (_, index) => request(`${index}`, 'sum', '[1]')));
    const burst = await openBurst(t, server.port, 20, requests);
    const drained = server.drain(10_000);
    const replies = await burst.replies();
    assert.equal(await drained, { cut: 0 });
    assert.is(burst.resets(), 0);
    for (const text of replies) assert.is(text.split('"ok":true,"result":1.0').length - 1, 50);
  }
});

test('a connection that is one too many is told so and closed, though it drips', async (t) => {
  const server = await openServer(t, { maxConnections: 1 });
  await openWire(t, server.port);
  const extra = await Promise.all(Array.from({ length: 10 }, () => openSocket(t, server.port)));
  const drip = setInterval(() => {
    for (const socket of extra) socket.write(' ');
  }, 100);
  t.after(() => clearInterval(drip));
  let closed = 0;
  for (const socket of extra) socket.resume().on('close', () => closed++);
  await until('all are closed', () => closed === 10 && server.view.snapshot().connectionsTurningAway === 0);
  assert.is(server.view.snapshot().connectionsEnded.connection_limit, 10);
});

test('a crowd that is too many takes no more than a bounded number of places', async (t) => {
  const { acceptor } = await openAcceptor(t, {
    refusal: () => ({ reason: 'connection_limit', frame: Buffer.from('full') }),
  });
  const sockets = await Promise.all(Array.from({ length: 400 }, () => openSocket(t, acceptor.port)));
  assert.ok(acceptor.turningAway <= 256, `${acceptor.turningAway} are being turned away`);
  for (const socket of sockets) socket.resume();
  await until('none is left', () => acceptor.turningAway === 0);
});

test('limits see the address that steps have found out, and how many sockets are in their steps', async (t) => {
  const asked: [string | undefined, number][] = [];
  const told: string[] = [];
  let letGo!: () => void;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let steps = 0;
  const { acceptor, accepted } = await openAcceptor(t, {
    steps: [
      async (arrival) => {
        await gate;
        return { ...arrival, address: { remoteAddress: `192.0.2.${++steps}` } };
      },
    ],
    refusal: ({ remoteAddress }) => {
      asked.push([remoteAddress, acceptor.arriving]);
      return undefined;
    },
    addressRefusal: ({ remoteAddress }) =>
      remoteAddress === '192.0.2.2' ? { reason: 'address_limit', frame: Buffer.from('full') } : undefined,
    turnedAway: ({ remoteAddress }, reason) => told.push(`${remoteAddress} ${reason}`),
  });
  for (let count = 0; count < 3; count++) {
    await openSocket(t, acceptor.port);
    await until('it is in its step', () => asked.length === count + 1);
  }
  letGo();
  await until('two are through', () => accepted.length === 2);
  assert.equal(asked, [
    ['127.0.0.1', 0],
    ['127.0.0.1', 1],
    ['127.0.0.1', 2],
  ]);
  assert.equal([told, acceptor.turningAway], [['192.0.2.2 address_limit'], 1]);
});

test('steps stand between a socket and its connection, in their order', async (t) => {
  const order: string[] = [];
  const { acceptor, accepted } = await openAcceptor(t, {
    steps: [
      async (arrival) => {
        order.push('first');
        return arrival;
      },
      async (arrival) => {
        order.push('second');
        return arrival;
      },
    ],
  });
  await openSocket(t, acceptor.port);
  await until('it is through', () => accepted.length === 1);
  assert.equal(order, ['first', 'second']);
});

test('a defect at a connection that is through costs this one only', async (t) => {
  for (const steps of [undefined, [async (arrival: Arrival) => arrival]]) {
    const sockets: Socket[] = [];
    const { acceptor, failures } = await openAcceptor(t, {
      ...(steps === undefined ? {} : { steps }),
      accepted: ({ socket }) => {
        sockets.push(socket);
        if (sockets.length === 1) throw new Error('a defect');
        return undefined;
      },
    });
    const first = await openSocket(t, acceptor.port);
    await new Promise((resolve) => first.once('close', resolve).resume());
    assert.equal(
      failures.map(({ message }) => message),
      ['a defect'],
    );
    await openSocket(t, acceptor.port);
    await until('the next one is through', () => sockets.length === 2);
    sockets[1]!.destroy();
  }
});

test('a step that refuses, fails or never ends closes the socket, the last within an absolute time', async (t) => {
  const steps = [async () => undefined, () => Promise.reject(new Error('no')), () => new Promise<undefined>(() => {})];
  for (const step of steps) {
    const { acceptor, accepted, failures } = await openAcceptor(t, { steps: [step] });
    const socket = await openSocket(t, acceptor.port);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const drip = setInterval(() => socket.write('x'), 100);
    socket.resume();
    await closed;
    clearInterval(drip);
    assert.equal([accepted.length, failures.length], [0, step === steps[1] ? 1 : 0]);
  }
});

test.run();
