import * as assert from 'uvu/assert';
import { newToken } from '../../../src/server/access/token.js';
import { suite, type TestContext } from '../../support/suite.js';
import { until } from '../../support/until.js';
import { frame, openWire, request } from '../../support/wire.js';
import { fixtures, numbers, openServer, untilIdle, untilRunning } from '../support.js';
import { authRequest, type Limits, openAs, tokenFile } from './support.js';

const test = suite('peers that say who they are');

async function openRequired(t: TestContext, limits: Limits = { app: {} }, more: object = {}) {
  const file = tokenFile(t, limits);
  const server = await openServer(t, { auth: 'required', tokensFile: file.path, ...more });
  return {
    file,
    server,
    wire: () => openWire(t, server.port),
    as: (name: string) => openAs(t, server.port, name, file),
  };
}

const codes = (bodies: readonly Buffer[]) => bodies.map((body) => JSON.parse(String(body)).code ?? 'ok');

test('a request before $auth is UNAUTHENTICATED, whatever it is for, and the connection closes', async (t) => {
  const { server, wire } = await openRequired(t, {}, { operationModules: [fixtures] });
  const requests = ['echo', 'upper', 'sum', '$ping', '$ops', '$cancel', 'double', 'nothing'].map((op) =>
    request('1', op, '[1]'),
  );
  for (const bytes of requests) {
    const peer = await wire();
    await peer.send(Buffer.concat([bytes, bytes, bytes]));
    assert.equal(codes(await peer.closed()), ['UNAUTHENTICATED']);
  }
  assert.is(server.view.snapshot().connectionsEnded.unauthenticated, requests.length);
  await untilIdle(server);
});

test('what is no request closes the connection as well, and so does a $auth without a token', async (t) => {
  const { wire } = await openRequired(t);
  for (const bytes of [
    frame(''),
    frame('{"id":'),
    frame('[]'),
    request('1', '$auth'),
    request('1', '$auth', '{"token":5}'),
  ]) {
    const peer = await wire();
    await peer.send(Buffer.concat([bytes, request('2', 'echo', '1')]));
    const replies = await peer.closed();
    assert.is(replies.length, 1, String(replies));
    assert.is(JSON.parse(String(replies[0])).ok, false);
  }
});

test('with $auth before it in the same segment a request is answered, byte by byte too', async (t) => {
  const { file, wire } = await openRequired(t);
  const bytes = Buffer.concat([authRequest(file.tokens.app), request('1', 'sum', '[1,2]'), request('2', '$ping')]);
  const whole = await wire();
  await whole.send(bytes);
  assert.equal(codes(await whole.take(3)), ['ok', 'ok', 'ok']);
  const cut = await wire();
  for (const byte of bytes) await cut.send(Buffer.from([byte]));
  assert.equal(codes(await cut.take(3)), ['ok', 'ok', 'ok']);
});

test('a long frame before $auth is refused by its length: nothing of it is held', async (t) => {
  const { server, wire } = await openRequired(t);
  const large = request('1', 'sum', numbers(1_000_000));
  for (const parts of [[large], [large.subarray(0, 4)], [large.subarray(0, 3), large.subarray(3, 5)]]) {
    const peer = await wire();
    for (const part of parts) peer.socket.write(part);
    assert.equal(codes(await peer.closed()), ['UNAUTHENTICATED']);
  }
  const middling = await wire();
  await middling.send(request('1', 'echo', numbers(5000)).subarray(0, 100));
  assert.equal(codes(await middling.closed()), ['UNAUTHENTICATED']);
  await untilIdle(server);
});

