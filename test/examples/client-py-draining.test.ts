/** What the Python client does when its server is about to end. */
import * as assert from 'uvu/assert';
import { openPeer, type PeerRequest, slowOpsPath } from '../client/support.js';
import { startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { openSwallowingProxy } from '../support/swallowing-proxy.js';
import { until } from '../support/until.js';
import { script } from './python.js';

const test = suite('examples/client.py: servers that drain');

const ok = ({ id, data }: PeerRequest) => ({ id, ok: true, result: data ?? null });
const told = { id: '$draining', ok: true, result: { draining: true } };
const refused = ({ id }: PeerRequest) => ({ id, ok: false, error: 'the server drains', code: 'SHUTTING_DOWN' });

/** Lines of Python that wait until the client has something to read. */
const heard = 'select.select([trama._main._socket], [], [])';

test.needs('python3', 'a client that is told goes to another connection and ends the old one in order', async (t) => {
  const ends: string[] = [];
  const seen: string[] = [];
  const peer = await openPeer(
    t,
    (request, connection) => {
      const index = peer.connections.indexOf(connection);
      seen.push(`${index} ${request.op}`);
      if (request.op === '$draining') return;
      connection.send(ok(request));
      // With the reply, so that the client has heard both before its next call.
      if (request.data === 'last') connection.send(told);
    },
    {
      upkeep: true,
      onConnection: ({ socket }) => {
        socket.on('end', () => ends.push('end'));
        socket.on('error', () => ends.push('error'));
      },
    },
  );
  const lines = `
    print(trama.call("work", "first"), trama.call("work", "last"))
    ${heard}
    print(trama.call_many([("work", n) for n in range(300)]) == list(range(300)), trama.call("work", "third"))`;
  assert.equal(await script(peer.port, lines, 'import select'), ['first last', 'True third']);
  await until('both connections are ended', () => ends.length === 2);
  assert.equal(ends, ['end', 'end']);
  assert.equal(seen.slice(0, 6), ['0 $draining', '0 work', '0 work', '1 $draining', '1 $ping', '1 work']);
  assert.ok(seen.slice(6).every((each) => each === '1 work'));
});

test.needs('python3', 'while no other can be had, the client stays, and does not ask at each call', async (t) => {
  const peer = await openPeer(
    t,
    (request, { send }) => {
      if (request.op === '$draining') send(told);
      else send(ok(request));
    },
    { upkeep: true },
  );
  const lines = `
    print([trama.call("work", n) for n in range(20)] == list(range(20)))`;
  assert.equal(await script(peer.port, lines), ['True']);
  assert.equal(peer.requests.filter(({ op }) => op === 'work').length, 20, 'each call runs once');
  assert.ok(peer.connections.length > 1 && peer.connections.length < 10, `${peer.connections.length} connections`);
});

test.needs('python3', 'what a draining server refuses is sent again elsewhere, and all else is not', async (t) => {
  const work: string[] = [];
  const peer = await openPeer(t, (request, connection) => {
    const index = peer.connections.indexOf(connection);
    if (request.op !== 'work') return connection.send(ok(request));
    work.push(`${index} ${request.data}`);
    connection.send(index === 0 && request.data !== 1 ? refused(request) : ok(request));
  });
  const lines = `
    print(trama.call_many([("work", n) for n in range(3)]))`;
  assert.equal(await script(peer.port, lines), ['[0, 1, 2]']);
  assert.equal(work, ['0 0', '0 1', '0 2', '1 0', '1 2']);
});

test.needs('python3', 'where all refuse, the caller is told so, after a bounded number of attempts', async (t) => {
  const peer = await openPeer(t, (request, { send }) => send(request.op === 'work' ? refused(request) : ok(request)));
  const lines = `
    try:
        trama.call("work", timeout=None)
    except TramaError as error:
        print(error.code, error.retryable)`;
  assert.equal(await script(peer.port, lines), ['SHUTTING_DOWN True']);
  assert.is(peer.connections.length, 17);
});

test.needs('python3', 'a connection whose end was announced is not used any more', async (t) => {
  const peer = await openPeer(
    t,
    (request, { send, socket }) => {
      if (request.op === '$draining') return;
      send(ok(request));
      send({ id: '$draining', ok: true, result: { draining: false } });
      socket.end();
    },
    { upkeep: true },
  );
  const lines = `
    for n in range(3):
        print(trama.call("work", n))
        ${heard}`;
  assert.equal(await script(peer.port, lines, 'import select'), ['0', '1', '2']);
  assert.is(peer.connections.length, 3);
});

test.needs('python3', 'a server that does not know the question is as good as any', async (t) => {
  const peer = await openPeer(
    t,
    (request, { send }) => {
      if (request.op === 'work') send(ok(request));
      else send({ id: request.id, ok: false, error: 'no such operation', code: 'UNKNOWN_OP' });
    },
    { upkeep: true },
  );
  const lines = `
    print([trama.call("work", n) for n in range(3)])`;
  assert.equal(await script(peer.port, lines), ['[0, 1, 2]']);
  assert.is(peer.connections.length, 1);
});

test.needs('python3', 'a real server that drains costs no call where another takes its place', async (t) => {
  const args = ['--ops', slowOpsPath, '--workers', '1'];
  const first = await startServer(t, args);
  const second = await startServer(t, args);
  // As behind a balancer: what is connected stays where it is.
  let newcomersGoTo = first;
  const { port } = await openSwallowingProxy(t, () => newcomersGoTo.port);
  const lines = `
    main = trama._main
    calls = 0
    while trama._main is main:
        trama.call("wait", 5)
        calls += 1
    print(calls > 1, trama.call("wait", 5))`;
  const printed = script(port, lines);
  await until('calls are under way', async () => {
    const metrics = await fetch(`http://127.0.0.1:${first.httpPort}/metrics`);
    return /^trama_frames_total\{op="wait",outcome="ok".*\} [1-9]/m.test(await metrics.text());
  });
  newcomersGoTo = second;
  assert.is(await first.stop(), 0);
  assert.equal(await printed, ['True waited']);
});

test.run();
