import { spawn } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import * as assert from 'uvu/assert';
import { mainPath } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until, withinMs } from '../support/until.js';
import { openWire, request } from '../support/wire.js';

const test = suite('the log');

/** A port that was free a moment ago: the log, which tells of a port, cannot be read here. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const devFull = () => (existsSync('/dev/full') ? undefined : 'there is no /dev/full');

test.needs(
  devFull,
  'a full disk takes lines of the log, and neither the answers nor the end of the server',
  async (t) => {
    const port = await freePort();
    const args = [mainPath, 'serve', '--port', `${port}`, '--http-port', '0', '--workers', '1'];
    const server = spawn(process.execPath, args, { stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'] });
    t.after(() => server.kill('SIGKILL'));
    const ended = new Promise((resolve) => server.once('close', resolve));
    let stderr = '';
    server.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    await until('it has lost a line', () => stderr.length > 0);
    for (let round = 0; round < 3; round++) {
      const bad = await openWire(t, port);
      await bad.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
      await bad.closed();
    }
    const wire = await openWire(t, port);
    await wire.send(request('1', 'sum', '[1,2]'));
    assert.is((await wire.reply()).result, 3);
    server.kill('SIGTERM');
    assert.is(await withinMs(10_000, 'the end of the server', () => ended), 0);
    assert.match(stderr, /^trama: the log cannot be written to stdout, and lines of it may be lost: ENOSPC.*\n$/);
  },
);

test.run();
