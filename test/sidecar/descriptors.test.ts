import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import * as assert from 'uvu/assert';
import { startServer } from '../support/server.js';
import { suite } from '../support/suite.js';
import { until } from '../support/until.js';
import { ask } from './support.js';

const test = suite('the HTTP side without file descriptors');

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The lowest descriptor that the process has not open: with a limit of that number it can open none. */
function lowestFree(pid: number): number {
  let descriptor = 0;
  while (existsSync(`/proc/${pid}/fd/${descriptor}`)) descriptor++;
  return descriptor;
}

test.needs('prlimit', 'goes on while they are out, and is whole again afterwards', async (t) => {
  const server = await startServer(t, ['--workers', '1']);
  const pid = server.process.pid!;
  const limitFiles = (soft: number) => execFileSync('prlimit', ['--pid', `${pid}`, `--nofile=${soft}:`]);
  // The one connection that is there before: no other is accepted meanwhile.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const get = (path: string) =>
    new Promise<Answer>((resolve, reject) => {
      const asking = request({ agent, port: server.httpPort, host: '127.0.0.1', path }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode!, text }));
      });
      asking.on('error', reject).end();
    });
  await until('the threads are there', async () => (await get('/readyz')).status === 200);
  assert.is((await get('/metrics')).status, 200);

  limitFiles(lowestFree(pid));
  for (const path of ['/openapi.json', '/docs']) {
    const { status, text } = await get(path);
    assert.is(status, 500, `${path}: ${text.slice(0, 200)}`);
    assert.is((JSON.parse(text) as { code: string }).code, 'INTERNAL');
  }

  assert.is((await get('/metrics')).status, 200, 'what needs no new file is answered');

  limitFiles(1024);
  for (const path of ['/openapi.json', '/docs', '/docs/static/swagger-ui.css']) {
    await until(`${path} is there`, async () => (await get(path)).status === 200);
  }
  await until('a new connection is answered', () =>
    ask(server, '/v1/ops').then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  assert.is(await server.stop(), 0);
});

test.run();
