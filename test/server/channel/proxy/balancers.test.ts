/** PROXY headers as the real balancers send them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { Acceptor, type Arrival } from '../../../../src/server/channel/acceptor.js';
import { makeProxyStep } from '../../../../src/server/channel/proxy/proxy-step.js';
import { TrustedProxies } from '../../../../src/server/channel/proxy/trusted-proxies.js';
import { startServer } from '../../../../src/server/server.js';
import { startHaproxy } from '../../../support/haproxy.js';
import { nginxNeeds, startNginx } from '../../../support/nginx.js';
import { suite, type TestContext } from '../../../support/suite.js';
import { until } from '../../../support/until.js';
import { openWire, request } from '../../../support/wire.js';
import { serverDefaults } from '../../support.js';

const test = suite('PROXY headers of real balancers');

/** A server whose log is kept: it tells the address of a peer whose frame is too large. */
async function openDoor(t: TestContext) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const config = { ...serverDefaults, proxyProtocol: true, trustedProxies: ['127.0.0.1'] };
  const server = await startServer(config, log);
  t.after(() => server.close());
  const ends = () => lines.filter(({ msg }) => msg === 'the server ends a connection');
  return { server, ends };
}

type Door = Awaited<ReturnType<typeof openDoor>>;

async function assertClientIsKnown(t: TestContext, { ends }: Door, port: number): Promise<void> {
  const wire = await openWire(t, port);
  const { localPort } = wire.socket;
  await wire.send(request('1', 'sum', '[1,2]'));
  assert.is((await wire.reply()).result, 3);
  await wire.send(Buffer.alloc(100_000, 0xff));
  await until('it is told', () => ends().length > 0);
  const told = ends().map(({ reason, remoteAddress, remotePort }) => [reason, remoteAddress, remotePort]);
  assert.equal(told, [['frame_too_large', '127.0.0.1', localPort]]);
}

/** The way in by itself: `connects` counts what the kernel has taken, and a peer that is gone by then is no arrival. */
async function openSteps(t: TestContext) {
  const arrivals: Arrival[] = [];
  const failures: unknown[] = [];
  let connects = 0;
  const trusted = new TrustedProxies(['127.0.0.1']);
  const acceptor = new Acceptor({
    port: 0,
    host: '127.0.0.1',
    turnedAwayMax: 16,
    steps: [makeProxyStep({ trusted, strangers: 'refused', refused: (...refusal) => failures.push(refusal) })],
    addressRefusal: () => undefined,
    refusal: () => {
      connects++;
      return undefined;
    },
    turnedAway: () => {},
    accepted: (arrival) => void arrivals.push(arrival),
    failed: (error) => failures.push(error),
  });
  await acceptor.listen();
  t.after(() => {
    acceptor.close();
    for (const { socket } of arrivals) socket.destroy();
  });
  return { port: acceptor.port, arrivals, failures, connects: () => connects };
}

const ofHaproxy = [
  'send-proxy',
  'send-proxy-v2',
  'send-proxy-v2 proxy-v2-options ssl,cert-cn,crc32c,unique-id,authority',
];
for (const server of ofHaproxy) {
  test.needs('haproxy', `HAProxy: ${server}`, async (t) => {
    const door = await openDoor(t);
    const port = await startHaproxy(t, { serverPort: door.server.port, server });
    await assertClientIsKnown(t, door, port);
  });

  test.needs('haproxy', `HAProxy checks the health of a server quietly: ${server}`, async (t) => {
    const { port, failures, connects } = await openSteps(t);
    const before = connects();
    await startHaproxy(t, { serverPort: port, server: `${server} check check-send-proxy inter 50ms` });
    await until('it has checked', () => connects() >= before + 20);
    assert.equal(failures, []);
  });
}

test.needs(nginxNeeds, 'nginx: proxy_protocol on', async (t) => {
  const door = await openDoor(t);
  const port = await startNginx(t, { serverPort: door.server.port, server: 'proxy_protocol on;' });
  await assertClientIsKnown(t, door, port);
});

/** Certificates of one authority, as files in a folder that goes with the test; and one that signs itself. */
function certificates(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'trama-certificates-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  for (const name of ['authority', 'other']) {
    openssl('req', '-x509', ...key, '-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', `/CN=${name}`);
  }
  const signers = { server: 'authority', client: 'authority', stranger: 'other' };
  for (const [name, signer] of Object.entries(signers)) {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const by = ['-CA', `${signer}.crt`, '-CAkey', `${signer}.key`, '-CAcreateserial', '-days', '1'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...by);
  }
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  writeFileSync(join(folder, 'server.pem'), read('server.crt') + read('server.key'));
  return folder;
}

test.needs(['haproxy', 'openssl'], 'the name in a certificate that HAProxy has verified is the identity', async (t) => {
  const folder = certificates(t);
  const { port: serverPort, arrivals, failures } = await openSteps(t);
  const files = `crt ${folder}/server.pem ca-file ${folder}/authority.crt`;
  const port = await startHaproxy(t, {
    serverPort,
    bind: `ssl ${files} verify optional crt-ignore-err all ca-ignore-err all`,
    server: 'send-proxy-v2 proxy-v2-options ssl,cert-cn,crc32c',
  });
  // The look whether it listens may have brought one too.
  const identityOf = async (name: string | undefined) => {
    const pair = (kind: string) => readFileSync(join(folder, `${name}.${kind}`));
    const own = name === undefined ? {} : { key: pair('key'), cert: pair('crt') };
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...own });
    t.after(() => socket.destroy());
    socket.on('error', () => {});
    const localPort = await new Promise((resolve) => socket.once('secureConnect', () => resolve(socket.localPort)));
    const arrived = () => arrivals.find(({ address }) => address.remotePort === localPort);
    return (await until('it arrives', arrived))!.identity;
  };
  assert.is(await identityOf('client'), 'client');
  assert.is(await identityOf('stranger'), undefined);
  assert.is(await identityOf(undefined), undefined);
  assert.equal(failures, []);
});

test.run();
