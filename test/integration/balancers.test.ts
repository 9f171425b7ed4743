/** What servers get to know of a client through the real balancers with the configurations of `deploy/`, and what these refuse. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import * as assert from 'uvu/assert';
import { authRequest, tokenFile } from '../server/access/support.js';
import { openAuthority } from '../support/certificates.js';
import { type Balancer, balancers, needsOf, type TlsFiles, type Way } from '../support/deployed-balancer.js';
import { type Fleet, openFleet } from '../support/fleet.js';
import { parseLine } from '../support/server.js';
import { suite, type TestContext } from '../support/suite.js';
import { until } from '../support/until.js';
import { openWire, request, type Wire } from '../support/wire.js';

const test = suite('balancers', { timeoutMs: 60_000 });

interface Peer {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly localAddress?: string;
}

function openThrough(t: TestContext, { port, tls }: Fleet, { localAddress, ...pair }: Peer = {}): Promise<Wire> {
  const from = localAddress === undefined ? {} : { localAddress };
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true, ...from });
  return openWire(t, port, { ca: [...tls!.ca], socket, ...pair });
}

async function echo(wire: Wire) {
  await wire.send(request('1', 'echo', '1'));
  return wire.reply();
}

/** Whom the servers take a client for: with a certificate for `alice`, and without one. */
interface Taken {
  readonly balancer: Balancer;
  readonly way: Way;
  readonly says: string;
  readonly names: readonly [string | undefined, string | undefined];
}

const taken: readonly Taken[] = [
  {
    balancer: 'haproxy',
    way: 'tls-ended',
    says: 'a client is who its certificate says, which HAProxy has verified',
    names: ['alice', undefined],
  },
  {
    balancer: 'haproxy',
    way: 'tls-passed-through',
    says: 'a client is who its certificate says, which the server has verified',
    names: ['alice', undefined],
  },
  {
    balancer: 'haproxy',
    way: 'mutual-tls',
    says: 'a client is who its certificate says, and without one it is the balancer',
    names: ['alice', 'balancer'],
  },
  {
    balancer: 'nginx',
    way: 'tls-ended',
    says: 'a certificate says nothing, since version 1 of PROXY has no place for its name',
    names: [undefined, undefined],
  },
  {
    balancer: 'nginx',
    way: 'tls-passed-through',
    says: 'a client is who its certificate says, which the server has verified',
    names: ['alice', undefined],
  },
  {
    balancer: 'nginx',
    way: 'mutual-tls',
    says: 'every client is the balancer',
    names: ['balancer', 'balancer'],
  },
];

for (const { balancer, way, says, names } of taken) {
  test.needs(
    needsOf(balancer, way),
    `${balancer}, ${way}: a client’s address is in the servers’ limits and log; ${says}, until it sends a token`,
    async (t) => {
      const sums = { allow: ['sum'] };
      const file = tokenFile(t, { alice: sums, balancer: sums, bob: {} });
      const args = ['--auth', 'optional', '--tokens', file.path, '--max-connections-per-address', '1'];
      const askClients = (tls: TlsFiles) => ['--tls-client-ca', tls.clientsCa, '--tls-client', 'optional'];
      const fleet = await openFleet(t, {
        balancer,
        way,
        args: (tls) => (way === 'tls-passed-through' ? [...args, ...askClients(tls!)] : args),
      });
      const alice = fleet.tls!.issueClient('alice');
      const takenFor = [
        await nameOf(await openThrough(t, fleet, { ...alice, localAddress: '127.0.0.2' })),
        await nameOf(await openThrough(t, fleet, { localAddress: '127.0.0.3' })),
      ];
      assert.equal(takenFor, names);
      const bob = await openThrough(t, fleet, { ...alice, localAddress: '127.0.0.4' });
      await bob.send(authRequest(file.tokens.bob));
      assert.equal((await bob.reply()).result, { identity: 'bob' });
      assert.is((await echo(bob)).result, 1);
      await assertAddressIsKnown(t, fleet);
    },
  );
}

/** Whom the servers take a client for; `undefined` for nobody in particular, who may echo. */
async function nameOf(wire: Wire): Promise<string | undefined> {
  const { ok, error } = await echo(wire);
  return ok ? undefined : /^the identity "(\w+)" may not call "echo"/.exec(error!)?.[1];
}

/** Opens one connection more than servers take from one address. */
async function assertAddressIsKnown(t: TestContext, fleet: Fleet): Promise<void> {
  const localAddress = '127.0.0.5';
  const wires = await Promise.all([1, 2, 3, 4].map(() => openThrough(t, fleet, { localAddress })));
  const refused = (await Promise.all(wires.map(echo))).filter(({ code }) => code === 'OVERLOADED');
  assert.ok(refused.length > 0);
  for (const { error } of refused) assert.match(error!, `1 connections are open from ${localAddress}`);
  const lines = () => fleet.servers.flatMap(({ log }) => log.map((line) => parseLine(line) ?? {}));
  const told = () => lines().filter(({ remoteAddress }) => remoteAddress === localAddress);
  await until('it is logged', () => told().length >= refused.length);
}

for (const way of ['tls-ended', 'mutual-tls'] as const) {
  test.needs(needsOf('haproxy', way), `haproxy, ${way}: a certificate of another authority is refused`, async (t) => {
    const { port, tls } = await openFleet(t, { balancer: 'haproxy', way });
    const { cert, key } = openAuthority(t, 'others').issue('alice');
    const pair = { cert: readFileSync(cert), key: readFileSync(key) };
    const socket = connectSecurely({ port, host: '127.0.0.1', ca: [...tls!.ca], ...pair });
    t.after(() => socket.destroy());
    let received = 0;
    socket.on('data', ({ length }) => {
      received += length;
    });
    socket.on('error', () => {}).write(request('1', 'echo', '1'));
    await new Promise((resolve) => socket.once('close', resolve));
    assert.is(received, 0);
  });

  test.needs(
    needsOf('haproxy', way),
    `haproxy, ${way}: who does not finish a handshake is let go, who is silent after it stays`,
    async (t) => {
      const adapt = (config: string) => config.replace('timeout client 5s', 'timeout client 500ms');
      const fleet = await openFleet(t, { balancer: 'haproxy', way, adapt });
      const silent = await openThrough(t, fleet);
      const unfinished = connect({ port: fleet.port, host: '127.0.0.1' });
      t.after(() => unfinished.destroy());
      unfinished.on('error', () => {}).resume();
      await new Promise((resolve) => unfinished.once('close', resolve));
      assert.is((await echo(silent)).result, 1);
    },
  );
}

for (const balancer of balancers) {
  test.needs(
    needsOf(balancer, 'mutual-tls'),
    `${balancer}, mutual-tls: a server with a certificate for another name gets no client`,
    async (t) => {
      const adapt = (config: string) => config.replaceAll(/ trama\.internal(?=;?$)/gm, ' another.internal');
      const fleet = await openFleet(t, { balancer, way: 'mutual-tls', adapt, settles: false });
      const wire = await openThrough(t, fleet);
      assert.equal(await wire.closed(), []);
    },
  );
}

test.run();
