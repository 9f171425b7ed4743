/** The HTTP side of the real server while peers take all of its places. */
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { ask, call, samples } from '../sidecar/support.js';
import { startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';

const test = suite('HTTP places under attack');

const attacks: readonly [what: string, sent: string][] = [
  ['say nothing', ''],
  ['send what is no HTTP', 'GARBAGE\r\n\r\n'],
  ['send half a head', 'GET /livez HT'],
  ['send half a body', 'POST /v1/call/echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900\r\n\r\n"'],
  ['keep their connection after an answer', 'GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n'],
];

/**
 * A probe has a connection of its own. One that is kept for the next may be the one that gives way, and the request that
 * is sent on it then is lost: that is a matter of the client's.
 */
const fresh = { headers: { connection: 'close' } };

for (const [what, sent] of attacks) {
  test(`peers that ${what} and never end their side do not shut probes, scrapes and calls out`, async (t) => {
    const server = await startServer(t, ['--workers', '1', '--http-max-connections', '16']);
    await until('it is ready', async () => (await ask(server, '/readyz', fresh)).status === 200);
    const sockets = Array.from({ length: 100 }, () => {
      const socket = connect({ port: server.httpPort, host: '127.0.0.1', allowHalfOpen: true });
      return socket.on('error', () => {}).on('connect', () => socket.write(sent));
    });
    t.after(() => sockets.forEach((socket) => void socket.destroy()));
    await until('all have come', () =>
      sockets.every(({ bytesWritten, destroyed }) => bytesWritten > 0 || destroyed || sent === ''),
    );
    const lost: string[] = [];
    const fetched = async (path: string) => {
      // Two requests may meet in the last place: a probe asks again.
      const answer = await until(`${path} is answered`, () =>
        ask(server, path, fresh).catch((error: Error) => {
          lost.push(`${path}: ${error.message}`);
          return undefined;
        }),
      );
      return answer!;
    };
    for (let round = 0; round < 5; round++) {
      for (const path of ['/livez', '/readyz', '/metrics']) assert.is((await fetched(path)).status, 200);
    }
    assert.equal(lost, []);
    assert.is((await call(server, 'sum', '[1,2]')).status, 200);
    const figures = samples((await fetched('/metrics')).text);
    const open = [...figures].filter(([name]) => name.startsWith('trama_http_open_connections'));
    assert.ok(open.reduce((sum, [, value]) => sum + value, 0) <= 16, JSON.stringify(open));
    const ended = [...figures].filter(([name]) => name.startsWith('trama_http_ended_connections_total'));
    assert.ok(ended.length > 0 || what.startsWith('keep'), 'nothing is counted');
  });
}

test.run();
