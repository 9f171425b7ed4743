/** The step in a server, over real connections. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { type RunningServer, type ServerConfig, startServer } from '../../../../src/server/server.js';
import { headerOfClient, sslTlv, withChecksum } from '../../../support/proxy-header.js';
import { suite, type TestContext } from '../../../support/suite.js';
import { until } from '../../../support/until.js';
import { openWire, request } from '../../../support/wire.js';
import { numbers, serverDefaults } from '../../support.js';

const test = suite('a door behind balancers');

async function openDoor(
  t: TestContext,
  trustedProxies: readonly string[] = ['127.0.0.1'],
  more: Partial<ServerConfig> = {},
) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const server = await startServer({ ...serverDefaults, proxyProtocol: true, trustedProxies, ...more }, log);
  t.after(() => server.close());
  const refused = () => lines.filter(({ msg }) => msg === 'the server ends a connection');
  return { server, refused, wire: () => openWire(t, server.port) };
}

const ended = (server: RunningServer) => server.view.snapshot().connectionsEnded;

const headers = {
  'version 1': Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n'),
  'version 2': withChecksum(headerOfClient([sslTlv({ client: 7, verify: 0, name: 'client' })])),
};

for (const [version, header] of Object.entries(headers)) {
  test(`${version}: frames with the header, behind it, and cut anywhere are all answered`, async (t) => {
    const { server, wire, refused } = await openDoor(t);
    const frames = Buffer.concat([request('1', 'sum', '[1,2]'), request('2', 'echo', '"x"')]);
    const bytes = Buffer.concat([header, frames]);
    for (let cut = 0; cut <= bytes.length; cut += cut < header.length + 8 ? 1 : 9) {
      const one = await wire();
      if (cut > 0) await one.send(bytes.subarray(0, cut));
      await one.send(bytes.subarray(cut));
      assert.equal(
        (await one.take(2)).map((body) => JSON.parse(String(body)).result),
        [3, 'x'],
      );
      one.finish();
    }
    await until('all are closed', () => server.view.snapshot().connectionsOpen === 0);
    assert.equal(refused(), []);
  });

  test(`${version}: a large frame that begins with the header's bytes comes whole`, async (t) => {
    const { wire } = await openDoor(t);
    const data = numbers(3_000_000);
    const one = await wire();
    one.socket.write(Buffer.concat([header, request('1', 'echo', data), request('2', 'sum', '[4]')]));
    const [large, small] = await one.take(2);
    assert.is(String(large), `{"id":"1","ok":true,"result":${data}}`);
    assert.is(JSON.parse(String(small)).result, 4);
  });
}

test('a connection of the balancer’s own, as it checks health, is no fault', async (t) => {
  const { server, refused, wire } = await openDoor(t);
  for (const local of ['20000000', '2000000f04000c000000000000000000000000']) {
    const check = await wire();
    await check.send(Buffer.from(`0d0a0d0a000d0a515549540a${local}`, 'hex'));
    check.socket.end();
    assert.equal(await check.closed(), []);
  }
  const reset = await wire();
  reset.socket.resetAndDestroy();
  const quiet = await wire();
  quiet.socket.end();
  assert.equal(await quiet.closed(), []);
  await until('all are closed', () => server.view.snapshot().connectionsOpen === 0);
  assert.equal([refused(), ended(server).proxy_header], [[], 0]);
});

test('a bad header, or one that ends in the middle, is refused with a reason', async (t) => {
  const { server, refused, wire } = await openDoor(t);
  const sent: [Buffer, string][] = [
    [request('1', 'sum', '[1]'), 'it does not begin like a PROXY header'],
    [headerOfClient().subarray(0, 20), 'it ends in the middle'],
    [Buffer.from('PROXY TCP4 nobody\r\n'), 'its line is none of version 1'],
  ];
  for (const [bytes, why] of sent) {
    const one = await wire();
    await one.send(bytes);
    one.socket.end();
    assert.equal(await one.closed(), []);
    await until('it is told', () => refused().some((line) => line.reason === 'proxy_header' && line.why === why));
  }
  assert.is(ended(server).proxy_header, 3);
  assert.is(server.view.snapshot().connectionsAccepted, 0);
});

test('a header of a stranger is not read', async (t) => {
  const { server, refused, wire } = await openDoor(t, ['192.0.2.0/24']);
  const one = await wire();
  one.socket.write(Buffer.concat([headers['version 1'], request('1', 'sum', '[1]')]));
  assert.equal(await one.closed(), []);
  await until('it is told', () => refused().length === 1);
  assert.equal([refused()[0]!.reason, refused()[0]!.remoteAddress], ['proxy_untrusted', '127.0.0.1']);
  assert.is(ended(server).proxy_untrusted, 1);
});

test('a trusted peer that says nothing is refused when its time is over', async (t) => {
  const { server, wire } = await openDoor(t);
  const one = await wire();
  assert.equal(await one.closed(), []);
  await until('it is counted', () => ended(server).proxy_header === 1);
});

test('the log tells the client’s address, not the balancer’s', async (t) => {
  const { server, refused, wire } = await openDoor(t);
  const one = await wire();
  one.socket.write(Buffer.concat([headers['version 2'], Buffer.alloc(4, 0xff), Buffer.alloc(100_000, '[')]));
  await until('it is ended', () => ended(server).frame_too_large === 1);
  await until('it is told', () => refused().length === 1);
  const [{ remoteAddress, remotePort }] = refused() as [Record<string, unknown>];
  assert.equal([remoteAddress, remotePort], ['192.0.2.7', 50000]);
});

test('connections of the balancer’s own address take no places from its clients', async (t) => {
  const { wire } = await openDoor(t, ['127.0.0.1'], { maxConnectionsPerAddress: 1 });
  const own = await wire();
  await own.send(Buffer.from('PROXY UNKNOWN\r\n'), request('1', 'echo', '1'));
  assert.is((await own.reply()).result, 1);
  const client = await wire();
  await client.send(headers['version 1'], request('1', 'echo', '2'));
  assert.is((await client.reply()).result, 2);
  const second = await wire();
  await second.send(headers['version 1'], request('1', 'echo', '3'));
  assert.is((await second.reply()).code, 'OVERLOADED');
});

test.run();
