import * as assert from 'uvu/assert';
import { connect, ProtocolError, ReplyError } from '../../src/client/index.js';
import { newToken } from '../../src/server/access/token.js';
import { tokenFile } from '../server/access/support.js';
import { numbers, openServer } from '../server/support.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';

const test = suite('a client that says who it is');

async function open(t: TestContext) {
  const file = tokenFile(t, { app: {}, held: { allow: ['sum'] } });
  const server = await openServer(t, { auth: 'required', tokensFile: file.path });
  return { file, server, port: server.port };
}

async function failure(action: Promise<unknown>): Promise<Error & { code?: string }> {
  return action.then(
    () => {
      throw new Error('it did not fail');
    },
    (error) => error,
  );
}

test('sends its token before all else, on each connection, those of streams included', async (t) => {
  const { file, port, server } = await open(t);
  let asked = 0;
  const token = async () => {
    asked++;
    return file.tokens.app!;
  };
  const client = await connect({ port, token });
  t.after(() => client.close());
  assert.is(await client.call('sum', [1, 2]), 3);
  const text = Buffer.from(numbers(2_000_000));
  assert.is(await client.callStream('sum', [text] as never, text.length), 1_000_001);
  assert.is(asked, 2);
  assert.is(server.view.snapshot().access.authentications.ok, 2);
});

test('a token that is not taken is one typed error, and no attempt follows', async (t) => {
  const { port, server } = await open(t);
  const error = await failure(connect({ port, token: newToken() }));
  assert.instance(error, ProtocolError);
  assert.is(error.code, 'UNAUTHENTICATED');
  assert.match(error.message, /refuses this client: the token is not one that this server knows/);
  const { wrong } = server.view.snapshot().access.authentications;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.is(server.view.snapshot().access.authentications.wrong, wrong);
});

test('a function that fails or gives no text is an error that says so', async (t) => {
  const { port } = await open(t);
  const thrown = await failure(connect({ port, token: () => Promise.reject(new Error('the vault is shut')) }));
  assert.match(thrown.message, /The token for .* could not be had: the vault is shut/);
  assert.match((await failure(connect({ port, token: (() => 5) as never }))).message, /What token returns/);
  assert.instance(await failure(connect({ port, token: 5 as never })), TypeError);
  assert.instance(await failure(connect({ port, token: '' })), TypeError);
});

test('a client without a token is refused when it asks for the first time, and makes no further attempt', async (t) => {
  const { port, server } = await open(t);
  const client = await connect({ port });
  t.after(() => client.close());
  const error = await failure(client.call('sum', [1]));
  assert.is(error.code, 'UNAUTHENTICATED');
  await until('it is closed', () => client.state === 'closed');
  assert.is(server.view.snapshot().connectionsAccepted, 1);
  assert.is((await failure(client.call('sum', [1]))).code, 'CONNECTION_LOST');
});

test('without reconnecting it asks nothing, and a call of it is UNAUTHENTICATED', async (t) => {
  const { port } = await open(t);
  const client = await connect({ port, reconnect: false });
  t.after(() => client.close());
  const error = await failure(client.call('sum', [1]));
  assert.instance(error, ReplyError);
  assert.is(error.code, 'UNAUTHENTICATED');
  await until('it is closed', () => client.state === 'closed');
});

test('who is told after a while that nobody said who he is closes, too', async (t) => {
  const { port, server } = await open(t);
  const client = await connect({ port, reconnect: false });
  t.after(() => client.close());
  await until('it is closed', () => client.state === 'closed', { timeoutMs: 15_000 });
  assert.is(server.view.snapshot().connectionsAccepted, 1);
});

test('a client whose token was revoked tries once more, with the token that its function gives then', async (t) => {
  const { file, port } = await open(t);
  let name = 'app';
  const states: string[] = [];
  const renewed = await connect({ port, token: () => file.tokens[name]! });
  const fixed = await connect({ port, token: file.tokens.app! });
  t.after(() => Promise.all([renewed.close(), fixed.close()]));
  fixed.onState(({ state, error }) => states.push(`${state} ${error?.code}`));
  name = 'held';
  file.write({ held: { allow: ['sum'] } });
  await until('one is closed', () => fixed.state === 'closed', { timeoutMs: 15_000 });
  assert.is(states.at(-1), 'closed UNAUTHENTICATED');
  await until('the other is back', async () => (await renewed.call('sum', [4]).catch(() => 0)) === 4);
  assert.is((await failure(renewed.call('echo', 1))).code, 'FORBIDDEN');
});

test.run();