test('who says nothing for five seconds is told so and closed', async (t) => {
  const { server, wire, as } = await openRequired(t);
  const known = await as('app');
  const [silent, dripping] = [await wire(), await wire()];
  const bytes = authRequest(newToken());
  let sent = 0;
  const drip = setInterval(() => dripping.socket.write(bytes.subarray(sent, ++sent)), 200);
  t.after(() => clearInterval(drip));
  for (const peer of [silent, dripping]) {
    const replies = await peer.closed(15_000);
    assert.match(String(replies[0]), /"id":null,.*no \$auth came within 5000 ms","code":"UNAUTHENTICATED"/);
  }
  assert.is(server.view.snapshot().connectionsEnded.auth_timeout, 2);
  await known.send(request('1', 'sum', '[1]'));
  assert.is((await known.reply()).result, 1);
});

test('a wrong token is answered later from time to time, and a right one from the same address is not', async (t) => {
  const { server, wire, as } = await openRequired(t);
  for (let count = 0; count < 4; count++) {
    const peer = await wire();
    await peer.send(Buffer.concat([authRequest(newToken()), request('2', 'echo', '1')]));
    assert.equal(codes(await peer.closed()), ['UNAUTHENTICATED']);
  }
  await as('app');
  const { wrong, ok } = server.view.snapshot().access.authentications;
  assert.equal([wrong, ok], [4, 1]);
});

test('thousands of wrong tokens are cut without an answer, while others are answered', {
  timeoutMs: 60_000,
}, async (t) => {
  const { server, wire, as } = await openRequired(t, { app: {} }, { maxConnections: 1000 });
  const honest = await as('app');
  const total = () => {
    const { wrong, cut } = server.view.snapshot().access.authentications;
    return wrong + cut;
  };
  for (let round = 0; total() < 2000; round++) {
    const peers = await Promise.all(Array.from({ length: 50 }, wire));
    // Each connection has one try, however many it sends.
    for (const peer of peers) peer.socket.write(Buffer.concat([authRequest(newToken()), authRequest(newToken())]));
    await honest.send(request(`${round}`, 'sum', '[1,2]'));
    assert.is((await honest.reply()).result, 3);
    await Promise.all(peers.map((peer) => peer.closed()));
  }
  const { access, connectionsEnded } = server.view.snapshot();
  assert.ok(access.authentications.cut >= 1900, JSON.stringify(access.authentications));
  assert.is(connectionsEnded.auth_flood, access.authentications.cut);
  await as('app');
});

test('who leaves while his wrong token waits for its answer leaves nothing', async (t) => {
  const { server, wire } = await openRequired(t);
  for (let count = 0; count < 30; count++) {
    const peer = await wire();
    await peer.send(authRequest(newToken()));
    peer.socket.resetAndDestroy();
  }
  await until('all are gone', () => server.view.snapshot().connectionsOpen === 0);
  await untilIdle(server);
});

test('a revoked identity loses its connections and what it has in flight, and no other does', async (t) => {
  const { file, server, as } = await openRequired(t, { app: {}, other: {} }, { operationModules: [fixtures] });
  await server.ready;
  const [app, streaming, other] = [await as('app'), await as('app'), await as('other')];
  await app.send(request('1', 'spin', '{}'));
  await streaming.send(request('2', 'sum', numbers(2_000_000)).subarray(0, 1_500_000));
  await untilRunning(server, 'spin');
  await until('the sum is under way', () => server.view.snapshot().bulk.open === 1);
  file.write({ other: {} });
  assert.equal(codes(await app.closed()), ['CANCELLED']);
  assert.equal(codes(await streaming.closed()), ['CANCELLED']);
  await other.send(request('1', 'double', '2'));
  assert.is((await other.reply()).result, 4);
  assert.is(server.view.snapshot().connectionsEnded.revoked, 2);
  await untilIdle(server);
});

test('a connection may become somebody else, and a wrong token ends it', async (t) => {
  const { file, as } = await openRequired(t, { app: { allow: ['sum'] }, other: { allow: ['echo'] } });
  const peer = await as('app');
  await peer.send(
    Buffer.concat([request('1', 'echo', '1'), authRequest(file.tokens.other), request('2', 'echo', '1')]),
  );
  assert.equal(codes(await peer.take(3)), ['FORBIDDEN', 'ok', 'ok']);
  await peer.send(authRequest(newToken()));
  assert.equal(codes(await peer.closed()), ['UNAUTHENTICATED']);
});

test('where it is optional, who has no token may do what the anonymous may', async (t) => {
  const file = tokenFile(t, { app: {}, anonymous: { allow: ['echo'] } });
  const server = await openServer(t, { auth: 'optional', tokensFile: file.path });
  const peer = await openWire(t, server.port);
  await peer.send(Buffer.concat([request('1', 'echo', '1'), request('2', 'sum', '[1]'), request('3', '$ping')]));
  assert.equal(codes(await peer.take(3)).sort(), ['FORBIDDEN', 'ok', 'ok']);
  await peer.send(Buffer.concat([authRequest(file.tokens.app), request('4', 'sum', '[1]')]));
  assert.equal(codes(await peer.take(2)), ['ok', 'ok']);
});

test('where nobody is asked, a token is refused with a sentence that says why', async (t) => {
  const server = await openServer(t);
  const peer = await openWire(t, server.port);
  await peer.send(authRequest(newToken()));
  assert.match(String((await peer.closed())[0]), /--auth off.*UNAUTHENTICATED/);
});

test.run();
